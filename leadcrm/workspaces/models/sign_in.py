from typing import ClassVar

from django.db import models
from django.utils import timezone

from leadcrm.workspaces.ids import uuid7
from leadcrm.workspaces.models.user import User


class SecondFactor(models.Model):
    """A user's authenticator app. Its secret is not kept: it follows from `nonce` and our own key.

    `last_step` is the time step of the last code that was taken: no code is taken twice. After
    some wrong codes none is taken before `locked_until`.
    """

    user = models.OneToOneField(
        User, models.CASCADE, primary_key=True, related_name="second_factor"
    )
    nonce = models.CharField(max_length=64, editable=False)
    last_step = models.BigIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"


class RecoveryCode(models.Model):
    """A code that stands in for the app, once. Only its SHA-256 is kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, editable=False)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_unique")
        ]

    def __str__(self) -> str:
        return f"recovery code of {self.user_id}"


class SignedIn(models.Model):
    """A browser in which a user is signed in, beside the session itself."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="signed_in")
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    agent = models.CharField(max_length=300, blank=True)
    address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-seen_at"]

    def __str__(self) -> str:
        return f"{self.agent or 'a browser'} of {self.user_id}"
