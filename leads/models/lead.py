import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import OuterRef
from django.db.models.functions import Coalesce, Left
from django.utils import timezone

from leadcrm.workspaces.scoping import (
    WorkspaceModel,
    WorkspaceQuerySet,
    scoped_manager,
    workspace_link,
)
from leads.models.source import SourceKind
from leads.pipelines import Outcome, Status

# A lead is either open and snoozed or closed with a date: it never has both times.
COMES_BACK_AT = Coalesce("snoozed_until", "returns_at")
IS_OPEN = models.Q(archived_at=None, outcome=Outcome.OPEN)
IS_CLOSED = models.Q(archived_at=None, outcome__in=(Outcome.LOST, Outcome.WON))
# Nobody has answered yet: neither the enquiry nor a reply.
UNANSWERED = models.Q(answer_due_at__isnull=False, first_response_at=None)
WAITS = UNANSWERED | models.Q(unread_since__isnull=False)
BY_WORK_DUE = ["workspace", "work_due_at", "-created_at", "-id"]
# PostgreSQL plans a lead with these links in 1 ms, and with two more in 3.
LINKED = (
    *("pipeline__label", "pipeline__template", "pipeline__creates_deal", "owner__name"),
    *("owner__team", "source__name", "source__owner", "campaign__name", "team__name"),
)
CLICK_IDS = ("gclid", "gbraid", "wbraid", "fbclid", "fbc", "fbp", "msclkid")


class LeadQuerySet(WorkspaceQuerySet["Lead"]):
    def present(self) -> "LeadQuerySet":
        """Without removed and merged-away leads."""
        return self.filter(archived_at=None)

    def open(self) -> "LeadQuerySet":
        return self.present().filter(outcome=Outcome.OPEN)

    def coming_back(self, now: datetime) -> "LeadQuerySet":
        """Those whose snooze is over or whose follow-up date has come."""
        set_aside = models.Q(snoozed_until__isnull=False) | models.Q(returns_at__isnull=False)
        return self.alias(comes_back_at=COMES_BACK_AT).filter(set_aside, comes_back_at__lte=now)

    def for_detail(self) -> "LeadQuerySet":
        """With the stage, and with what the lead's page shows of the other rows it links to."""
        links = {name.split("__")[0] for name in LINKED}
        own = (field.name for field in self.model._meta.concrete_fields)
        return self.select_related("stage", *links).only(*own, *LINKED).with_absorbed()

    def with_absorbed(self) -> "LeadQuerySet":
        """With the ids of those merged into each."""
        absorbed = Lead.objects.filter(merged_into=OuterRef("pk"))
        return self.annotate(absorbed_pks=ArraySubquery(absorbed.values("pk")))


