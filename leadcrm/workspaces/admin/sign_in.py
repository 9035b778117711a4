"""Failed and past sign-ins, and taking a lock-out back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from leadcrm.lockout import unlock
from leadcrm.workspaces.admin_base import ReadOnlyAdmin, some_keys
from leadcrm.workspaces.admin_parts import verb


class SignInAdmin(ReadOnlyAdmin):
    ordering: ClassVar = ["-pk"]
    search_help_text = "E-mail address or network address, in full"
    # What was posted holds what people type into the wrong box.
    exclude: ClassVar[Any] = ("get_data", "post_data")

    def find(self, term: str) -> Sequence[Any]:
        rows = self.model._default_manager.all()
        by_name = some_keys(rows.filter(username=term.lower()))
        return [*by_name, *some_keys(_from_address(rows, term))]


@admin.register(AccessAttempt)
class AccessAttemptAdmin(SignInAdmin):
    list_display = ("username", "ip_address", "failures_since_start", "is_locked", "attempt_time")
    actions = ("unlock",)

    @admin.display(description="locked out", boolean=True)
    def is_locked(self, attempt: AccessAttempt) -> bool:
        since = timezone.now() - settings.AXES_COOLOFF_TIME
        is_over = attempt.failures_since_start >= settings.AXES_FAILURE_LIMIT
        return bool(is_over and attempt.attempt_time >= since)

    @verb("Unlock sign-in")
    def unlock(self, request: HttpRequest, attempts: list[AccessAttempt]) -> None:
        unlock(attempt.username for attempt in attempts if attempt.username)
        self.tell(request, attempts, "Unlocked")


@admin.register(AccessLog)
class AccessLogAdmin(SignInAdmin):
    list_display = ("attempt_time", "username", "ip_address", "logout_time")
    exclude: ClassVar[Any] = ("session_hash",)


@admin.register(AccessFailureLog)
class AccessFailureLogAdmin(SignInAdmin):
    list_display = ("attempt_time", "username", "ip_address", "locked_out")
    exclude: ClassVar[Any] = ()


def _from_address(rows: QuerySet[Any], term: str) -> QuerySet[Any]:
    """Rows of a network address; none for what isn't one, which PostgreSQL would refuse."""
    field = rows.model._meta.get_field("ip_address")
    try:
        return rows.filter(ip_address=field.clean(term, None))
    except ValidationError:
        return rows.none()
