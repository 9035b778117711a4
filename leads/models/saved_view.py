from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel


class SavedView(WorkspaceModel):
    """A list of leads that a member has put together: filters, columns, sort and layout.

    It starts from a tab, whose leads it narrows. Without columns of its own it shows those that
    the viewer has chosen. `leads.saved_views` writes it.
    """

    class Layout(models.TextChoices):
        TABLE = "table", "Table"
        BOARD = "board", "Board"

    class Match(models.TextChoices):
        ALL = "all", "All groups"
        ANY = "any", "Any group"

    name = models.CharField(max_length=80)
    owner = models.ForeignKey("workspaces.Membership", models.CASCADE, related_name="+")
    is_shared = models.BooleanField(default=False)
    is_pinned = models.BooleanField("shown as a tab", default=False)
    tab = models.CharField(max_length=20)
    sort = models.CharField(max_length=20, blank=True)
    layout = models.CharField(max_length=5, choices=Layout.choices, default=Layout.TABLE)
    match = models.CharField(max_length=3, choices=Match.choices, default=Match.ALL)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    filter_rows: list[dict[str, Any]]  # of those that `access_view` finds
    column_keys: list[str]

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class SavedViewFilter(WorkspaceModel):
    """One condition of a view. Those of a group are joined by the word that doesn't join groups."""

    view = models.ForeignKey(SavedView, models.CASCADE, related_name="filters")
    group = models.PositiveSmallIntegerField()
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    operator = models.CharField(max_length=3)
    value = models.TextField()

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["view", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["view", "position"], name="view_filter_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {self.value}"


class SavedViewColumn(WorkspaceModel):
    """A column of a view that has its own."""

    view = models.ForeignKey(SavedView, models.CASCADE, related_name="columns")
    key = models.CharField(max_length=100)
    position = models.PositiveSmallIntegerField()

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["view", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["view", "key"], name="view_column_unique"),
        ]

    def __str__(self) -> str:
        return self.key


class DefaultView(WorkspaceModel):
    """The view that the list opens with: for a member, or without one for the whole workspace."""

    membership = models.ForeignKey(
        "workspaces.Membership", models.CASCADE, null=True, blank=True, related_name="+"
    )
    view = models.ForeignKey(SavedView, models.CASCADE, related_name="defaults")

    class Meta(WorkspaceModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "membership"],
                nulls_distinct=False,
                name="default_view_unique",
            ),
        ]

    def __str__(self) -> str:
        return str(self.view_id)
