"""Forms of the account and settings pages, and the look that all forms share."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth import forms as auth_forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from leadcrm.workspaces.countries import country_names
from leadcrm.workspaces.models import (
    ApiToken,
    Location,
    Membership,
    Role,
    Team,
    User,
    Visibility,
    Workspace,
)
from leadcrm.workspaces.time_zones import time_zone_names

STYLES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxSelectMultiple, "form-check-input"),
    (forms.RadioSelect, "btn-check"),
    (forms.CheckboxInput, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.HiddenInput, ""),
    (forms.Widget, "form-control"),
)


class Styled(forms.BaseForm):
    """Gives each widget the class of its kind. The fields are laid out by `components/field.html`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            style(field)


def style(field: forms.Field) -> None:
    """Give a field's widget the class of its kind."""
    css = next(name for kind, name in STYLES if isinstance(field.widget, kind))
    if css:
        field.widget.attrs.setdefault("class", css)


class SignInForm(Styled, auth_forms.AuthenticationForm):
    error_messages = {
        "invalid_login": "E-mail and password don't match. Check both and try again.",
        "inactive": "This account is not active.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail"
        self.fields["username"].widget = forms.EmailInput(
            attrs={"class": "form-control", "autocomplete": "username", "autofocus": True}
        )


class ResetForm(Styled, auth_forms.PasswordResetForm):
    pass


class NewPasswordForm(Styled, auth_forms.SetPasswordForm):  # type: ignore[type-arg]
    pass


class ChangePasswordForm(Styled, auth_forms.PasswordChangeForm):
    pass


def time_zones() -> list[tuple[str, str]]:
    names = sorted(name for name in time_zone_names() if "/" in name or name == "UTC")
    return [("", "The workspace's"), *((name, name.replace("_", " ")) for name in names)]


class ProfileForm(Styled, forms.ModelForm):  # type: ignore[type-arg]
    time_zone = forms.ChoiceField(choices=time_zones, required=False)

    class Meta:
        model = User
        fields = ("name", "time_zone", "theme", "shortcuts", "billing_address")
        widgets = {"billing_address": forms.Textarea(attrs={"rows": 3})}


def countries() -> list[tuple[str, str]]:
    return list(country_names().items())


class WorkspaceForm(Styled, forms.Form):
    name = forms.CharField(max_length=100)
    country = forms.ChoiceField(
        label="Country for phones",
        choices=countries,
        help_text="Phone numbers without + are read as numbers of this country.",
    )
    currency = forms.CharField(
        max_length=3,
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "spellcheck": "false"}),
        help_text="Three letters, such as USD or EUR. Budgets are in it unless they name another.",
    )

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).strip().upper()


class VisibilityForm(Styled, forms.Form):
    visibility = forms.ChoiceField(
        label="Which leads a rep sees", choices=Visibility.choices, widget=forms.RadioSelect
    )


def workspace_form(workspace: Workspace, data: Any = None) -> WorkspaceForm:
    """Name, country and currency of a workspace."""
    initial = {name: getattr(workspace, name) for name in WorkspaceForm.base_fields}
    return WorkspaceForm(data, initial=initial, auto_id="workspace-%s")


def visibility_form(workspace: Workspace, data: Any = None) -> VisibilityForm:
    """What the reps of a workspace see."""
    initial = {"visibility": workspace.visibility}
    return VisibilityForm(data, initial=initial, auto_id="visibility-%s")


class BillingForm(Styled, forms.Form):
    billing_address = forms.CharField(
        label="Name and address on invoices",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    tax_id = forms.CharField(label="Tax number", required=False, max_length=50)


class SecurityForm(Styled, forms.Form):
    requires_second_factor = forms.BooleanField(
        label="Everybody signs in with a second factor",
        required=False,
        help_text="Whoever has none yet is asked to set it up before anything else.",
    )


class CodeForm(Styled, forms.Form):
    """A code of the authenticator app, or a recovery code."""

    code = forms.CharField(
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )


class PasswordForm(Styled, forms.Form):
    """One's own password, before something that a lent browser must not do.

    A wrong one counts like a wrong one at sign-in: too many lock the account for a while.
    """

    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_password(self) -> str:
        password, user = str(self.cleaned_data["password"]), cast("User", self.request.user)
        if authenticate(self.request, username=user.email, password=password) != user:
            raise ValidationError("This is not your password.")
        return password


def billing_form(workspace: Workspace, data: Any = None) -> BillingForm:
    """Whom a workspace's invoices go to."""
    initial = {name: getattr(workspace, name) for name in BillingForm.base_fields}
    return BillingForm(data, initial=initial, auto_id="billing-%s")


def security_form(workspace: Workspace, data: Any = None) -> SecurityForm:
    """What a workspace asks for at sign-in."""
    initial = {"requires_second_factor": workspace.requires_second_factor}
    return SecurityForm(data, initial=initial, auto_id="security-%s")


class JoinForm(Styled, forms.Form):
    """A new account by invitation."""

    name = forms.CharField(
        max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True})
    )
    email = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters. A few unrelated words do well.",
    )

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).strip().lower()
        if User.objects.filter(email__iexact=email).exists():
            raise ValidationError("There is an account with this address. Sign in to join with it.")
        return email

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("password"):
            person = User(name=values.get("name", ""), email=values.get("email", ""))
            try:
                validate_password(values["password"], person)
            except ValidationError as error:
                self.add_error("password", error)
        return values


class InviteForm(Styled, forms.Form):
    email = forms.EmailField(label="E-mail")
    role = forms.ChoiceField(choices=Role.choices, initial=Role.REP)
    team = forms.ModelChoiceField(Team.objects.all(), required=False, empty_label="No team")


class MemberForm(Styled, forms.Form):
    role = forms.ChoiceField(choices=Role.choices)
    team = forms.ModelChoiceField(Team.objects.all(), required=False, empty_label="No team")
    location = forms.ModelChoiceField(
        Location.objects.all(), required=False, empty_label="No location"
    )


class AbsenceForm(Styled, forms.Form):
    starts_on = forms.DateField(
        label="First day", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    ends_on = forms.DateField(
        label="Last day", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )


class TokenForm(Styled, forms.Form):
    name = forms.CharField(max_length=100, help_text="Which program will use it.")
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=ApiToken.Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=[ApiToken.Scope.LEADS_READ, ApiToken.Scope.LEADS_WRITE],
    )
    ranks_as = forms.ChoiceField(
        label="What it writes counts as written by",
        choices=ApiToken.RanksAs.choices,
        initial=ApiToken.RanksAs.INTEGRATION,
        help_text="An integration never overwrites what a person has set.",
    )
    days = forms.TypedChoiceField(
        label="Expires",
        choices=[("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year")],
        coerce=int,
        required=False,
        empty_value=None,
    )


def member_form(member: Membership, data: Any = None) -> MemberForm:
    """The form of one row of the members page."""
    initial = {"role": member.role, "team": member.team_id, "location": member.location_id}
    return MemberForm(data, initial=initial, auto_id=f"member-{member.pk}-%s")
