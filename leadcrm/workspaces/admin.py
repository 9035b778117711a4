"""Staff's pages of users, workspaces and what lets people in."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from leadcrm.workspaces.access import NotAllowed
from leadcrm.workspaces.admin_base import ConfigAdmin, QuickAdmin, QuickPaginator, TenantAdmin
from leadcrm.workspaces.members import change_member, found_workspace
from leadcrm.workspaces.models import (
    ApiToken,
    IdempotencyKey,
    Invitation,
    Location,
    Membership,
    Role,
    Team,
    User,
    Workspace,
)
from leadcrm.workspaces.scoping import workspace_scope
from leadcrm.workspaces.tokens import revoke_token


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "name")


@admin.register(User)
class StaffUserAdmin(UserAdmin):  # type: ignore[type-arg]
    add_form = NewUserForm
    paginator = QuickPaginator
    show_full_result_count = False
    list_display = ("email", "name", "is_active", "is_staff", "date_joined")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "time_zone", "theme", "shortcuts")}),
        (
            "Rights",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a user is deactivated: history names them


class WorkspaceForm(forms.ModelForm):  # type: ignore[type-arg]
    owner_email = forms.EmailField(
        required=False, help_text="Of an existing user; needed for a new workspace."
    )

    class Meta:
        model = Workspace
        fields = (
            "name", "slug", "time_zone", "country", "currency", "visibility", "business_hours",
        )  # fmt: skip

    def clean_owner_email(self) -> User | None:
        if not self.instance._state.adding:
            return None
        address = str(self.cleaned_data["owner_email"])
        user = User.objects.filter(email__iexact=address, is_active=True).first()
        if user is None:
            raise forms.ValidationError("There is no active user with this address.")
        return user


@admin.register(Workspace)
class WorkspaceAdmin(QuickAdmin):
    form = WorkspaceForm
    list_display = ("name", "slug", "time_zone", "country", "visibility", "created_at")
    search_fields = ("name", "slug")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Workspace, form: Any, change: bool) -> None:
        if change:
            obj.save()
            return
        fields = {name: form.cleaned_data[name] for name in WorkspaceForm.Meta.fields}
        founded = found_workspace(owner=form.cleaned_data["owner_email"], **fields)
        obj.pk, obj._state.adding = founded.pk, False


@admin.register(Membership)
class MembershipAdmin(TenantAdmin):
    list_display = ("name", "workspace", "user", "role", "team", "is_active")
    list_filter = [*TenantAdmin.list_filter, "role", "is_active", "kind"]
    list_select_related = ("workspace", "user", "team")
    search_fields = ("name", "user__email")
    actions = ("activate", "deactivate", "make_owner")

    @admin.action(description="Activate", permissions=["work"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        self._change(request, queryset, is_active=True)

    @admin.action(description="Deactivate", permissions=["work"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        self._change(request, queryset, is_active=False)

    @admin.action(description="Make owner", permissions=["work"])
    def make_owner(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        self._change(request, queryset, role=Role.OWNER)

    def _change(
        self, request: HttpRequest, queryset: QuerySet[Membership], **changes: object
    ) -> None:
        for member in queryset:
            try:
                with workspace_scope(member.workspace_id):
                    change_member(member, by=None, **changes)
            except NotAllowed as refusal:
                self.message_user(request, f"{member}: {refusal.message}", messages.ERROR)
            else:
                self.note_action(request, [member], f"Changed {', '.join(changes)}")
                self.message_user(request, f"{member} is changed.", messages.SUCCESS)


@admin.register(ApiToken)
class ApiTokenAdmin(TenantAdmin):
    list_display = (
        "name",
        "prefix",
        "workspace",
        "membership",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    list_select_related = ("workspace", "membership")
    search_fields = ("name", "prefix")
    exclude: ClassVar = ("digest",)
    actions = ("revoke",)

    @admin.action(description="Revoke", permissions=["work"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        live = list(queryset.filter(revoked_at=None))
        for token in live:
            revoke_token(token, timezone.now())
        self.note_action(request, live, "Revoked")
        self.message_user(request, f"{len(live)} revoked.", messages.SUCCESS)


@admin.register(Invitation)
class InvitationAdmin(TenantAdmin):
    list_display = (
        "email",
        "workspace",
        "role",
        "created_at",
        "expires_at",
        "accepted_at",
        "revoked_at",
    )
    search_fields = ("email",)
    exclude: ClassVar = ("digest",)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(TenantAdmin):
    list_display = ("key", "workspace", "membership", "status", "created_at")
    list_select_related = ("workspace", "membership")
    search_fields = ("key",)
    exclude: ClassVar = ("response",)


@admin.register(Team)
class TeamAdmin(ConfigAdmin):
    list_display = ("name", "workspace")
    search_fields = ("name",)


@admin.register(Location)
class LocationAdmin(ConfigAdmin):
    list_display = ("name", "workspace", "address", "time_zone")
    search_fields = ("name",)
