from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel, workspace_link


class MatchProfile(WorkspaceModel):
    """A person as the duplicate finder compares them: plain name and company, derived anew at will.

    The id is that of the contact, or of the lead where it has none. `lead` is the one by which the
    person is shown.
    """

    workspace = workspace_link(db_index=False)
    lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)
    company = models.CharField(max_length=300)
    is_test = models.BooleanField(default=False)

    class Meta(WorkspaceModel.Meta):
        pass

    def __str__(self) -> str:
        return self.name


class BlockingKey(WorkspaceModel):
    """Something that a person has in common with others who may be the same, as a hash.

    Only people who share one are compared. The profile is named without a foreign key: there are
    several rows for each person, written by the million, and worth nothing without it.
    """

    workspace = workspace_link(db_index=False)
    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]
    profile = models.UUIDField()
    kind = models.CharField(max_length=12)
    value = models.BigIntegerField()

    class Meta(WorkspaceModel.Meta):
        indexes: ClassVar = [
            models.Index(fields=["workspace", "value", "profile"], name="blocking_key_value"),
            models.Index(fields=["profile"], name="blocking_key_profile"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class DuplicatePair(WorkspaceModel):
    """Two people, or two leads of one person, who may be the same: found once, decided once.

    `first` and `second` are the ids of contacts, or of leads where there is no contact or both
    are one person's; the leads are those by which they are shown.
    """

    workspace = workspace_link(db_index=False)

    class About(models.TextChoices):
        PEOPLE = "people", "Two people"
        LEADS = "leads", "Two leads"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        MERGED = "merged", "Merged"
        DISTINCT = "distinct", "Not the same"

    about = models.CharField(max_length=6, choices=About.choices)
    first = models.UUIDField()
    second = models.UUIDField()
    first_lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="+")
    second_lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="+")
    score = models.PositiveSmallIntegerField()
    reasons = ArrayField(models.CharField(max_length=12), default=list)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    found_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    suggested_by = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    suggested_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    merge = models.ForeignKey(
        "leads.MergeJournal", models.SET_NULL, null=True, blank=True, related_name="pairs"
    )

    class Meta(WorkspaceModel.Meta):
        verbose_name = "possible duplicate"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "first", "second"], name="duplicate_pair_unique"
            ),
            models.CheckConstraint(
                condition=Q(first__lt=F("second")), name="duplicate_pair_in_order"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "second"], name="duplicate_pair_second"),
            models.Index(
                fields=["workspace", "-score", "-id"],
                condition=Q(state="open"),
                name="duplicate_pair_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first} = {self.second}?"


class DuplicateScan(WorkspaceModel):
    """How far the finder has gone through a workspace's people: contacts first, then leads without.

    Its row is the lock of the finder in this workspace.
    """

    class Phase(models.TextChoices):
        CONTACTS = "contacts", "Contacts"
        LEADS = "leads", "Leads without a contact"
        DONE = "done", "Done"

    phase = models.CharField(max_length=8, choices=Phase.choices, default=Phase.CONTACTS)
    position = models.UUIDField(null=True, blank=True)
    looked_at = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta(WorkspaceModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace"], name="duplicate_scan_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.phase}: {self.looked_at}"


class Match(models.TextChoices):
    """By what somebody is known."""

    EMAIL = "email", "Same e-mail address"
    PHONE = "phone", "Same phone number"
    SIMILAR = "similar", "Similar name and company, e-mail or phone"


class Door(models.TextChoices):
    """The way by which leads come in."""

    HAND = "hand", "By hand"
    API = "api", "API"
    IMPORT = "import", "Import"
    CAPTURE = "capture", "Forms, ads, calls"


class Action(models.TextChoices):
    """What happens when somebody known comes in."""

    MERGE = "merge", "Add to their open lead"
    WARN = "warn", "Warn first"
    BLOCK = "block", "Refuse"
    REPORT = "report", "New lead, and report"


class DuplicateRule(WorkspaceModel):
    """What happens in this workspace when somebody comes in by a door who seems to be known.

    Rows exist for what differs from the default only: see `leads.duplicate_rules`.
    """

    match = models.CharField(max_length=7, choices=Match.choices)
    door = models.CharField(max_length=7, choices=Door.choices)
    action = models.CharField(max_length=6, choices=Action.choices)

    class Meta(WorkspaceModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "match", "door"], name="duplicate_rule_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.match} {self.door}: {self.action}"
