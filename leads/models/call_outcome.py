from typing import ClassVar

from django.db import models

from leadcrm.workspaces.scoping import WorkspaceModel


class CallBehaviour(models.TextChoices):
    """What a call's outcome means; what follows from each is decided in `leads.calls`."""

    REACHED = "reached", "Reached"
    CALL_BACK = "call_back", "Reached – call back"
    VOICEMAIL = "voicemail", "Left voicemail"
    NO_ANSWER = "no_answer", "No answer"
    BUSY = "busy", "Busy"
    WRONG_NUMBER = "wrong_number", "Wrong number"
    DO_NOT_CALL = "do_not_call", "Do not call"


class CallOutcome(WorkspaceModel):
    """How a call can end, in the workspace's words and order; the keys 1–9 follow the order."""

    code = models.SlugField(max_length=50)
    label = models.CharField(max_length=60)
    behaviour = models.CharField("means", max_length=12, choices=CallBehaviour.choices)
    position = models.PositiveSmallIntegerField(default=0)
    retired_at = models.DateTimeField("switched off at", null=True, blank=True)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["position", "label"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "code"], name="call_outcome_code_unique"),
        ]

    def __str__(self) -> str:
        return self.label
