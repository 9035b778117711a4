from typing import ClassVar

from django.db import models
from django.utils import timezone

from leadcrm.workspaces.models.workspace import Membership
from leadcrm.workspaces.scoping import WorkspaceModel


class Absence(WorkspaceModel):
    """Days on which a member is away, the last one included. Why is nobody's business here."""

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="absences")
    starts_on = models.DateField("from")
    ends_on = models.DateField("until")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["starts_on"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")), name="absence_ends_later"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts_on} – {self.ends_on}"
