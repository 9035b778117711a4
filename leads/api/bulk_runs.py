"""Bulk runs: a verb done to up to 100,000 leads in the background, looked at and taken back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.access import NotAllowed, require
from leadcrm.workspaces.api.base import LARGEST_PAGE, PAGE_SIZE, ApiView, whole
from leadcrm.workspaces.api.fields import link_id
from leadcrm.workspaces.api.schema import page_of_schema, paging_parameters
from leadcrm.workspaces.api.shown import ShownSerializer
from leadcrm.workspaces.models import ApiToken
from leadcrm.workspaces.paging import BadCursor, Order, orders, pack, unpack
from leads import bulk, bulk_results
from leads.access import visible_leads
from leads.api.bulk_inputs import RunCreateSerializer, read_params
from leads.api.lead_filters import filter_names, filtered_leads
from leads.api.verb_inputs import NothingSerializer
from leads.bulk_verbs import BULK_VERBS
from leads.models import BulkRun, Lead

NEWEST = orders(Order("-started_at", "started_at", descending=True))
REASONED = (bulk_results.REFUSED, bulk_results.KEPT)


class BulkRunSerializer(ShownSerializer[BulkRun]):
    started_by_id = link_id()
    done = serializers.IntegerField(help_text="Leads that it was done to.")

    class Meta:
        model = BulkRun
        fields: ClassVar = (
            "id", "verb", "said", "state", "total", "position", "done", "refused", "kept",
            "started_by_id", "started_at", "ended_at",
        )  # fmt: skip
        read_only_fields = fields


class BulkRunDetailSerializer(BulkRunSerializer):
    may_undo = serializers.BooleanField()

    class Meta(BulkRunSerializer.Meta):
        fields: ClassVar[Any] = (*BulkRunSerializer.Meta.fields, "may_undo")
        read_only_fields: Any = fields


class StartedSerializer(BulkRunDetailSerializer):
    missing = serializers.IntegerField(
        help_text="How many of the ids are not there, or not yours to do this to."
    )

    class Meta(BulkRunDetailSerializer.Meta):
        fields: ClassVar[Any] = (*BulkRunDetailSerializer.Meta.fields, "missing")
        read_only_fields: Any = fields


class LeadResultSerializer(serializers.Serializer[Any]):
    lead_id = serializers.UUIDField()
    result = serializers.ChoiceField(bulk_results.RESULTS)
    reason = serializers.CharField(help_text="Why it was refused, or kept by the undo.")


class BulkRunListView(ApiView):
    tag = "Bulk runs"

    @extend_schema(
        operation_id="bulk_runs_list",
        summary="List your bulk runs, newest first; for admins everybody's",
        parameters=paging_parameters(NEWEST),
        responses=page_of_schema(BulkRunSerializer),
    )
    def get(self, request: Request) -> Response:
        return self.page(
            bulk.visible_runs(self.membership),
            NEWEST,
            lambda rows: list(BulkRunSerializer(rows, many=True).data),
        )

    @extend_schema(
        operation_id="bulk_runs_create",
        summary="Do a verb to many leads, or to all that a filter finds",
        description=f"Up to {bulk.MOST:,} leads. Up to {bulk.AT_ONCE} are done at once; for more, "
        "ask for the run until its state is `done`. A run acts as the member who starts it, so "
        "tokens that rank as an integration start none.",
        request=RunCreateSerializer,
        responses={201: StartedSerializer},
    )
    def post(self, request: Request) -> Response:
        require(self.membership, "bulk")
        _require_person(self.actor.token)
        data = self.read(RunCreateSerializer)
        verb = BULK_VERBS[data["verb"]]
        require(self.membership, verb.need)
        values, said = read_params(
            verb.key, data.get("params", {}), self.membership, self.context()
        )
        leads = self._leads(data)
        number = bulk.number_of(leads, verb, self.membership)
        _require_expected(number, data.get("expected"))
        run = bulk.start(leads, verb, values, said=said, by=self.membership, now=self.now)
        missing = len(set(data["ids"])) - run.total if "ids" in data else 0
        return Response({**_detail(run, self.now), "missing": missing}, status=201)

    def _leads(self, data: dict[str, Any]) -> QuerySet[Lead]:
        if "ids" in data:
            return visible_leads(self.membership).filter(pk__in=data["ids"], merged_into=None)
        params = data["filter"]
        unknown = sorted(set(params) - set(filter_names(params)))
        if unknown:
            told = {name: ["There is no such parameter."] for name in unknown}
            raise ValidationError({"filter": told})
        try:
            found, _ = filtered_leads(self.membership, params, self.now)
        except ValidationError as error:
            raise ValidationError({"filter": error.detail}) from None
        return found.filter(merged_into=None)


class BulkRunView(ApiView):
    tag = "Bulk runs"

    @extend_schema(
        operation_id="bulk_runs_retrieve",
        summary="Read how far a bulk run is",
        responses=BulkRunDetailSerializer,
    )
    def get(self, request: Request, run_id: uuid.UUID) -> Response:
        self.refuse_unknown(set())
        return Response(_detail(bulk.access_run(self.membership, run_id), self.now))


class BulkResultsView(ApiView):
    tag = "Bulk runs"

    @extend_schema(
        operation_id="bulk_runs_results",
        summary="Page through what became of each lead of a run",
        parameters=[
            OpenApiParameter(
                "result", str, enum=REASONED, description="Only those, with their reasons."
            ),
            *paging_parameters({}),
        ],
        responses=page_of_schema(LeadResultSerializer),
    )
    def get(self, request: Request, run_id: uuid.UUID) -> Response:
        self.refuse_unknown({"result", "cursor", "page_size"})
        run = bulk.access_run(self.membership, run_id)
        params = request.query_params
        size = whole(params.get("page_size"), "page_size", PAGE_SIZE, LARGEST_PAGE)
        cursor, result = params.get("cursor", ""), params.get("result", "")
        rows: list[bulk_results.LeadResult]
        if result and result not in REASONED:
            raise ValidationError({"result": [f"Choose one of {', '.join(REASONED)}."]})
        if result:
            after = (_place(cursor, 2), str(unpack(cursor, 2)[1])) if cursor else (0, "")
            rows, place = bulk_results.reasons(run, result, after, size)
            more = pack(list(place)) if place else None
        else:
            start = _place(cursor, 1) if cursor else 0
            rows, then = bulk_results.results(run, start, size)
            more = pack([then]) if then is not None else None
        shown: Any = LeadResultSerializer(rows, many=True)
        return Response({"results": shown.data, "next_cursor": more})


class RunStepView(ApiView):
    """Stops a run or takes it back."""

    tag = "Bulk runs"
    step: ClassVar[Callable[..., BulkRun]]

    def post(self, request: Request, run_id: uuid.UUID) -> Response:
        run = bulk.access_run(self.membership, run_id)
        self.read(NothingSerializer)
        return Response(_detail(type(self).step(run, self.now), self.now))


def run_view(name: str, summary: str, step: Callable[..., BulkRun]) -> Any:
    """The view function of one step."""
    view: Any = type(f"Run{name.title()}View", (RunStepView,), {"step": staticmethod(step)})
    post = extend_schema(
        operation_id=f"bulk_runs_{name}",
        summary=summary,
        request=NothingSerializer,
        responses=BulkRunDetailSerializer,
    )
    return extend_schema_view(post=post)(view).as_view()


def _require_person(token: ApiToken | None) -> None:
    """What a run writes ranks as its member's own, which is more than an integration may."""
    if token is not None and token.ranks_as != ApiToken.RanksAs.PERSON:
        raise NotAllowed("This token ranks as an integration, and a run acts as a person.")


def _require_expected(number: int, expected: int | None) -> None:
    if expected is None and number <= bulk.NAMED_ABOVE:
        return
    if expected != number:
        said = f"There are {number} leads. Give that number to go on."
        raise ValidationError({"expected": [said]})


def _detail(run: BulkRun, now: datetime) -> dict[str, Any]:
    return {**BulkRunSerializer(run).data, "may_undo": bulk.may_undo(run, now)}


def _place(cursor: str, length: int) -> int:
    place = unpack(cursor, length)[0]
    if type(place) is not int or not 0 <= place <= bulk.MOST:
        raise BadCursor
    return place
