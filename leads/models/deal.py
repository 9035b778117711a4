from typing import ClassVar

from django.db import models
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel


class Deal(WorkspaceModel):
    """What a converted lead became. A lead has at most one."""

    lead = models.OneToOneField(
        "leads.Lead", models.PROTECT, related_name="created_deal", null=True, blank=True
    )
    name = models.CharField(max_length=200)
    contact = models.ForeignKey(
        "leads.Contact", models.PROTECT, null=True, blank=True, related_name="deals"
    )
    company = models.ForeignKey(
        "leads.Company", models.PROTECT, null=True, blank=True, related_name="deals"
    )
    owner = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    campaign = models.ForeignKey(
        "leads.Campaign", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    source_kind = models.CharField(max_length=16, blank=True)
    value = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    currency = models.CharField(max_length=3)
    stage = models.CharField(max_length=50, default="Prospecting")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return self.name
