from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel


class MergeJournal(WorkspaceModel):
    """What one merge changed, so that it can be taken back. Log rows never move.

    `root` is the lead that goes on, `contact` the person who was kept. Where people were merged who
    had no two open leads, none was `absorbed`. `fields` are the changed values of the root and the
    contact, `moves` the rows that were handed over, each with where it came from.
    """

    root = models.ForeignKey("leads.Lead", models.CASCADE, related_name="merges")
    absorbed = ArrayField(models.UUIDField(), blank=True)
    contact = models.ForeignKey(
        "leads.Contact", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    fields = models.JSONField(default=list)
    moves = models.JSONField(default=list)
    made_by = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, related_name="+"
    )
    made_at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta(WorkspaceModel.Meta):
        verbose_name = "merge"
        ordering: ClassVar = ["-made_at"]

    def __str__(self) -> str:
        return f"{len(self.absorbed)} into {self.root_id}"


class UndoStep(WorkspaceModel):
    """What one use of a verb changed around a lead, kept for a day so that it can be taken back.

    Each of `changes` names a model and a row, with the values before and after; `before` is null
    for a row that the verb made.
    """

    lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="+")
    made_by = models.ForeignKey("workspaces.Membership", models.CASCADE, related_name="+")
    made_at = models.DateTimeField()
    said = models.CharField(max_length=100)
    changes = models.JSONField(default=list)
    activities = ArrayField(models.BigIntegerField(), default=list)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta(WorkspaceModel.Meta):
        indexes: ClassVar = [models.Index(fields=["made_at"], name="undo_step_made")]

    def __str__(self) -> str:
        return self.said
