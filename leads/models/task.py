from typing import ClassVar

from django.db import models
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel


class Task(WorkspaceModel):
    """The next step of a lead: something to do by a time."""

    class Kind(models.TextChoices):
        TODO = "todo", "To do"
        CALL = "call", "Call"
        REBOOK = "rebook", "Rebook"

    lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="tasks")
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.TODO)
    title = models.CharField(max_length=300)
    due_at = models.DateTimeField()
    assignee = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    done_at = models.DateTimeField(null=True, blank=True)
    remind_at = models.DateTimeField("remind at", null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["due_at"]
        indexes: ClassVar = [
            models.Index(
                fields=["lead", "due_at"], condition=models.Q(done_at=None), name="task_open"
            ),
            models.Index(
                fields=["remind_at"],
                condition=models.Q(done_at=None, reminded_at=None, remind_at__isnull=False),
                name="task_remind",
            ),
        ]

    def __str__(self) -> str:
        return self.title
