"""What the API takes and shows of imports."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from leadcrm.workspaces.api.fields import Link, Pattern, StrictSerializer, Text, Whole, link_id
from leadcrm.workspaces.api.shown import ShownSerializer
from leadcrm.workspaces.models import Membership
from leads.import_forms import DELIMITERS, NO_FILE
from leads.importing.comparing import RESULTS
from leads.importing.sniffing import ENCODINGS
from leads.models import Import, Pipeline, Source

EXISTING = {"fill": "Fill blanks", "overwrite": "Overwrite", "skip": "Leave alone"}
CLOSED = {"leave": "Leave alone", "new": "New lead"}
LINKED = ("owner", "source", "pipeline")
PLAIN = ("existing", "closed", "day_first", "system", "original_dates", "silent")
OF_HISTORY = frozenset({"day_first", "system", "pipeline"})
WIDEST = 1000  # columns


class UploadSerializer(StrictSerializer):
    file = serializers.FileField(
        max_length=255,
        error_messages=NO_FILE,
        help_text="CSV in any encoding, or Excel (.xlsx). Up to 300 MB and 1,000,000 rows.",
    )
    kind = serializers.ChoiceField(Import.Kind.choices, required=False, default=Import.Kind.LEADS)


class ImportOptionsSerializer(StrictSerializer):
    """What to do with the rows. History takes `day_first`, `system` and `pipeline_id` alone."""

    existing = serializers.ChoiceField(
        list(EXISTING.items()), required=False, help_text="People who have a lead already."
    )
    closed = serializers.ChoiceField(
        list(CLOSED.items()), required=False, help_text="People whose lead is closed."
    )
    day_first = serializers.BooleanField(required=False, help_text="03/04/2025 is 3 April.")
    system = Pattern(
        r"^[-a-zA-Z0-9_]+$",
        required=False,
        max_length=50,
        help_text="Ids in the file are kept under this name.",
    )
    original_dates = serializers.BooleanField(required=False)
    silent = serializers.BooleanField(
        required=False, help_text="No notifications, routing, answer clocks or ad events."
    )
    owner_id = Link(
        source="owner",
        queryset=Membership.objects.filter(is_active=True),
        required=False,
        allow_null=True,
        help_text="Of new leads without one.",
    )
    source_id = Link(
        source="source",
        queryset=Source.objects.filter(is_active=True),
        required=False,
        allow_null=True,
    )
    pipeline_id = Link(
        source="pipeline",
        queryset=Pipeline.objects.filter(retired_at=None),
        required=False,
        allow_null=True,
    )


class ColumnsSerializer(StrictSerializer):
    mapping = serializers.ListField(
        child=Text(max_length=100, allow_blank=True),
        max_length=WIDEST,
        help_text="For each column, in order, the key of a target; an empty text leaves it out.",
    )
    options = ImportOptionsSerializer(
        required=False, help_text="Those that you don't send stay as they are."
    )


class ReadingSerializer(StrictSerializer):
    encoding = serializers.ChoiceField(list(ENCODINGS.items()), required=False)
    delimiter = serializers.ChoiceField(list(DELIMITERS.items()), required=False)
    header_row = Whole(
        required=False,
        min_value=0,
        max_value=1000,
        help_text="Number of the row with the names of the columns, 0 for none.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise ValidationError({"header_row": ["Say what to read otherwise."]})
        return attrs


class ImportSerializer(ShownSerializer[Import]):
    made_by_id = link_id()
    counts = serializers.DictField(
        child=serializers.IntegerField(), help_text="Rows of the check by result."
    )
    effects = serializers.DictField(
        child=serializers.IntegerField(), help_text="What applying them did."
    )

    class Meta:
        model = Import
        fields: ClassVar = (
            "id", "kind", "state", "name", "size", "form", "rows", "counts", "effects", "problem",
            "made_by_id", "created_at", "applied_at", "finished_at", "undone_at",
        )  # fmt: skip
        read_only_fields = fields


class ProgressSerializer(serializers.Serializer[Any]):
    done = serializers.IntegerField(help_text="Rows.")
    total = serializers.IntegerField(allow_null=True, help_text="Null while it isn't known.")


class ColumnSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    samples = serializers.ListField(child=serializers.CharField())
    target = serializers.CharField(help_text="What becomes of it; empty: it is left out.")
    confidence = serializers.IntegerField(help_text="How sure the proposal is, in percent.")


class ImportOptionsShownSerializer(serializers.Serializer[Any]):
    existing = serializers.CharField(allow_null=True)
    closed = serializers.CharField(allow_null=True)
    day_first = serializers.BooleanField(allow_null=True)
    system = serializers.CharField(allow_null=True)
    original_dates = serializers.BooleanField(allow_null=True)
    silent = serializers.BooleanField(allow_null=True)
    owner_id = serializers.UUIDField(allow_null=True)
    source_id = serializers.UUIDField(allow_null=True)
    pipeline_id = serializers.UUIDField(allow_null=True)


class ImportDetailSerializer(ImportSerializer):
    """An import with its columns, and what applying it would do."""

    progress = ProgressSerializer(allow_null=True, help_text="Null while the worker rests.")
    columns = ColumnSerializer(many=True)
    options = ImportOptionsShownSerializer()
    remembered = serializers.BooleanField(help_text="The columns are those of an earlier file.")
    intended = serializers.DictField(
        child=serializers.IntegerField(), help_text="Leads that applying would create and change."
    )
    may_undo = serializers.BooleanField()
    kept_ids = serializers.ListField(
        child=serializers.UUIDField(), help_text="Leads that the undo left alone, 50 at most."
    )

    class Meta(ImportSerializer.Meta):
        fields: ClassVar[Any] = (
            *ImportSerializer.Meta.fields,
            "encoding", "delimiter", "header_row", "progress", "columns", "options", "remembered",
            "intended", "may_undo", "kept_ids",
        )  # fmt: skip
        read_only_fields: Any = fields


class TargetSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    group = serializers.CharField()
    gathers = serializers.BooleanField(help_text="Several columns may go to it.")


class TargetsSerializer(serializers.Serializer[Any]):
    results = TargetSerializer(many=True)


class CellSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    new = serializers.CharField()
    old = serializers.CharField()
    kept = serializers.BooleanField(help_text="What is there stays: somebody here typed it.")


class FindingSerializer(serializers.Serializer[Any]):
    row = serializers.IntegerField()
    result = serializers.ChoiceField(RESULTS)
    lead_id = serializers.UUIDField(allow_null=True)
    cells = CellSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())
    error = serializers.CharField()
