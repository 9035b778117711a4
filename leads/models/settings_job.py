from typing import ClassVar

from django.db import models

from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.scoping import WorkspaceModel
from leads.models.pipeline import Stage


class SettingsJob(WorkspaceModel):
    """What a change of settings means for many leads, done in batches by a sweep.

    `position` is the last lead that was looked at; `done` and `refused` count leads.
    """

    class Kind(models.TextChoices):
        STAGE = "stage", "Move the leads of a retired stage"
        TIMER = "timer", "Set the timers of a stage anew"

    kind = models.CharField(max_length=9, choices=Kind.choices)
    stage = models.ForeignKey(Stage, models.CASCADE, null=True, related_name="+")
    to_stage = models.ForeignKey(Stage, models.CASCADE, null=True, related_name="+")
    asked_by = models.ForeignKey(Membership, models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    position = models.UUIDField(null=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)

    class Meta(WorkspaceModel.Meta):
        indexes: ClassVar = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(finished_at=None),
                name="settings_job_unfinished",
            ),
            models.Index(fields=["workspace", "created_at"], name="settings_job_newest"),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())
