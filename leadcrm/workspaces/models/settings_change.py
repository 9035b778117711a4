from typing import ClassVar

from django.db import models

from leadcrm.workspaces.models.workspace import Membership
from leadcrm.workspaces.scoping import WorkspaceModel, workspace_link


class SettingsChange(WorkspaceModel):
    """A row of the log of settings changes: who changed what, from what to what.

    Written in the transaction of the change itself, and never changed or deleted: a trigger sees
    to it. `actor` None is the installation's staff or the product itself.
    """

    workspace = workspace_link(db_index=False)
    at = models.DateTimeField()
    actor = models.ForeignKey(Membership, models.SET_NULL, null=True, related_name="+")
    area = models.CharField(max_length=30, help_text="What kind of setting, such as stage.")
    subject = models.CharField(max_length=200, blank=True, help_text="Its name at that time.")
    done = models.CharField(max_length=100, help_text="What was done, such as added.")
    changes = models.JSONField(default=dict, help_text="By what it is called: [from, to].")

    class Meta(WorkspaceModel.Meta):
        indexes: ClassVar = [
            models.Index(fields=["workspace", "at", "id"], name="settings_change_newest")
        ]

    def __str__(self) -> str:
        return f"{self.area} {self.subject}: {self.done}"
