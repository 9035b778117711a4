from typing import ClassVar

from django.db import models
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel


class RoutingRule(WorkspaceModel):
    """To whom new leads go by themselves: in turn to those who have a seat."""

    is_active = models.BooleanField("active", default=False)
    open_cap = models.PositiveSmallIntegerField(
        null=True, blank=True, default=20, help_text="Unanswered leads that a member may hold."
    )
    day_cap = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Leads that a member gets a day."
    )
    # Whose turn it was last. Its row is locked while a turn is given.
    last_member = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace"], name="routing_rule_unique"),
        ]

    def __str__(self) -> str:
        return f"Round robin ({'on' if self.is_active else 'off'})"


class RoutingSeat(WorkspaceModel):
    """A member's place in the order of a rule, and how many leads they got on their last day."""

    rule = models.ForeignKey(RoutingRule, models.CASCADE, related_name="seats")
    member = models.ForeignKey("workspaces.Membership", models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField()
    counted_on = models.DateField(null=True, blank=True)
    counted = models.PositiveIntegerField(default=0)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule", "member"], name="routing_seat_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.member_id}"
