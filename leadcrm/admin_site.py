"""Django admin for the installation's staff: across all workspaces, and each access is logged.

A workspace's own admins use its settings pages; they never come here.
"""

from __future__ import annotations

from functools import update_wrapper
from typing import Any

import structlog
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponseBase
from django.template.response import SimpleTemplateResponse

from leadcrm.workspaces.scoping import all_workspaces

log = structlog.get_logger(__name__)


class StaffSite(AdminSite):
    site_header = "leadcrm staff"
    site_title = "leadcrm staff"
    index_title = "All workspaces"

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        def across(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            # The path holds ids only; what staff searched for is in the query and stays out.
            log.info(
                "staff_access", user=str(request.user.pk), method=request.method, path=request.path
            )
            with all_workspaces():
                response: HttpResponseBase = view(request, *args, **kwargs)
                if isinstance(response, SimpleTemplateResponse):
                    response.render()
                return response

        return super().admin_view(update_wrapper(across, view), cacheable)
