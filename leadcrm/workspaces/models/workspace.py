from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from leadcrm.workspaces.business_hours import BusinessHours
from leadcrm.workspaces.ids import uuid7
from leadcrm.workspaces.scoping import WorkspaceModel
from leadcrm.workspaces.time_zones import time_zone_names

COUNTRY = RegexValidator(r"^[A-Z]{2}$", "Use the two-letter country code, such as US.")
CURRENCY = RegexValidator(r"^[A-Z]{3}$", "Use the three-letter currency code, such as USD.")


def validate_time_zone(value: str) -> None:
    if value not in time_zone_names():
        raise ValidationError("Use the name of a time zone, such as Europe/Berlin.")


def validate_business_hours(value: Any) -> None:
    try:
        BusinessHours.from_json(value, time_zone="UTC")
    except ValueError as error:
        raise ValidationError(str(error)) from error


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    MANAGER = "manager", "Manager"
    REP = "rep", "Rep"
    VIEWER = "viewer", "Viewer"


class Visibility(models.TextChoices):
    """Which leads a rep sees."""

    OWN = "own", "Their own and unassigned"
    TEAM = "team", "Their team's"
    ALL = "all", "All"


class Workspace(models.Model):
    """A tenant. Everything about its people and leads carries its id."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=50, unique=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    country = models.CharField(
        max_length=2,
        default="US",
        validators=[COUNTRY],
        help_text="How phone numbers without + are read.",
    )
    currency = models.CharField(max_length=3, default="USD", validators=[CURRENCY])
    visibility = models.CharField(max_length=4, choices=Visibility.choices, default=Visibility.OWN)
    business_hours = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_business_hours],
        help_text="Empty means Mon–Fri 09:00–18:00.",
    )
    billing_address = models.TextField(
        max_length=1000, blank=True, help_text="Name and address as invoices are to show them."
    )
    tax_id = models.CharField("tax number", max_length=50, blank=True)
    requires_second_factor = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def hours(self) -> BusinessHours:
        """Its business hours, in its own time zone."""
        return BusinessHours.from_json(self.business_hours, time_zone=self.time_zone)


class Team(WorkspaceModel):
    name = models.CharField(max_length=100)
    leader = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint("workspace", Lower("name"), name="team_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Location(WorkspaceModel):
    """A branch or site that leads and appointments belong to."""

    name = models.CharField(max_length=100)
    address = models.CharField(max_length=300, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint("workspace", Lower("name"), name="location_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(WorkspaceModel):
    """A person or an agent in a workspace, with a role."""

    class Kind(models.TextChoices):
        PERSON = "person", "Person"
        AGENT = "agent", "Agent"

    user = models.ForeignKey(
        "workspaces.User", models.PROTECT, null=True, blank=True, related_name="memberships"
    )
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.PERSON)
    name = models.CharField(max_length=200, help_text="As shown to colleagues.")
    role = models.CharField(max_length=7, choices=Role.choices, default=Role.REP)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="members")
    location = models.ForeignKey(Location, models.SET_NULL, null=True, blank=True, related_name="+")
    is_active = models.BooleanField("active", default=True)
    list_columns = ArrayField(
        models.CharField(max_length=50),
        default=list,
        blank=True,
        help_text="Columns chosen for the lead list. Empty means the usual ones.",
    )
    on_duty = models.BooleanField(default=True, help_text="Takes new leads now.")
    email_kinds = ArrayField(
        models.CharField(max_length=8),
        default=list,
        blank=True,
        help_text="Kinds of notification that are sent by e-mail, too.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint("workspace", "user", name="membership_unique"),
            models.CheckConstraint(
                condition=models.Q(kind="agent") | models.Q(user__isnull=False),
                name="membership_person_has_user",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split()[:2]).upper()
