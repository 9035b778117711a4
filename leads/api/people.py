"""Contacts and companies."""

from __future__ import annotations

import uuid

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.access import require
from leadcrm.workspaces.api.base import ApiView, versioned
from leadcrm.workspaces.api.schema import page_of_schema, paging_parameters
from leadcrm.workspaces.paging import Order, both_ways, orders
from leadcrm.workspaces.parsing import unfit
from leads import access, identity, people
from leads.api.drafts import check_phone
from leads.api.inputs import (
    CompanyCreateSerializer,
    CompanyEditSerializer,
    ContactEditSerializer,
)
from leads.api.serializers import CompanySerializer, ContactSerializer
from leads.models import Contact, ContactKey

PEOPLE_ORDERS = orders(
    *both_ways("name", "sort_name"), Order("-created_at", "created_at", descending=True)
)
Q_PARAMETER = OpenApiParameter(
    "q", str, description="The start of the name, or a whole e-mail address, phone or domain."
)


class ContactListView(ApiView):
    tag = "People"

    @extend_schema(
        operation_id="contacts_list",
        summary="List contacts",
        parameters=[Q_PARAMETER, *paging_parameters(PEOPLE_ORDERS)],
        responses=page_of_schema(ContactSerializer),
    )
    def get(self, request: Request) -> Response:
        named = access.visible_contacts(self.membership).annotate(sort_name=Lower("display_name"))
        rows = _found_contacts(named, search_text(self), self.membership.workspace.country)
        return self.page(
            rows,
            PEOPLE_ORDERS,
            lambda rows: list(ContactSerializer(rows, many=True).data),
            known=("q",),
        )


class ContactView(ApiView):
    tag = "People"
    versioned = True

    @extend_schema(
        operation_id="contacts_retrieve", summary="Read a contact", responses=ContactSerializer
    )
    def get(self, request: Request, contact_id: uuid.UUID) -> Response:
        self.refuse_unknown(set())
        contact = access.access_contact(self.membership, contact_id)
        return versioned(ContactSerializer(contact).data, contact.version)

    @extend_schema(
        operation_id="contacts_edit",
        summary="Edit a contact",
        request=ContactEditSerializer,
        responses=ContactSerializer,
    )
    def patch(self, request: Request, contact_id: uuid.UUID) -> Response:
        access.access_contact(self.membership, contact_id, need="edit")
        values = self.read(ContactEditSerializer)
        check_phone(values, self.membership)
        edited = people.edit_contact(
            contact_id, values, by=self.actor, now=self.now, version=self.expected_version()
        )
        return versioned(ContactSerializer(edited.row).data, edited.row.version)


class CompanyListView(ApiView):
    tag = "People"

    @extend_schema(
        operation_id="companies_list",
        summary="List companies",
        parameters=[Q_PARAMETER, *paging_parameters(PEOPLE_ORDERS)],
        responses=page_of_schema(CompanySerializer),
    )
    def get(self, request: Request) -> Response:
        rows = access.visible_companies(self.membership).annotate(sort_name=Lower("name"))
        if text := search_text(self):
            rows = rows.filter(Q(sort_name__startswith=text.lower()) | Q(domain=text.lower()))
        return self.page(
            rows,
            PEOPLE_ORDERS,
            lambda rows: list(CompanySerializer(rows, many=True).data),
            known=("q",),
        )

    @extend_schema(
        operation_id="companies_create",
        summary="Add a company",
        request=CompanyCreateSerializer,
        responses={201: CompanySerializer},
    )
    def post(self, request: Request) -> Response:
        require(self.membership, "edit")
        values = self.read(CompanyCreateSerializer)
        company = people.add_company(values, by=self.actor, now=self.now)
        return versioned(CompanySerializer(company).data, company.version, 201)


class CompanyView(ApiView):
    tag = "People"
    versioned = True

    @extend_schema(
        operation_id="companies_retrieve", summary="Read a company", responses=CompanySerializer
    )
    def get(self, request: Request, company_id: uuid.UUID) -> Response:
        self.refuse_unknown(set())
        company = access.access_company(self.membership, company_id)
        return versioned(CompanySerializer(company).data, company.version)

    @extend_schema(
        operation_id="companies_edit",
        summary="Edit a company",
        request=CompanyEditSerializer,
        responses=CompanySerializer,
    )
    def patch(self, request: Request, company_id: uuid.UUID) -> Response:
        access.access_company(self.membership, company_id, need="edit")
        values = self.read(CompanyEditSerializer)
        edited = people.edit_company(
            company_id, values, by=self.actor, now=self.now, version=self.expected_version()
        )
        return versioned(CompanySerializer(edited.row).data, edited.row.version)


def search_text(view: ApiView) -> str:
    """The parameter `q`, checked."""
    text = " ".join(view.request.query_params.get("q", "").split())
    if len(text) > 200 or unfit(text):
        raise ValidationError({"q": ["At most 200 characters, without control characters."]})
    return text


def _found_contacts(rows: QuerySet[Contact], text: str, country: str) -> QuerySet[Contact]:
    if not text:
        return rows
    keys = [identity.canonical_email(text), identity.canonical_phone(text, country)]
    named = ContactKey.objects.filter(value__in=[key for key in keys if key])
    starts = Q(sort_name__startswith=text.lower())
    return rows.filter(starts | Q(pk__in=named.values("contact")) if any(keys) else starts)
