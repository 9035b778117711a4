from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel


class StaffVisit(WorkspaceModel):
    """Staff of the installation opened a row of this workspace: who, which and when, no names."""

    class What(models.TextChoices):
        LOOKED = "looked", "Looked at"
        HISTORY = "history", "Looked at its history"
        DOWNLOADED = "downloaded", "Downloaded"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    what = models.CharField(max_length=10, choices=What.choices)
    kind = models.CharField(max_length=64, help_text="The kind of row, such as leads.lead.")
    row_id = models.CharField("id of the row", max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta(WorkspaceModel.Meta):
        indexes: ClassVar = [
            models.Index(fields=["workspace", "id"], name="staff_visit_workspace"),
            models.Index(fields=["row_id"], name="staff_visit_row"),
        ]

    def __str__(self) -> str:
        return f"{self.get_what_display()} {self.kind}"
