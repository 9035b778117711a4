"""The page of a company: looking, and editing in place."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from leadcrm.workspaces.pages import PageRequest
from leads import people
from leads.access import access_company
from leads.people_forms import CompanyForm
from leads.views.in_place import RecordPage
from leads.views.person_page import company_history, company_page

PAGE = RecordPage(
    "company", CompanyForm, access_company, company_page, company_history, people.edit_company
)


@require_safe
def company_detail(request: PageRequest, company_id: uuid.UUID) -> HttpResponse:
    return PAGE.respond(request, access_company(request.membership, company_id))


@require_http_methods(["GET", "HEAD", "POST"])
def edit_company(request: PageRequest, company_id: uuid.UUID) -> HttpResponse:
    return PAGE.respond_edit(request, access_company(request.membership, company_id, need="edit"))
