"""The bare views. Each does the one thing that its product page is about, and nothing else."""

import json
from functools import cache

from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from integrations.models import InboundEvent
from leadcrm.workspaces.models import IdempotencyKey, Membership
from leadcrm.workspaces.scoping import workspace_scope
from leads.models import Activity, Contact, ContactKey, Lead, Source, Stage
from tests.benchmarks.floor.models import BareActivity, BareContact, BareLead, BareSearch

ROWS = 50
JSON_COLUMNS = [field.attname for field in BareLead._meta.fields]


def empty(request):
    return HttpResponse("")


def lead_list(request, tenant):
    leads = BareLead.objects.filter(tenant=tenant, status=request.GET["status"])
    return render(request, "floor/list.html", {"leads": leads.order_by("-created_at")[:ROWS]})


def search(request, tenant):
    found = BareSearch.objects.filter(tenant=tenant)
    for word in request.GET["q"].split():
        found = found.filter(text__contains=word)
    rows = found.select_related("lead").order_by("-created_at")[:ROWS]
    return render(request, "floor/list.html", {"leads": [row.lead for row in rows]})


def detail(request, lead):
    lead = get_object_or_404(BareLead, pk=lead)
    rows = BareActivity.objects.filter(lead=lead)[:ROWS]
    return render(request, "floor/detail.html", {"lead": lead, "activities": rows})


def contact(request, contact):
    """The person, their addresses and enquiries, and what was said with them."""
    found = get_object_or_404(BareContact, pk=contact)
    leads = list(found.leads.order_by("-created_at")[:ROWS])
    rows = BareActivity.objects.filter(lead__in=[lead.pk for lead in leads])[:ROWS]
    context = {"contact": found, "keys": found.keys.all(), "leads": leads, "activities": rows}
    return render(request, "floor/contact.html", context)


def api_list(request, tenant):
    leads = BareLead.objects.filter(tenant=tenant).order_by("-created_at")
    return JsonResponse({"results": list(leads.values(*JSON_COLUMNS)[:ROWS])})


def api_retrieve(request, lead):
    """The lead and its latest log rows, as the product's endpoint gives them."""
    rows = BareActivity.objects.filter(lead=lead).values()
    found = BareLead.objects.values(*JSON_COLUMNS).get(pk=lead)
    return JsonResponse({**found, "activities": list(rows[:ROWS])})


@csrf_exempt
def api_update(request, tenant, lead):
    values = json.loads(request.body)
    with workspace_scope(tenant), transaction.atomic():
        row = Lead.objects.select_for_update().only("version", *values).get(pk=lead)
        row.version += 1
        for name, value in values.items():
            setattr(row, name, value)
        row.save(update_fields=["version", *values])
        _log(row, "fields_changed", values)
    return JsonResponse({"id": row.pk, **values})


@csrf_exempt
def capture(request, tenant):
    """Idempotency key, upsert of the person, the lead and its log row, in one transaction."""
    values = json.loads(request.body)
    with workspace_scope(tenant), transaction.atomic():
        member, stage, _ = _settings(tenant)
        IdempotencyKey.objects.create(
            membership_id=member, key=request.headers["Idempotency-Key"], fingerprint="", status=201
        )
        contact = Contact.objects.create(display_name=values["name"])
        ContactKey.objects.bulk_create(
            [ContactKey(kind="email", value=values["email"], contact=contact)],
            update_conflicts=True,
            unique_fields=["workspace", "kind", "value"],
            update_fields=["value"],
        )
        lead = Lead.objects.create(
            display_name=values["name"],
            email=values["email"],
            message=values["message"],
            contact=contact,
            stage=stage,
            pipeline_id=stage.pipeline_id,
        )
        _log(lead, "lead_created", {})
    return JsonResponse({"id": lead.pk}, status=201)


@cache
def _settings(tenant):
    """What a bare application would have as constants: a member, the first stage, a source."""
    return (
        Membership.objects.values_list("pk", flat=True).first(),
        Stage.objects.filter(status="new").first(),
        Source.objects.values_list("pk", flat=True).first(),
    )


@csrf_exempt
def store(request, tenant):
    """The payload in one INSERT, as the product's form endpoint keeps it."""
    with workspace_scope(tenant):
        InboundEvent.objects.create(
            source_id=_settings(tenant)[2],
            provider="bare",
            dedupe_key=request.headers["Idempotency-Key"],
            body=request.body,
            state=InboundEvent.State.DONE,
        )
    return JsonResponse({"status": "received"}, status=202)


def _log(lead, kind, data):
    Activity.objects.create(
        lead=lead,
        contact_id=lead.contact_id,
        kind=kind,
        occurred_at=timezone.now(),
        actor_kind="system",
        via="bare",
        lane="backfill",
        data=data,
    )
