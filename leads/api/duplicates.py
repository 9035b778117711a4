"""The queue of possible duplicates: pairs with why, and what is decided about each."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.api.base import ApiView
from leadcrm.workspaces.api.fields import link_id
from leadcrm.workspaces.api.schema import page_of_schema, paging_parameters
from leadcrm.workspaces.api.shown import ShownSerializer
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.paging import Order, orders
from leads import duplicates, pairs
from leads.api.leads import StubSerializer
from leads.api.merges import DecidedSerializer, MergedSerializer
from leads.api.serializers import LeadSerializer
from leads.api.verb_inputs import NothingSerializer
from leads.models import DuplicatePair, Lead
from leads.pairs import LINKS, PEOPLE, access_pair

STAGES = ("open", "suggested", "distinct", "merged")
SUREST = orders(Order("-score", "score", descending=True))
LATEST = orders(Order("-seen_at", "seen_at", descending=True))


class SideSerializer(serializers.Serializer[Any]):
    """A lead, or where you may not see it, whom to ask for it."""

    lead = LeadSerializer(allow_null=True)
    stub = StubSerializer(allow_null=True)
    version = serializers.IntegerField(
        allow_null=True,
        help_text="For `versions`: of the lead, or where people merge, of the person.",
    )


class PairSerializer(ShownSerializer[DuplicatePair]):
    suggested_by_id = link_id()
    decided_by_id = link_id()
    merge_id = link_id()
    score = serializers.IntegerField(help_text="How alike, in percent.")

    class Meta:
        model = DuplicatePair
        fields: ClassVar = (
            "id", "about", "state", "score", "reasons", "found_at", "suggested_by_id",
            "suggested_at", "decided_by_id", "decided_at", "merge_id",
        )  # fmt: skip
        read_only_fields = fields


class PairDetailSerializer(PairSerializer):
    """Two that may be the same."""

    why = serializers.ListField(child=serializers.CharField(), help_text="The surest first.")
    sides = SideSerializer(many=True, help_text="The older lead first: it is kept by default.")
    merges = serializers.ChoiceField(
        ["leads", "people"], help_text="As what they merge: as leads while both are open."
    )
    may_merge = serializers.BooleanField()
    may_suggest = serializers.BooleanField()

    class Meta(PairSerializer.Meta):
        fields: ClassVar[Any] = (
            *PairSerializer.Meta.fields, "why", "sides", "merges", "may_merge", "may_suggest",
        )  # fmt: skip
        read_only_fields: Any = fields


class MergePairSerializer(DecidedSerializer):
    """Which of the two goes on, and what is kept of each."""

    keep_id = serializers.UUIDField(
        required=False, help_text="The lead that goes on, or whose person does; else the older."
    )


class PairListView(ApiView):
    tag = "Duplicates"

    @extend_schema(
        operation_id="duplicates_list",
        summary="List pairs that may be the same, the surest first",
        parameters=[
            OpenApiParameter(
                "state",
                str,
                enum=STAGES,
                description="`open` when left out; `suggested` are those of them that a colleague "
                "asks to merge.",
            ),
            *paging_parameters({}),
        ],
        responses=page_of_schema(PairDetailSerializer),
    )
    def get(self, request: Request) -> Response:
        state = request.query_params.get("state") or "open"
        if state not in STAGES:
            raise ValidationError({"state": [f"Choose one of {', '.join(STAGES)}."]})
        return self.page(
            pairs.pairs_at(self.membership, state).select_related(*LINKS, *PEOPLE),
            LATEST if state in ("distinct", "merged") else SUREST,
            lambda rows: [_shown(row, self.membership) for row in rows],
            known=("state",),
        )


class PairView(ApiView):
    tag = "Duplicates"

    @extend_schema(
        operation_id="duplicates_retrieve", summary="Read a pair", responses=PairDetailSerializer
    )
    def get(self, request: Request, pair_id: uuid.UUID) -> Response:
        self.refuse_unknown(set())
        return Response(_shown(access_pair(self.membership, pair_id), self.membership))


class MergePairView(ApiView):
    tag = "Duplicates"

    @extend_schema(
        operation_id="duplicates_merge",
        summary="Merge the two of a pair",
        description="Leads, while both are open; else people with their open leads. `choices` and "
        "`versions` name the pair's leads in either case.",
        request=MergePairSerializer,
        responses=MergedSerializer,
    )
    def post(self, request: Request, pair_id: uuid.UUID) -> Response:
        pair = access_pair(self.membership, pair_id, need="merge")
        given = self.read(MergePairSerializer)
        journal = pairs.merge(
            pair,
            keep=given.get("keep_id") or pairs.sides_of(pair)[0].lead.pk,
            by=self.actor,
            now=self.now,
            choices=given.get("choices"),
            versions=given.get("versions"),
        )
        return Response(MergedSerializer(journal).data)


class DecisionView(ApiView):
    """Decides about a pair."""

    tag = "Duplicates"
    verb: ClassVar[Callable[..., DuplicatePair]]

    def post(self, request: Request, pair_id: uuid.UUID) -> Response:
        pair = access_pair(self.membership, pair_id, need="merge")
        self.read(NothingSerializer)
        type(self).verb(pair, by=self.actor, now=self.now)
        return Response(_shown(access_pair(self.membership, pair_id), self.membership))


def decision_view(name: str, summary: str, verb: Callable[..., DuplicatePair]) -> Any:
    """The view function of one decision."""
    view: Any = type(f"{name.title()}View", (DecisionView,), {"verb": staticmethod(verb)})
    post = extend_schema(
        operation_id=f"duplicates_{name}",
        summary=summary,
        request=NothingSerializer,
        responses=PairDetailSerializer,
    )
    return extend_schema_view(post=post)(view).as_view()


class SuggestView(ApiView):
    tag = "Duplicates"

    @extend_schema(
        operation_id="duplicates_suggest",
        summary="Suggest to whoever may that two be merged",
        request=NothingSerializer,
        responses=PairDetailSerializer,
    )
    def post(self, request: Request, pair_id: uuid.UUID) -> Response:
        pair = access_pair(self.membership, pair_id, need="suggest_merge")
        self.read(NothingSerializer)
        duplicates.suggest(pair.first_lead, pair.second_lead, by=self.actor, now=self.now)
        return Response(_shown(access_pair(self.membership, pair_id), self.membership))


def _shown(pair: Any, membership: Membership) -> dict[str, Any]:
    sides = pairs.sides_of(pair)
    as_people = pairs.merges_people(*(side.lead for side in sides))
    return {
        **PairSerializer(pair).data,
        "why": pairs.reason_labels(pair.reasons),
        "sides": [_side(side, as_people=as_people) for side in sides],
        "merges": "people" if as_people else "leads",
        "may_merge": pairs.may_decide(pair, membership, "merge"),
        "may_suggest": pairs.may_decide(pair, membership, "suggest_merge"),
    }


def _side(side: pairs.Side, *, as_people: bool) -> dict[str, Any]:
    lead: Lead = side.lead
    if not side.is_seen:
        holder = lead.owner or lead.team
        stub = {
            "display_name": lead.display_name,
            "owner": holder.name if holder else None,
            "stage": lead.stage.label,
        }
        return {"lead": None, "stub": stub, "version": None}
    whose = lead.contact if as_people and lead.contact else lead
    return {"lead": LeadSerializer(lead, include=()).data, "stub": None, "version": whose.version}
