from typing import ClassVar

from django.db import models
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel


class Message(WorkspaceModel):
    """A body that may change or be erased: notes, calls, mails, texts. The log row points at it."""

    class Channel(models.TextChoices):
        NOTE = "note", "Note"
        CALL = "call", "Call"
        EMAIL = "email", "E-mail"
        SMS = "sms", "Text"
        FB_MSG = "fb_msg", "Facebook message"
        FORM = "form", "Form"

    class Direction(models.TextChoices):
        INBOUND = "inbound", "In"
        OUTBOUND = "outbound", "Out"
        INTERNAL = "internal", "Internal"

    lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="messages")
    channel = models.CharField(max_length=6, choices=Channel.choices)
    direction = models.CharField(max_length=8, choices=Direction.choices)
    subject = models.CharField(max_length=500, blank=True)
    body = models.TextField(blank=True)
    meta = models.JSONField(default=dict, blank=True)
    thread = models.CharField(max_length=255, blank=True)
    external_id = models.CharField(max_length=255, blank=True)
    author = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, related_name="+"
    )
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    edited_at = models.DateTimeField(null=True, blank=True)
    pinned_at = models.DateTimeField(null=True, blank=True)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["-occurred_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "channel", "external_id"],
                condition=~models.Q(external_id=""),
                name="message_external_id_unique",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["lead", "occurred_at"], name="message_lead"),
            models.Index(
                fields=["lead"], condition=models.Q(pinned_at__isnull=False), name="message_pinned"
            ),
        ]

    def __str__(self) -> str:
        return self.subject or self.get_channel_display()
