from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel
from leads.pipelines import Outcome, Status


class Pipeline(WorkspaceModel):
    """A workspace's path for leads, copied once from a template."""

    key = models.SlugField(max_length=50)
    label = models.CharField(max_length=100)
    template = models.CharField(max_length=20, blank=True, editable=False)
    is_default = models.BooleanField(default=False)
    creates_deal = models.BooleanField("converting creates a deal", default=False)
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["-is_default", "label"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "key"], name="pipeline_key_unique"),
            models.UniqueConstraint(
                fields=["workspace"],
                condition=models.Q(is_default=True),
                name="pipeline_one_default",
            ),
        ]

    def __str__(self) -> str:
        return self.label


class Stage(WorkspaceModel):
    """A stage of a pipeline. Its status is fixed; a stage in use is retired, not deleted."""

    pipeline = models.ForeignKey(Pipeline, models.CASCADE, related_name="stages")
    key = models.SlugField(max_length=50)
    label = models.CharField(max_length=100)
    status = models.CharField(max_length=12, choices=Status.choices)
    outcome = models.CharField(max_length=7, choices=Outcome.choices)
    position = models.PositiveSmallIntegerField(default=0)
    next_keys = ArrayField(models.SlugField(max_length=50), default=list, blank=True)
    required_fields = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    no_contact_days = models.PositiveSmallIntegerField(null=True, blank=True)
    idle_days = models.PositiveSmallIntegerField(null=True, blank=True)
    timer_changed_at = models.DateTimeField(default=timezone.now, editable=False)
    remote_stage = models.CharField(max_length=100, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["pipeline", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["pipeline", "key"], name="stage_key_unique"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def is_open(self) -> bool:
        return self.outcome == Outcome.OPEN


class CloseReason(WorkspaceModel):
    """Why a lead was closed: one picker for lost and not-a-fit, which sets both codes."""

    code = models.SlugField(max_length=50)
    label = models.CharField(max_length=100)
    outcome = models.CharField(
        max_length=12, choices=[(Status.LOST, "Lost"), (Status.DISQUALIFIED, "Not a fit")]
    )
    unqualified_code = models.SlugField(
        max_length=50, blank=True, help_text="Recorded as well where the lead was never qualified."
    )
    note_length = models.PositiveSmallIntegerField(
        default=0, help_text="Least length of the note, in characters."
    )
    follow_up_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Suggested follow-up."
    )
    returnable = models.BooleanField(default=False, help_text="A vendor may take such a lead back.")
    forbids_contact = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["position", "label"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "code"], name="close_reason_code_unique"),
        ]

    def __str__(self) -> str:
        return self.label
