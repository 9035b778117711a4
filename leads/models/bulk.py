from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from leadcrm.workspaces.scoping import WorkspaceModel


class BulkRun(WorkspaceModel):
    """One verb done to many leads: which, how far it is, and how it ended.

    `leads` are fixed when it starts. `position` is how many of them have been done, or while it is
    undone, how many of them still are.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELED = "canceled", "Canceled"
        UNDOING = "undoing", "Being undone"
        UNDONE = "undone", "Undone"

    verb = models.CharField(max_length=20)
    values = models.JSONField(default=dict, help_text="What the verb takes, as its form gave it.")
    said = models.CharField(max_length=200, help_text="What is done, as the toast says it.")
    leads = ArrayField(models.UUIDField(), editable=False)
    total = models.PositiveIntegerField()
    position = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    kept = models.PositiveIntegerField(default=0, help_text="Leads that could not be undone.")
    failures = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    started_by = models.ForeignKey("workspaces.Membership", models.CASCADE, related_name="+")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(WorkspaceModel.Meta):
        verbose_name = "bulk action"
        indexes: ClassVar = [
            models.Index(
                fields=["started_at"],
                name="bulk_run_at_work",
                condition=Q(state__in=("running", "undoing")),
            ),
            models.Index(fields=["workspace", "-started_at"], name="bulk_run_newest"),
        ]

    def __str__(self) -> str:
        return self.said

    @property
    def is_at_work(self) -> bool:
        return self.state in (self.State.RUNNING, self.State.UNDOING)

    @property
    def done(self) -> int:
        """How many leads the verb was done to, so far or as it was undone again."""
        return max(0, self.position - self.refused)


class BulkChunk(WorkspaceModel):
    """What a bulk run did to a stretch of its leads; `start` is where it begins among them.

    `changes` by lead hold what undo needs, and are forgotten when it is too late. `refused` and
    `kept` by lead hold the reasons.
    """

    run = models.ForeignKey(BulkRun, models.CASCADE, related_name="chunks")
    start = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    changes = models.JSONField(default=dict)
    refused = models.JSONField(default=dict)
    kept = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta(WorkspaceModel.Meta):
        verbose_name = "stretch of a bulk action"
        verbose_name_plural = "stretches of bulk actions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "start"], name="bulk_chunk_once"),
        ]

    def __str__(self) -> str:
        return f"{self.start + 1}–{self.start + self.size}"
