from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from leadcrm.workspaces.models.workspace import Membership, Role, Team
from leadcrm.workspaces.scoping import WorkspaceModel


class ApiToken(WorkspaceModel):
    """A key for programs. It acts as its membership, narrowed by its scopes.

    The key itself is shown once; only its SHA-256 is kept. Its first characters are kept so
    that a person can tell one key from another.
    """

    class Scope(models.TextChoices):
        LEADS_READ = "leads:read", "Read leads, people and appointments"
        LEADS_WRITE = "leads:write", "Create and work leads"
        SETTINGS_READ = "settings:read", "Read sources and pipelines"
        SETTINGS_WRITE = "settings:write", "Change sources"

    class RanksAs(models.TextChoices):
        PERSON = "person", "A person"
        INTEGRATION = "integration", "An integration"

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices), default=list)
    ranks_as = models.CharField(max_length=11, choices=RanksAs.choices, default=RanksAs.INTEGRATION)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        verbose_name = "API token"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Invitation(WorkspaceModel):
    """A link by which one person joins a workspace."""

    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=7, choices=Role.choices, default=Role.REP)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="+")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        Membership, models.SET_NULL, null=True, related_name="+", editable=False
    )
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return self.email


class IdempotencyKey(WorkspaceModel):
    """The saved answer to a write that carried an `Idempotency-Key`.

    Written in the transaction of the write itself, so that the answer exists exactly when the
    change does. Kept for at least 24 hours.
    """

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True)
    response = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta(WorkspaceModel.Meta):
        verbose_name = "answer kept for a repeat"
        verbose_name_plural = "answers kept for repeats"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["membership", "key"], name="idempotency_key_unique"),
        ]

    def __str__(self) -> str:
        return self.key