class Lead(WorkspaceModel):
    """One attempt to sell to one person. The person is `contact`; they may have many leads.

    `stage`, its copies `status` and `outcome`, milestones and reasons are written only by
    `leads.lifecycle`. Never
    `save()` a whole lead: another writer may have changed the rest of it meanwhile.
    """

    workspace = workspace_link(db_index=False)

    class Segment(models.TextChoices):
        ENTERPRISE = "enterprise", "Enterprise"
        MID_MARKET = "mid_market", "Mid-market"
        SMB = "smb", "SMB"

    class Band(models.TextChoices):
        COLD = "cold", "Cold"
        WARM = "warm", "Warm"
        HOT = "hot", "Hot"

    class NurtureStatus(models.TextChoices):
        NOT_ENROLLED = "not_enrolled", "Not in a sequence"
        ACTIVE = "active", "In a sequence"
        PAUSED = "paused", "Paused"
        COMPLETED = "completed", "Completed"
        EXITED = "exited", "Exited"

    # Who it is, as this attempt said it
    display_name = models.CharField("name", max_length=200)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    email = models.EmailField("e-mail", max_length=254, blank=True)
    phone = models.CharField(max_length=20, blank=True, help_text="E.164")
    phone_raw = models.CharField("phone as given", max_length=64, blank=True)
    company_name = models.CharField("company", max_length=300, blank=True)
    job_title = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=2, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    message = models.TextField(blank=True)
    answers = models.JSONField(
        default=list, blank=True, help_text="Form answers, verbatim: [label, value]."
    )
    notes = models.TextField(blank=True)
    label = models.CharField(max_length=100, blank=True)
    enrollment = models.PositiveIntegerField(null=True, blank=True)
    segment = models.CharField(max_length=10, choices=Segment.choices, blank=True)

    # Where it came from
    source_kind = models.CharField(
        max_length=16, choices=SourceKind.choices, default=SourceKind.MANUAL
    )
    source = models.ForeignKey(
        "leads.Source", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    source_detail = models.CharField(max_length=500, blank=True)
    campaign = models.ForeignKey(
        "leads.Campaign",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="leads",
        db_index=False,
    )
    source_url = models.CharField("landing page", max_length=2000, blank=True)
    referrer = models.CharField(max_length=2000, blank=True)
    utm_source = models.CharField(max_length=255, blank=True)
    utm_medium = models.CharField(max_length=255, blank=True)
    utm_campaign = models.CharField(max_length=255, blank=True)
    utm_term = models.CharField(max_length=255, blank=True)
    utm_content = models.CharField(max_length=255, blank=True)
    first_touch = models.JSONField(default=dict, blank=True)
    last_touch = models.JSONField(default=dict, blank=True)
    platform_ref = models.JSONField(default=dict, blank=True)

    # BANT
    budget = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    budget_currency = models.CharField(max_length=3, blank=True)
    authority = models.CharField(max_length=500, blank=True)
    need = models.TextField(blank=True)
    timeline = models.CharField(max_length=500, blank=True)

    # Whose it is
    contact = models.ForeignKey(
        "leads.Contact", models.PROTECT, null=True, blank=True, related_name="leads"
    )
    company = models.ForeignKey(
        "leads.Company",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="leads",
        db_index=False,
    )
    owner = models.ForeignKey(
        "workspaces.Membership",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="leads",
        db_index=False,
    )
    team = models.ForeignKey(
        "workspaces.Team", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    location = models.ForeignKey(
        "workspaces.Location",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )

    # Where it stands
    pipeline = models.ForeignKey("leads.Pipeline", models.PROTECT, related_name="+", db_index=False)
    stage = models.ForeignKey("leads.Stage", models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.NEW)
    outcome = models.CharField(max_length=7, choices=Outcome.choices, default=Outcome.OPEN)
    stage_entered_at = models.DateTimeField(default=timezone.now)
    attempt = models.PositiveSmallIntegerField(default=1)
    attempt_started_at = models.DateTimeField(default=timezone.now)
    first_touch_at = models.DateTimeField(null=True, blank=True)
    first_response_at = models.DateTimeField(null=True, blank=True)
    first_response_self_reported = models.BooleanField(default=False)
    answer_due_at = models.DateTimeField(null=True, blank=True)
    answer_late_at = models.DateTimeField("noted as late", null=True, blank=True)
    attempt_count = models.PositiveIntegerField("tries", default=0)
    contacted_at = models.DateTimeField(null=True, blank=True)
    engaged_at = models.DateTimeField(null=True, blank=True)
    mql_at = models.DateTimeField(null=True, blank=True)
    qualified_at = models.DateTimeField(null=True, blank=True)
    scheduled_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    converted_at = models.DateTimeField(null=True, blank=True)
    lost_at = models.DateTimeField(null=True, blank=True)
    disqualified_at = models.DateTimeField(null=True, blank=True)
    loss_reason = models.CharField(max_length=50, blank=True)
    unqualified_reason = models.CharField(max_length=50, blank=True)
    disqualification_reason = models.CharField(max_length=50, blank=True)
    reason_note = models.TextField(blank=True)
    returns_at = models.DateTimeField("follow up on", null=True, blank=True)
    deal = models.ForeignKey(
        "leads.Deal", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    # Score, behaviour, sequences: snapshots that other rooms keep
    score_total = models.SmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    score_band = models.CharField(max_length=4, choices=Band.choices, blank=True)
    score_version = models.CharField(max_length=50, blank=True)
    score_updated_at = models.DateTimeField(null=True, blank=True)
    external_score = models.IntegerField(null=True, blank=True)
    website_visits = models.PositiveIntegerField(default=0)
    content_downloads = models.PositiveIntegerField(default=0)
    email_opens = models.PositiveIntegerField(default=0)
    email_clicks = models.PositiveIntegerField(default=0)
    demo_requested = models.BooleanField(default=False)
    nurture_status = models.CharField(
        max_length=12, choices=NurtureStatus.choices, default=NurtureStatus.NOT_ENROLLED
    )
    current_sequence_id = models.UUIDField(null=True, blank=True)
    next_nurture_step_at = models.DateTimeField(null=True, blank=True)
    enrichment = models.JSONField(default=dict, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    provenance = models.JSONField(default=dict, blank=True)

    # What is due
    work_due_at = models.DateTimeField(null=True, blank=True)
    unread_since = models.DateTimeField(null=True, blank=True)
    auto_close_at = models.DateTimeField(null=True, blank=True)
    auto_close_warned_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    last_activity_at = models.DateTimeField(null=True, blank=True)

    # The row itself
    is_test = models.BooleanField(default=False)
    needs_review = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now, help_text="When the person enquired.")
    inserted_at = models.DateTimeField(default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True)
    archive_reason = models.CharField(max_length=200, blank=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="absorbed", db_index=False
    )

    objects: Any = scoped_manager(LeadQuerySet)

    class Meta(WorkspaceModel.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(work_due_at=None) | IS_OPEN, name="lead_due_is_open"
            ),
            # So that a search for quiet leads may leave out those that came in since.
            models.CheckConstraint(
                condition=models.Q(last_activity_at=None)
                | models.Q(last_activity_at__gte=models.F("created_at")),
                name="lead_active_since_created",
            ),
        ]
        # The columns included are those that a count asks for: it is then taken from the index.
        indexes: ClassVar = [
            models.Index(
                fields=["workspace", "created_at", "id"],
                include=[
                    "owner",
                    "team",
                    "archived_at",
                    "last_activity_at",
                    "is_test",
                    "needs_review",
                ],
                name="lead_created",
            ),
            models.Index(
                fields=["workspace", "status", "created_at"],
                include=["stage", "outcome", "owner", "team", "archived_at"],
                name="lead_status",
            ),
            models.Index(
                fields=["workspace", "source_kind", "source", "created_at"],
                include=["owner", "team", "archived_at"],
                name="lead_source",
            ),
            models.Index(
                fields=["workspace", "pipeline", "created_at"],
                include=["owner", "team", "archived_at"],
                name="lead_pipeline",
            ),
            models.Index(
                fields=["workspace", "campaign", "created_at"],
                include=["archived_at"],
                condition=models.Q(campaign__isnull=False),
                name="lead_campaign",
            ),
            models.Index(
                fields=["workspace", "owner", "created_at"],
                include=["team"],
                condition=models.Q(archived_at=None),
                name="lead_owner",
            ),
            models.Index(fields=["workspace", "last_activity_at"], name="lead_active"),
            models.Index(fields=["workspace", "inserted_at"], name="lead_inserted"),
            models.Index(
                "workspace",
                models.F("score_total").desc(nulls_last=True),
                "status",
                models.F("last_activity_at").desc(nulls_last=True),
                name="lead_score",
            ),
            # Those that follow hold some leads only: the open ones, the closed, the unusual.
            models.Index(
                fields=BY_WORK_DUE,
                include=["owner", "team", "archived_at"],
                condition=models.Q(work_due_at__isnull=False),
                name="lead_work_due",
            ),
            models.Index(
                fields=["workspace", "owner", *BY_WORK_DUE[1:]],
                include=["team"],
                condition=IS_OPEN,
                name="lead_open_owner",
            ),
            # The columns of the board, each in its order, with what is counted and summed of it.
            models.Index(
                fields=["workspace", "stage", *BY_WORK_DUE[1:]],
                include=["owner", "team", "budget", "budget_currency"],
                condition=IS_OPEN,
                name="lead_board",
            ),
            models.Index(
                fields=["workspace", "created_at", "id"], condition=IS_OPEN, name="lead_open"
            ),
            models.Index(
                fields=["workspace", "last_activity_at"], condition=IS_OPEN, name="lead_open_active"
            ),
            # Of their own: the planner doesn't see that rows without a value lie in order.
            models.Index(
                fields=["workspace", "created_at", "id"],
                condition=IS_OPEN & models.Q(work_due_at=None),
                name="lead_no_step",
            ),
            models.Index(
                fields=BY_WORK_DUE,
                condition=IS_OPEN & models.Q(owner=None),
                name="lead_unassigned",
            ),
            models.Index(
                fields=["workspace", "work_due_at", "created_at", "id"],
                condition=IS_OPEN & WAITS,
                name="lead_waiting",
            ),
            models.Index(
                fields=["workspace", "stage_entered_at"], condition=IS_CLOSED, name="lead_closed"
            ),
            models.Index(
                fields=["workspace", "created_at", "id"],
                include=["merged_into"],
                condition=models.Q(archived_at__isnull=False),
                name="lead_archived",
            ),
            models.Index(
                fields=["workspace", "needs_review", "is_test", "created_at"],
                include=["archived_at"],
                condition=models.Q(needs_review=True) | models.Q(is_test=True),
                name="lead_unusual",
            ),
            models.Index(
                fields=["workspace", "budget"],
                condition=models.Q(budget__isnull=False),
                name="lead_budget",
            ),
            models.Index(
                fields=["workspace", "mql_at"],
                condition=models.Q(mql_at__isnull=False),
                name="lead_mql",
            ),
            models.Index(
                fields=["location"],
                condition=models.Q(location__isnull=False),
                name="lead_location",
            ),
            models.Index(
                fields=["company"],
                condition=models.Q(company__isnull=False),
                name="lead_company",
            ),
            models.Index(
                fields=["merged_into"],
                condition=models.Q(merged_into__isnull=False),
                name="lead_absorbed",
            ),
            models.Index(
                fields=["auto_close_at"],
                condition=models.Q(auto_close_at__isnull=False),
                name="lead_auto_close",
            ),
            models.Index(
                fields=["next_nurture_step_at"],
                condition=models.Q(nurture_status="active"),
                name="lead_nurture_due",
            ),
            GinIndex(
                OpClass("attributes", "jsonb_path_ops"),
                condition=~models.Q(attributes={}),
                name="lead_attributes",
            ),
            models.Index(
                fields=["answer_due_at"],
                condition=IS_OPEN
                & models.Q(
                    answer_due_at__isnull=False, first_response_at=None, answer_late_at=None
                ),
                name="lead_answer_due",
            ),
            models.Index(
                COMES_BACK_AT,
                condition=models.Q(snoozed_until__isnull=False)
                | models.Q(returns_at__isnull=False),
                name="lead_comes_back",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    def absorbed_ids(self) -> list[uuid.UUID]:
        """The leads merged into this one; `for_detail` has read them already."""
        known: list[uuid.UUID] | None = getattr(self, "absorbed_pks", None)
        if known is None:
            absorbed = Lead.objects.filter(merged_into=self)
            known = list(absorbed.values_list("pk", flat=True))
        return known

    @property
    def is_open(self) -> bool:
        return self.outcome == Outcome.OPEN

    @property
    def is_closed(self) -> bool:
        return self.outcome in (Outcome.LOST, Outcome.WON)


class ExternalId(WorkspaceModel):
    """The id another system knows a lead by. One such id is always one lead."""

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="external_ids")
    system = models.CharField(max_length=50)
    external_id = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        verbose_name = "id elsewhere"
        verbose_name_plural = "ids elsewhere"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "system", "external_id"], name="external_id_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.system}: {self.external_id}"


class FieldSuggestion(WorkspaceModel):
    """What a lower rank would have written into a field that a higher one holds."""

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="suggestions")
    field = models.CharField(max_length=50)
    source = models.CharField(max_length=100)
    value = models.JSONField()
    suggested_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True, blank=True)
    accepted = models.BooleanField(null=True)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["field"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["lead", "field", "source"], name="field_suggestion_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field} ({self.source})"


PREFIX = 16  # characters of the text that a search of fewer than three letters looks at


class LeadSearch(WorkspaceModel):
    """The text that a lead is found by, beside the lead so that its updates stay cheap."""

    workspace = workspace_link(db_index=False)
    lead = models.OneToOneField(Lead, models.CASCADE, primary_key=True, related_name="search")
    id = None  # type: ignore[assignment]
    created_at = models.DateTimeField()
    text = models.TextField()

    class Meta(WorkspaceModel.Meta):
        verbose_name = "search text"
        indexes: ClassVar = [
            GinIndex(
                OpClass("workspace_id", "uuid_ops"),
                OpClass("text", "gin_trgm_ops"),
                name="lead_search_text",
                # New rows wait in a list of at most 1 MB, which each search reads along (0.3 ms),
                # and go into the index together: a quarter of the time that each alone takes.
                fastupdate=True,
                gin_pending_list_limit=1024,
            ),
            models.Index(fields=["workspace", "created_at", "lead"], name="lead_search_created"),
            models.Index(
                models.F("workspace"),
                OpClass(Left("text", PREFIX), "text_pattern_ops"),
                name="lead_search_prefix",
            ),
        ]

    def __str__(self) -> str:
        return self.text
