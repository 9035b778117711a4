from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from leadcrm.workspaces.ids import random_key
from leadcrm.workspaces.scoping import WorkspaceModel


class SourceKind(models.TextChoices):
    WEBSITE_FORM = "website_form", "Website form"
    FACEBOOK_LEAD_AD = "facebook_lead_ad", "Meta lead ad"
    GOOGLE_LEAD_FORM = "google_lead_form", "Google lead form"
    PHONE = "phone", "Phone"
    EMAIL = "email", "E-mail"
    FB_MSG = "fb_msg", "Facebook message"
    HUBSPOT = "hubspot", "HubSpot"
    REFERRAL = "referral", "Referral"
    EVENT = "event", "Event"
    MANUAL = "manual", "By hand"
    IMPORT = "import", "Import"
    API = "api", "API"
    OTHER = "other", "Other"


# The five systems' spellings, accepted wherever a kind is read.
KIND_ALIASES = {
    "web": SourceKind.WEBSITE_FORM,
    "website": SourceKind.WEBSITE_FORM,
    "facebook": SourceKind.FACEBOOK_LEAD_AD,
    "meta": SourceKind.FACEBOOK_LEAD_AD,
    "google": SourceKind.GOOGLE_LEAD_FORM,
    "call": SourceKind.PHONE,
    "csv": SourceKind.IMPORT,
}

# Business minutes within which a first answer is due; None means no clock (product, section 5).
ANSWER_WITHIN: dict[str, int | None] = {
    SourceKind.PHONE: 5,
    SourceKind.FACEBOOK_LEAD_AD: 5,
    SourceKind.GOOGLE_LEAD_FORM: 5,
    SourceKind.WEBSITE_FORM: 10,
    SourceKind.API: 5,
    SourceKind.FB_MSG: 15,
    SourceKind.EMAIL: 60,
    SourceKind.REFERRAL: 240,
    SourceKind.EVENT: 240,
    SourceKind.HUBSPOT: 240,
    SourceKind.MANUAL: 240,
    SourceKind.OTHER: 240,
    SourceKind.IMPORT: None,
}


def kind_named(text: str) -> SourceKind | None:
    """The source kind of a name in any case, or of a system's other name for it."""
    name = text.strip().lower().replace("-", "_")
    return KIND_ALIASES.get(name) or (SourceKind(name) if name in SourceKind.values else None)


def new_public_key() -> str:
    return random_key(15)


class Campaign(WorkspaceModel):
    """A marketing campaign that leads are credited to."""

    name = models.CharField(max_length=255)
    channel = models.CharField(max_length=50, blank=True)
    external_id = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint("workspace", Lower("name"), name="campaign_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Source(WorkspaceModel):
    """Where leads come in: one form, one page's lead ads, one tracked number, one vendor."""

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=16, choices=SourceKind.choices)
    public_key = models.CharField(
        max_length=40, unique=True, default=new_public_key, editable=False
    )
    is_active = models.BooleanField("active", default=True)
    pipeline = models.ForeignKey(
        "leads.Pipeline", models.PROTECT, null=True, blank=True, related_name="+"
    )
    owner = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    team = models.ForeignKey(
        "workspaces.Team", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    location = models.ForeignKey(
        "workspaces.Location", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    campaign = models.ForeignKey(Campaign, models.SET_NULL, null=True, blank=True, related_name="+")
    answer_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Answer within, in business minutes. Empty means the default of its kind.",
    )
    allowed_origins = ArrayField(
        models.CharField(max_length=253),
        default=list,
        blank=True,
        help_text="Sites that may embed the form, such as https://www.example.com. Empty means any.",
    )
    form_title = models.CharField(max_length=200, blank=True)
    form_fields = models.JSONField(default=list, blank=True)
    thanks_message = models.CharField(max_length=500, blank=True)
    thanks_url = models.URLField(max_length=1000, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint("workspace", Lower("name"), name="source_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name

    def answer_within(self) -> int | None:
        """Business minutes until a first answer is due, or None for no clock."""
        return self.answer_minutes if self.answer_minutes is not None else ANSWER_WITHIN[self.kind]


class SourceDay(WorkspaceModel):
    """How many enquiries a source brought on one day of the workspace; kept by a subscriber of the log."""

    source = models.ForeignKey(Source, models.CASCADE, related_name="days")
    day = models.DateField()
    created = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0)

    class Meta(WorkspaceModel.Meta):
        verbose_name = "enquiries of a day"
        verbose_name_plural = "enquiries by day"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "day"], name="source_day_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.created}+{self.repeated}"
