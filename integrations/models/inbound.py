from typing import ClassVar

from django.db import models
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel, workspace_link


class InboundEvent(WorkspaceModel):
    """A payload as it was received, stored before anything looks into it.

    The sender is answered after this one insert. A sweep parses it and captures the lead; the
    row stays as the ledger of what came in and what became of it.
    """

    workspace = workspace_link(db_index=False)

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    class Result(models.TextChoices):
        NONE = "", "Waiting"
        NEW_LEAD = "new_lead", "New lead"
        ADDED = "added", "Added to lead"
        KNOWN = "known", "Already had it"
        DECISION = "decision", "Needs decision"
        REJECTED = "rejected", "Rejected"
        SPAM = "spam", "Spam"
        FAILED = "failed", "Failed"
        TEST = "test", "Test"

    source = models.ForeignKey("leads.Source", models.PROTECT, related_name="inbound_events")
    provider = models.CharField(max_length=20)
    dedupe_key = models.CharField(max_length=255)
    content_type = models.CharField(max_length=255, blank=True)
    body = models.BinaryField()
    headers = models.JSONField(default=dict)
    received_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    result = models.CharField(max_length=8, choices=Result.choices, blank=True, default=Result.NONE)
    person = models.CharField(
        max_length=200, blank=True, help_text="Name as understood, for the list."
    )
    note = models.CharField(max_length=500, blank=True, help_text="Why, in words for a person.")
    lead = models.ForeignKey("leads.Lead", models.SET_NULL, null=True, blank=True, related_name="+")
    attempts = models.PositiveIntegerField(default=0)
    run_at = models.DateTimeField(default=timezone.now)
    handled_at = models.DateTimeField(null=True, blank=True)

    class Meta(WorkspaceModel.Meta):
        verbose_name = "received item"
        ordering: ClassVar = ["-received_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "dedupe_key"], name="inbound_event_unique"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["workspace", "run_at"],
                condition=models.Q(state="waiting"),
                name="inbound_event_due",
            ),
            models.Index(
                fields=["workspace", "-received_at"],
                condition=models.Q(state="failed"),
                name="inbound_event_failed",
            ),
            models.Index(fields=["workspace", "-received_at", "id"], name="inbound_event_received"),
            models.Index(fields=["source", "-received_at"], name="inbound_event_source"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.received_at:%Y-%m-%d %H:%M}"
