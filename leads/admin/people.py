"""Staff's pages of people and companies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Lower

from leadcrm.workspaces.admin_base import FOUND, some_keys
from leadcrm.workspaces.admin_parts import Panel
from leadcrm.workspaces.admin_tenant import TenantAdmin, any_workspace, one_workspace
from leads.models import Activity, Company, Contact, ContactKey, Lead

EVERY_KIND = ContactKey.Kind.values


@admin.register(Contact)
class ContactAdmin(TenantAdmin):
    list_display = ("display_name", "workspace", "email", "phone", "company", "stage", "is_merged")
    ordering_within = (Lower("display_name"), "pk")
    list_select_related = ("workspace", "company")
    search_help_text = "E-mail or phone number in full, or id; in one workspace the name's start"
    fieldsets = (
        (
            None,
            {"fields": ("display_name", ("first_name", "last_name"), "email", "phone",
                        "company_name", "job_title", ("state", "country"), "time_zone")},
        ),
        ("Where they stand", {"fields": ("stage", "company", "merged_into")}),
        (
            "The row",
            {"fields": ("id", "workspace", "version", "created_at", "archived_at")},
        ),
    )  # fmt: skip
    panels: ClassVar = [
        Panel(
            "Leads", Lead, "contact", ("display_name", "stage", "owner", "created_at"),
            order=("-created_at",), related=("stage", "owner"),
        ),
        Panel(
            "Addresses and numbers", ContactKey, "contact",
            ("value", "get_kind_display", "shared", "do_not_contact_at", "do_not_contact_note"),
            order=("kind", "value"),
        ),
        Panel(
            "Timeline", Activity, "contact",
            ("occurred_at", "get_kind_display", "from_stage", "to_stage", "actor", "via"),
            order=("-occurred_at", "-pk"), related=("actor", "from_stage", "to_stage"),
        ),
    ]  # fmt: skip

    @admin.display(description="merged", boolean=True)
    def is_merged(self, contact: Contact) -> bool:
        return contact.merged_into_id is not None

    def find(self, term: str) -> Sequence[Any]:
        return [*some_keys(keys_of(term), "contact"), *_named(Contact, "display_name", term)]


@admin.register(ContactKey)
class ContactKeyAdmin(TenantAdmin):
    list_display = ("value", "kind", "workspace", "contact", "shared", "do_not_contact_at")
    filter_within = ("kind",)
    ordering_within = ("kind", "value")
    list_select_related = ("workspace", "contact")
    search_fields = ("pk", "contact")
    search_help_text = "E-mail or phone number in full, or id of the row or person"

    def find(self, term: str) -> Sequence[Any]:
        return some_keys(keys_of(term))


@admin.register(Company)
class CompanyAdmin(TenantAdmin):
    list_display = ("name", "workspace", "domain", "country", "created_at")
    ordering_within = (Lower("name"), "pk")
    search_help_text = "Domain in full, or id; in one workspace the name's start"
    panels: ClassVar = [
        Panel(
            "People",
            Contact,
            "company",
            ("display_name", "email", "phone", "created_at"),
            all_of_them=False,
        ),
        Panel(
            "Leads",
            Lead,
            "company",
            ("display_name", "stage", "owner", "created_at"),
            order=("-created_at",),
            related=("stage", "owner"),
            all_of_them=False,
        ),
    ]

    def find(self, term: str) -> Sequence[Any]:
        of_domain = Company.objects.filter(**any_workspace(), domain=term.lower())
        return [*some_keys(of_domain.exclude(domain="")), *_named(Company, "name", term)]


def _named(model: Any, name: str, term: str) -> list[Any]:
    """Keys of rows whose name starts so: its index is of one workspace at a time."""
    if not one_workspace():
        return []
    # From the term on, in the order of the index: LIKE is served by it in a C locale only.
    rows = model.objects.annotate(lower=Lower(name)).filter(lower__gte=term.lower())
    following = rows.order_by("lower", "pk").values_list("pk", "lower")[:FOUND]
    return [key for key, lower in following if lower.startswith(term.lower())]


def keys_of(term: str) -> QuerySet[ContactKey]:
    """The keys whose whole value is the term, however a phone number is punctuated."""
    spelt = {term, term.lower(), "+" + "".join(char for char in term if char.isdigit())}
    found: QuerySet[ContactKey] = ContactKey.objects.filter(
        **any_workspace(), kind__in=EVERY_KIND, value__in=spelt
    )
    return found
