from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel, workspace_link
from leads import kinds
from leads.pipelines import Status


class TransactionIdField(models.BigIntegerField):  # type: ignore[type-arg]
    """PostgreSQL's xid8: a transaction id that never wraps around."""

    def db_type(self, connection: Any) -> str:
        return "xid8"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        # xid8 has no cast from a number, only from text.
        if value is None or hasattr(value, "resolve_expression"):
            return value
        return str(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        return None if value is None else int(value)


class CurrentTransactionId(models.Func):
    function = "pg_current_xact_id"
    template = "%(function)s()"
    arity = 0
    output_field = TransactionIdField()


class SnapshotHorizon(models.Func):
    """The oldest transaction that may still be running: all below it are settled for good."""

    template = "pg_snapshot_xmin(pg_current_snapshot())"
    arity = 0
    output_field = TransactionIdField()


class Lane(models.TextChoices):
    LIVE = "live", "Live"
    BULK = "bulk", "Bulk"
    BACKFILL = "backfill", "Backfill"


class Activity(WorkspaceModel):
    """The log: one row for everything that happened to a lead. Append-only, kept so by a trigger.

    `(xid, id)` is the order in which subscribers read it; see `leads.events`. No foreign key
    points here, so that the table can be partitioned.
    """

    workspace = workspace_link(db_index=False)
    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]
    lead = models.ForeignKey(
        "leads.Lead", models.CASCADE, null=True, related_name="activities", db_index=False
    )
    contact = models.ForeignKey(
        "leads.Contact", models.CASCADE, null=True, related_name="activities", db_index=False
    )
    deal = models.ForeignKey(
        "leads.Deal", models.SET_NULL, null=True, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=32)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    xid = TransactionIdField(db_default=CurrentTransactionId(), editable=False)
    lane = models.CharField(max_length=8, choices=Lane.choices, default=Lane.LIVE)
    actor_kind = models.CharField(
        max_length=6, choices=[(k, k) for k in ("user", "token", "system")]
    )
    actor = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, related_name="+", db_index=False
    )
    token = models.ForeignKey(
        "workspaces.ApiToken", models.SET_NULL, null=True, related_name="+", db_index=False
    )
    via = models.CharField(max_length=32)
    from_stage = models.ForeignKey(
        "leads.Stage", models.SET_NULL, null=True, related_name="+", db_index=False
    )
    to_stage = models.ForeignKey(
        "leads.Stage", models.SET_NULL, null=True, related_name="+", db_index=False
    )
    from_status = models.CharField(max_length=12, blank=True, choices=Status.choices)
    to_status = models.CharField(max_length=12, blank=True, choices=Status.choices)
    reason = models.CharField(max_length=50, blank=True)
    subject_type = models.CharField(max_length=32, blank=True)
    subject_id = models.UUIDField(null=True)
    caused_by = models.BigIntegerField(null=True)
    depth = models.PositiveSmallIntegerField(default=0)
    # null, not "": the unique constraint leaves nulls out.
    dedupe_key = models.CharField(max_length=255, null=True)  # noqa: DJ001
    data = models.JSONField(default=dict)

    class Meta(WorkspaceModel.Meta):
        verbose_name = "row of the log"
        verbose_name_plural = "rows of the log"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "dedupe_key"],
                condition=models.Q(dedupe_key__isnull=False),
                name="activity_dedupe_key_unique",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["lane", "xid", "id"], name="activity_log"),
            models.Index(fields=["lead", "occurred_at", "id"], name="activity_lead"),
            models.Index(fields=["contact", "occurred_at", "id"], name="activity_contact"),
            models.Index(fields=["workspace", "kind", "occurred_at"], name="activity_kind"),
            models.Index(fields=["workspace", "xid", "id"], name="activity_poll"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    @property
    def spec(self) -> kinds.Kind:
        return kinds.KINDS[self.kind]

    def get_kind_display(self) -> str:
        return self.spec.label

    @property
    def event_name(self) -> str:
        """The name other systems know it by: `lead_qualified`, `lead_lost`, `lead_created` …"""
        if self.kind == kinds.STAGE_CHANGED:
            return f"lead_{self.to_status}"
        return self.kind


class Cursor(models.Model):
    """How far one subscriber has read one lane of the log."""

    subscriber = models.CharField(max_length=32)
    lane = models.CharField(max_length=8, choices=Lane.choices)
    xid = TransactionIdField(default=0)
    activity_id = models.BigIntegerField(default=0)
    advanced_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "reader of the log"
        verbose_name_plural = "readers of the log"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subscriber", "lane"], name="cursor_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber}/{self.lane}"


class Parking(WorkspaceModel):
    """A lead whose log rows one subscriber could not handle.

    The first of `activity_ids` is the row that failed; later rows of the same lead wait behind
    it, all other leads flow.
    """

    subscriber = models.CharField(max_length=32)
    lane = models.CharField(max_length=8, choices=Lane.choices)
    lead_id = models.UUIDField(null=True)
    activity_ids = ArrayField(models.BigIntegerField())
    error = models.TextField()
    attempts = models.PositiveIntegerField(default=1)
    parked_at = models.DateTimeField(default=timezone.now)
    retry_at = models.DateTimeField()

    class Meta(WorkspaceModel.Meta):
        verbose_name = "parked lead"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subscriber", "lane", "workspace", "lead_id"],
                nulls_distinct=False,
                name="parking_unique",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["subscriber", "lane", "retry_at"], name="parking_due")
        ]

    def __str__(self) -> str:
        return f"{self.subscriber}: {self.lead_id}"
