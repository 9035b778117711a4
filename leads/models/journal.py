from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel


class MergeJournal(WorkspaceModel):
    """What one merge changed, so that it can be taken back. Log rows never move.

    `fields` are the changed values of the root and its contact, `moves` the rows that were
    handed over, each with where it came from.
    """

    root = models.ForeignKey("leads.Lead", models.CASCADE, related_name="merges")
    absorbed = ArrayField(models.UUIDField())
    fields = models.JSONField(default=list)
    moves = models.JSONField(default=list)
    made_by = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, related_name="+"
    )
    made_at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["-made_at"]

    def __str__(self) -> str:
        return f"{len(self.absorbed)} into {self.root_id}"
