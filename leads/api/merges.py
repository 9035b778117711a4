"""Merging leads of the same person, and taking it back."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.api.base import ApiView
from leadcrm.workspaces.api.fields import StrictSerializer
from leads import access, merging, unmerging
from leads.api.verb_inputs import NothingSerializer
from leads.merge_choices import CHOICES
from leads.models import MergeJournal


class DecidedSerializer(StrictSerializer):
    """Whose values are kept, and by which versions that was decided."""

    choices = serializers.DictField(
        child=serializers.UUIDField(),
        required=False,
        help_text="By field, the lead whose value is kept; else the root's, or what it lacks. "
        f"Fields: {', '.join(CHOICES)}.",
    )
    versions = serializers.DictField(
        child=serializers.IntegerField(min_value=1),
        required=False,
        help_text="By lead, the version that you decided by: with another one nothing is merged.",
    )

    def validate_versions(self, given: dict[str, int]) -> dict[uuid.UUID, int]:
        try:
            return {uuid.UUID(key): version for key, version in given.items()}
        except ValueError:
            raise serializers.ValidationError("The keys are ids of leads.") from None


class MergeSerializer(DecidedSerializer):
    """The leads that end in this one, and what is kept of each."""

    absorbed_ids = serializers.ListField(
        child=serializers.UUIDField(),
        min_length=1,
        max_length=merging.MOST,
        help_text="The leads that end in this one.",
    )


class MergedSerializer(serializers.ModelSerializer[Any]):
    root_id = serializers.UUIDField(help_text="The lead that goes on.")
    absorbed_ids = serializers.ListField(child=serializers.UUIDField(), source="absorbed")

    class Meta:
        model = MergeJournal
        fields = ("id", "root_id", "absorbed_ids", "made_at")
        read_only_fields = fields


class UnmergedSerializer(serializers.Serializer[Any]):
    kept = serializers.ListField(
        child=serializers.CharField(), help_text="What was changed since and so left as it is."
    )


class MergeView(ApiView):
    tag = "Verbs"

    @extend_schema(
        operation_id="leads_merge",
        summary="Merge other leads of the same person into this one",
        request=MergeSerializer,
        responses=MergedSerializer,
    )
    def post(self, request: Request, lead_id: uuid.UUID) -> Response:
        root = access.access_lead(self.membership, lead_id, need="merge")
        given = self.read(MergeSerializer)
        absorbed = given["absorbed_ids"]
        for other in dict.fromkeys(absorbed):
            access.access_lead(self.membership, other, need="merge")
        journal = merging.merge(
            root.pk,
            absorbed,
            by=self.actor,
            now=self.now,
            choices=given.get("choices"),
            versions=given.get("versions"),
        )
        return Response(MergedSerializer(journal).data)


class UndoMergeView(ApiView):
    tag = "Verbs"

    @extend_schema(
        operation_id="merges_undo",
        summary="Take a merge back, within 30 days",
        request=NothingSerializer,
        responses=UnmergedSerializer,
    )
    def post(self, request: Request, merge_id: uuid.UUID) -> Response:
        journal = access.access_merge(self.membership, merge_id, need="merge")
        self.read(NothingSerializer)
        undone = unmerging.undo(journal, by=self.actor, now=self.now)
        return Response(UnmergedSerializer({"kept": undone.kept}).data)
