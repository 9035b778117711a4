from typing import ClassVar

from django.db import models
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel


class Appointment(WorkspaceModel):
    """A meeting with a lead. Its time may be unknown where only the booking was reported."""

    class Status(models.TextChoices):
        SCHEDULED = "scheduled", "Booked"
        ATTENDED = "attended", "Met"
        NO_SHOW = "no_show", "No-show"
        CANCELED = "canceled", "Canceled"

    class MatchedVia(models.TextChoices):
        MANUAL = "manual", "By hand"
        EMAIL = "email", "Booking mail"
        MATCHBACK = "matchback", "Matched order"
        CALL = "call", "Call"

    lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="appointments")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.SCHEDULED)
    scheduled_for = models.DateTimeField(null=True, blank=True)
    minutes = models.PositiveSmallIntegerField(default=30)
    title = models.CharField(max_length=200, blank=True)
    place = models.CharField(max_length=300, blank=True)
    host = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    matched_via = models.CharField(
        max_length=9, choices=MatchedVia.choices, default=MatchedVia.MANUAL
    )
    external_ref = models.CharField(
        max_length=255, blank=True, help_text="The booking system's id of it."
    )
    external_data = models.JSONField(default=dict, blank=True)
    outcome_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["-scheduled_for", "-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "external_ref"],
                condition=~models.Q(external_ref=""),
                name="appointment_external_ref_unique",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["lead", "scheduled_for"], name="appointment_lead"),
            models.Index(fields=["workspace", "host", "scheduled_for"], name="appointment_host"),
            models.Index(fields=["workspace", "scheduled_for"], name="appointment_day"),
            models.Index(
                fields=["scheduled_for"],
                condition=models.Q(status="scheduled"),
                name="appointment_soon",
            ),
        ]

    def __str__(self) -> str:
        return self.title or "Appointment"
