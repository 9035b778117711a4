"""Staff's pages of users, workspaces and what lets people in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils import timezone

from leadcrm.lockout import unlock
from leadcrm.workspaces.access import NotAllowed
from leadcrm.workspaces.admin_base import QuickAdmin, some_keys
from leadcrm.workspaces.admin_parts import Panel, verb
from leadcrm.workspaces.admin_tenant import ConfigAdmin, TenantAdmin
from leadcrm.workspaces.members import change_member, found_workspace, withdraw_invitation
from leadcrm.workspaces.models import (
    Absence,
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

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")
MEMBERS = Panel(
    "People", Membership, "workspace", ("name", "user", "role", "team", "is_active"),
    order=("-is_active", "name"), related=("user", "team"),
)  # fmt: skip


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "name")


@admin.register(User)
class StaffUserAdmin(QuickAdmin, UserAdmin):  # type: ignore[type-arg]
    """Rights are given by superusers, and nobody else changes a user of the staff."""

    add_form = NewUserForm
    list_display = ("email", "name", "is_active", "is_staff", "date_joined")
    list_filter = ("is_staff", "is_active")
    text_fields = ("email", "name")
    search_fields = ("pk",)
    search_help_text = "E-mail address, name or id"
    ordering = ("email",)
    filter_horizontal = ()  # its script labels what no screen reader may have labelled
    readonly_fields = ("last_login", "date_joined")
    actions = ("unlock",)
    fieldsets = (
        (None, {"fields": ("email", "password", "name")}),
        ("How they see leadcrm", {"fields": ("time_zone", "theme", "shortcuts")}),
        ("Rights", {"fields": ("is_active", *RIGHTS)}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),
    )
    panels: ClassVar = [
        Panel(
            "Member of",
            Membership,
            "user",
            ("name", "workspace", "role", "team", "is_active"),
            related=("workspace", "team"),
            all_of_them=False,
        )
    ]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        may = bool(super().has_change_permission(request, obj))
        return may and (request.user.is_superuser or obj is None or not obj.is_staff)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a user is deactivated: history names them

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.readonly_fields, *(() if request.user.is_superuser else RIGHTS))

    @verb("Unlock sign-in")
    def unlock(self, request: HttpRequest, users: list[User]) -> None:
        unlock(user.email for user in users)
        self.tell(request, users, "Unlocked")


admin.site.unregister(Group)


@admin.register(Group)
class StaffGroupAdmin(QuickAdmin, GroupAdmin):
    """What members of the staff may do; only superusers give rights."""

    text_fields = ("name",)
    search_fields = ("pk",)
    search_help_text = "Name"
    filter_horizontal = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


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
    list_filter = ("visibility",)
    text_fields = ("name", "slug")
    search_help_text = "Name, address or id"
    fieldsets = (
        (None, {"fields": ("name", "slug")}),
        ("Where it works", {"fields": ("time_zone", "country", "currency", "business_hours")}),
        ("Who sees what", {"fields": ("visibility",)}),
    )
    panels: ClassVar = [MEMBERS]

    def get_fieldsets(self, request: HttpRequest, obj: Workspace | None = None) -> Any:
        fieldsets = list(super().get_fieldsets(request, obj))
        return fieldsets if obj else [*fieldsets, ("Owner", {"fields": ("owner_email",)})]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Workspace, form: Any, change: bool) -> None:
        if change:
            obj.save()
            return
        fields = {name: form.cleaned_data[name] for name in WorkspaceForm.Meta.fields}
        founded = found_workspace(owner=form.cleaned_data["owner_email"], **fields)
        obj.pk, obj._state.adding = founded.pk, False


@admin.register(Absence)
class AbsenceAdmin(TenantAdmin):
    list_display = ("membership", "workspace", "starts_on", "ends_on")
    list_select_related = ("workspace", "membership")
    search_fields = ("pk", "membership")
    search_help_text = "Id of the row or of the member"


@admin.register(Membership)
class MembershipAdmin(TenantAdmin):
    list_display = ("name", "workspace", "user", "role", "team", "is_active")
    list_filter = [*TenantAdmin.list_filter, "role", "is_active", "kind"]
    list_select_related = ("workspace", "user", "team")
    text_fields = ("name", "user__email")
    search_fields = ("pk", "user")
    search_help_text = "Name, e-mail address, or id of the member or user"
    actions = ("activate", "deactivate", "make_owner")
    panels: ClassVar = [
        Panel(
            "API tokens",
            ApiToken,
            "membership",
            ("name", "prefix", "expires_at", "revoked_at", "last_used_at"),
        )
    ]

    @verb("Activate")
    def activate(self, request: HttpRequest, members: list[Membership]) -> None:
        self._change(request, members, "Activated", is_active=True)

    @verb("Deactivate", asks="They can no longer work in the workspace. Their leads stay theirs.")
    def deactivate(self, request: HttpRequest, members: list[Membership]) -> None:
        self._change(request, members, "Deactivated", is_active=False)

    @verb("Make owner", asks="An owner may do everything in a workspace, and change its owners.")
    def make_owner(self, request: HttpRequest, members: list[Membership]) -> None:
        self._change(request, members, "Made owner", role=Role.OWNER)

    def _change(
        self, request: HttpRequest, members: list[Membership], said: str, **changes: object
    ) -> None:
        done, refused = [], []
        for member in members:
            try:
                with workspace_scope(member.workspace_id):
                    change_member(member, by=None, **changes)
            except NotAllowed as refusal:
                refused.append(refusal.message)
            else:
                done.append(member)
        self.tell(request, done, said, refused)


@admin.register(ApiToken)
class ApiTokenAdmin(TenantAdmin):
    list_display = (
        "name", "prefix", "workspace", "membership", "expires_at", "revoked_at", "last_used_at",
    )  # fmt: skip
    list_select_related = ("workspace", "membership")
    text_fields = ("name", "prefix")
    search_fields = ("pk", "membership")
    search_help_text = "Name, first characters of the key, or id of the token or member"
    exclude: ClassVar = ("digest",)
    actions = ("revoke",)

    @verb("Revoke", asks="Programs that use these keys are refused from now on, for good.")
    def revoke(self, request: HttpRequest, tokens: list[ApiToken]) -> None:
        live = [token for token in tokens if token.revoked_at is None]
        for token in live:
            revoke_token(token, timezone.now())
        self.tell(request, live, "Revoked")


@admin.register(Invitation)
class InvitationAdmin(TenantAdmin):
    list_display = (
        "email", "workspace", "role", "created_at", "expires_at", "accepted_at", "revoked_at",
    )  # fmt: skip
    list_filter = [*TenantAdmin.list_filter, "role"]
    text_fields = ("email",)
    search_help_text = "E-mail address or id"
    exclude: ClassVar = ("digest",)
    actions = ("withdraw",)

    @verb("Withdraw", asks="The links in these invitations stop working.")
    def withdraw(self, request: HttpRequest, invitations: list[Invitation]) -> None:
        withdrawn = []
        for invitation in invitations:
            with workspace_scope(invitation.workspace_id):
                if withdraw_invitation(invitation, by=None, now=timezone.now()):
                    withdrawn.append(invitation)
        self.tell(request, withdrawn, "Withdrawn")


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(TenantAdmin):
    """Answers that the API gave. Kept for a day or so, they hold what was answered."""

    list_display = ("key", "workspace", "membership", "status", "created_at")
    list_select_related = ("workspace", "membership")
    search_fields = ("pk", "membership")
    search_help_text = "The key in full, or id of a member"
    list_columns = ("key", "status", "created_at")
    exclude: ClassVar = ("response",)

    def find(self, term: str) -> Sequence[Any]:
        # By way of the members: the index of keys begins with them.
        members = Membership.objects.values("pk")
        return some_keys(IdempotencyKey.objects.filter(membership__in=members, key=term))


@admin.register(Team)
class TeamAdmin(ConfigAdmin):
    list_display = ("name", "workspace")
    text_fields = ("name",)
    search_help_text = "Name or id"
    panels: ClassVar = [
        Panel("People", Membership, "team", ("name", "role", "is_active"), all_of_them=False)
    ]


@admin.register(Location)
class LocationAdmin(ConfigAdmin):
    list_display = ("name", "workspace", "address", "time_zone")
    text_fields = ("name",)
    search_help_text = "Name or id"
