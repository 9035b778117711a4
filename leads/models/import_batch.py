from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel


class Import(WorkspaceModel):
    """One file on its way into the workspace: read, mapped, checked, applied, perhaps taken back.

    `mapping` names a target for each column (see `leads.importing.targets`), "" for none.
    """

    class Kind(models.TextChoices):
        LEADS = "leads", "Leads"
        HISTORY = "history", "History"

    class State(models.TextChoices):
        STORING = "storing", "Uploading"
        READING = "reading", "Reading the file"
        COLUMNS = "columns", "Choose columns"
        CHECKING = "checking", "Checking"
        CHECKED = "checked", "Ready to apply"
        APPLYING = "applying", "Importing"
        DONE = "done", "Done"
        CANCELED = "canceled", "Canceled"
        UNDOING = "undoing", "Undoing"
        UNDONE = "undone", "Undone"
        FAILED = "failed", "Can't be read"

    kind = models.CharField(max_length=7, choices=Kind.choices, default=Kind.LEADS)
    state = models.CharField(max_length=8, choices=State.choices, default=State.STORING)
    name = models.CharField("file", max_length=255)
    size = models.BigIntegerField(default=0, help_text="Bytes.")
    form = models.CharField(max_length=4, blank=True, help_text="csv or xlsx.")
    encoding = models.CharField(max_length=30, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    made_by = models.ForeignKey(
        "workspaces.Membership", models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    header_row = models.IntegerField(default=-1, help_text="-1 where the file names no columns.")
    headers = models.JSONField(default=list, blank=True)
    samples = models.JSONField(default=list, blank=True)
    confidence = models.JSONField(default=list, blank=True)
    mapping = models.JSONField(default=list, blank=True)
    options = models.JSONField(default=dict, blank=True)
    remembered = models.BooleanField(default=False)

    rows = models.PositiveIntegerField(
        default=0, help_text="Rows read, those of the top among them."
    )
    counts = models.JSONField(default=dict, blank=True, help_text="Rows of the check by result.")
    effects = models.JSONField(default=dict, blank=True, help_text="What applying them did.")
    problem = models.CharField(max_length=500, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-created_at"], name="import_created"),
            models.Index(
                fields=["created_at"],
                condition=models.Q(state__in=("reading", "checking", "applying", "undoing")),
                name="import_due",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_working(self) -> bool:
        """Whether the worker has something to do about it."""
        return self.state in WORKING

    @property
    def total(self) -> int:
        """Rows below the line with the names of the columns, blank ones left out."""
        return int(sum(self.counts.values()) - self.counts.get("fills", 0))

    @property
    def body_rows(self) -> int:
        """Rows read, without the names of the columns and what stands above them."""
        return self.rows - int(self.option("top_rows", 0))

    def option(self, name: str, default: Any = None) -> Any:
        return self.options.get(name, default)


WORKING = (
    Import.State.READING,
    Import.State.CHECKING,
    Import.State.APPLYING,
    Import.State.UNDOING,
)


class ImportPart(WorkspaceModel):
    """A stretch of the uploaded file, so that web and workers reach it; gone once it isn't needed."""

    batch = models.ForeignKey(Import, models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta(WorkspaceModel.Meta):
        verbose_name = "part of an imported file"
        verbose_name_plural = "parts of imported files"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["batch", "number"], name="import_part_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.number}"


class ImportChunk(WorkspaceModel):
    """A thousand rows of an import, what the check found and what applying them changed.

    All are packed by `leads.importing.packing`. `drafts` are the values of the rows as the check read
    them, until they are applied. `keys` are hashes of what names the people
    of new rows, to find those who come again further down.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "To check"
        CHECKED = "checked", "Checked"
        APPLIED = "applied", "Applied"
        UNDONE = "undone", "Undone"

    batch = models.ForeignKey(Import, models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    first_row = models.PositiveIntegerField()
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    cells = models.BinaryField()
    drafts = models.BinaryField(null=True)
    findings = models.BinaryField(null=True)
    journal = models.BinaryField(null=True)
    counts = models.JSONField(default=dict)
    effects = models.JSONField(default=dict)
    keys = ArrayField(models.BigIntegerField(), default=list)

    class Meta(WorkspaceModel.Meta):
        verbose_name = "rows of an import"
        verbose_name_plural = "rows of imports"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["batch", "number"], name="import_chunk_unique"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["batch", "state", "number"], name="import_chunk_state"),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.number}"


class ImportMapping(WorkspaceModel):
    """How the columns of a shape of file were mapped last: it is proposed the next time."""

    shape = models.CharField(max_length=64)
    mapping = models.JSONField(default=list)
    options = models.JSONField(default=dict)
    used_at = models.DateTimeField()

    class Meta(WorkspaceModel.Meta):
        verbose_name = "remembered mapping"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "shape"], name="import_mapping_unique"),
        ]

    def __str__(self) -> str:
        return self.shape[:12]
