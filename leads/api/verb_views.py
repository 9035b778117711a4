"""Each verb of the table as an action on one lead, and as one on many."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.access import NotAllowed, require
from leadcrm.workspaces.api.base import ApiView, versioned
from leads import access
from leads.api.problems import refused, told
from leads.api.serializers import LeadSerializer
from leads.api.verb_inputs import BulkSerializer
from leads.api.verbs import VERBS, Verb, do
from leads.batch import Missing, Refused, Result
from leads.models import Lead
from leads.models.activity import Lane


class WrittenSerializer(serializers.Serializer[Any]):
    """A log row that a verb wrote."""

    id = serializers.IntegerField()
    event = serializers.CharField()
    subject_type = serializers.CharField()
    subject_id = serializers.UUIDField(allow_null=True, help_text="Of the task, message …")


class DoneSerializer(serializers.Serializer[Any]):
    """The lead as it is now, and what was written into its log."""

    lead = LeadSerializer()
    activities = WrittenSerializer(many=True)


class VerbProblemSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField())
    )


class BulkResultSerializer(serializers.Serializer[Any]):
    lead_id = serializers.UUIDField()
    done = serializers.BooleanField()
    error = VerbProblemSerializer(allow_null=True)


class BulkAnswerSerializer(serializers.Serializer[Any]):
    results = BulkResultSerializer(many=True)


class VerbView(ApiView):
    """Does one verb to one lead."""

    tag = "Verbs"
    verb: ClassVar[Verb]

    def post(self, request: Request, lead_id: uuid.UUID) -> Response:
        lead = access.access_lead(self.membership, lead_id, need=self.verb.need)
        if self.verb.permit is not None:
            self.verb.permit(self.membership, lead, self.now)
        body = self.read(self.verb.body)
        (result,) = do(self.verb, [lead_id], body, by=self.actor, now=self.now, lane=Lane.LIVE)
        return answer_done(result)


def verb_view(verb: Verb) -> Any:
    """The view function of one verb of the table."""
    view: Any = type(f"{verb.path.title().replace('-', '')}View", (VerbView,), {"verb": verb})
    post = extend_schema(
        operation_id=f"leads_{verb.path.replace('-', '_')}",
        summary=verb.summary,
        request=verb.body,
        responses=DoneSerializer,
    )
    return extend_schema_view(post=post)(view).as_view()


def answer_done(result: Result) -> Response:
    """What a verb did to one lead; raises its refusal."""
    if result.refusal is not None:
        raise result.refusal
    lead = Lead.objects.select_related("stage").get(pk=result.lead_id)
    body = {
        "lead": LeadSerializer(lead, include=()).data,
        "activities": [
            {
                "id": row.pk,
                "event": row.event_name,
                "subject_type": row.subject_type,
                "subject_id": row.subject_id,
            }
            for row in result.activities
        ],
    }
    return versioned(body, lead.version)


class BulkView(ApiView):
    tag = "Verbs"

    @extend_schema(
        operation_id="leads_bulk",
        summary="Do a verb to up to 500 leads",
        description=f"Verbs: {', '.join(name for name, verb in VERBS.items() if verb.mass)}. "
        "Each lead has its own result: a refusal leaves that lead as it was.",
        request=BulkSerializer,
        responses=BulkAnswerSerializer,
    )
    def post(self, request: Request) -> Response:
        require(self.membership, "bulk")
        data = self.read(BulkSerializer)
        verb = VERBS.get(data["verb"])
        if verb is None or not verb.mass:
            raise ValidationError({"verb": ["There is no such verb for many leads."]})
        body = self._params(verb, data.get("params", {}))
        ids = list(dict.fromkeys(data["ids"]))
        kept = access.access_leads(self.membership, ids, need=verb.need)
        refusals = self._refusals(verb, kept)
        allowed = [lead_id for lead_id in kept if lead_id not in refusals]
        results = do(verb, allowed, body, by=self.actor, now=self.now, lane=Lane.BULK)
        told_of = {result.lead_id: result.refusal for result in results} | refusals
        return Response({"results": [_result(one, told_of.get(one, Missing())) for one in ids]})

    def _params(self, verb: Verb, params: dict[str, Any]) -> dict[str, Any]:
        body = verb.body(data=params, context=self.context())
        if not body.is_valid():
            raise ValidationError({"params": body.errors})
        return dict(body.validated_data)

    def _refusals(self, verb: Verb, ids: list[uuid.UUID]) -> dict[uuid.UUID, Refused | None]:
        """The leads with which the member may not do this verb, each with why."""
        if verb.permit is None:
            return {}
        found: dict[uuid.UUID, Refused | None] = {}
        for lead in Lead.objects.filter(pk__in=ids).select_related("owner"):
            try:
                verb.permit(self.membership, lead, self.now)
            except NotAllowed as error:
                found[lead.pk] = Refused(error.message, code="forbidden")
        return found


def _result(lead_id: uuid.UUID, refusal: Refused | None) -> dict[str, Any]:
    error = told(refused(refusal)) if refusal is not None else None
    return {"lead_id": lead_id, "done": refusal is None, "error": error}
