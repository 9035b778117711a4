from typing import ClassVar

from django.db import models

from leadcrm.workspaces.scoping import WorkspaceModel, workspace_link


class Notification(WorkspaceModel):
    """What a member is told about, once per cause."""

    class Kind(models.TextChoices):
        NEW_LEAD = "new_lead", "New lead in the pool"
        ASSIGNED = "assigned", "A lead is yours"
        REPLY = "reply", "Reply"
        REMINDER = "reminder", "Reminder"
        LATE = "late", "Answer is late"

    workspace = workspace_link(db_index=False)
    member = models.ForeignKey(
        "workspaces.Membership", models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    lead = models.ForeignKey("leads.Lead", models.CASCADE, null=True, blank=True, related_name="+")
    cause = models.CharField(max_length=100)
    detail = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    # When its e-mail is due, or may be tried again; none where nothing is to be sent.
    email_at = models.DateTimeField(null=True, blank=True)
    email_lease = models.UUIDField(null=True, blank=True, editable=False)
    email_tries = models.PositiveSmallIntegerField(default=0)
    emailed_at = models.DateTimeField(null=True, blank=True)

    class Meta(WorkspaceModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["member", "cause"], name="notification_unique"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["member", "-at", "-id"], name="notification_newest"),
            models.Index(
                fields=["member", "-at", "-id"],
                condition=models.Q(read_at=None),
                name="notification_unread",
            ),
            models.Index(
                fields=["email_at"],
                condition=models.Q(email_at__isnull=False),
                name="notification_mail",
            ),
            models.Index(fields=["at"], name="notification_old"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.cause}"
