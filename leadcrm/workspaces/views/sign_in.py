"""Sign-in, sign-out and forgotten passwords."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import views as auth
from django.urls import reverse_lazy

from leadcrm.workspaces.forms import NewPasswordForm, ResetForm, SignInForm


class SignIn(auth.LoginView):
    template_name = "registration/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: Any) -> Any:
        response = super().form_invalid(form)
        response.status_code = 422
        return response


class SignOut(auth.LogoutView):
    """Only by POST: a link of somebody else's page must not sign anybody out."""


class AskForReset(auth.PasswordResetView):
    """Answers the same whether the address is known or not."""

    template_name = "registration/reset.html"
    form_class = ResetForm
    email_template_name = "emails/password_reset.txt"
    subject_template_name = "emails/password_reset_subject.txt"
    success_url = reverse_lazy("reset-sent")


class ResetSent(auth.PasswordResetDoneView):
    template_name = "registration/reset_sent.html"


class SetPassword(auth.PasswordResetConfirmView):
    template_name = "registration/set_password.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("reset-done")


class ResetDone(auth.PasswordResetCompleteView):
    template_name = "registration/reset_done.html"
