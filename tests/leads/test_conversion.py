"""Converting: once, only by its verb, with the deal it becomes."""

from decimal import Decimal

import pytest

from leads import conversion, editing, lifecycle
from leads.batch import Refused
from leads.conversion import DealTerms
from leads.lifecycle import Evidence, StageRefused
from leads.models import Activity, Contact, Deal, Lead, Stage
from leads.setup import add_pipeline
from tests.factories import make_lead


def convert(lead, me, now, **facts):
    (result,) = conversion.convert([lead.pk], by=me, now=now, **facts)
    if result.refusal:
        raise result.refusal
    return Lead.objects.for_detail().get(pk=lead.pk)


def qualified(me, now, **fields):
    lead = make_lead(**fields)
    lifecycle.contact([lead.pk], by=me, now=now)
    lifecycle.qualify([lead.pk], by=me, now=now)
    return Lead.objects.for_detail().get(pk=lead.pk)


def test_a_bant_lead_becomes_a_deal(acme, me, now):
    lead = qualified(me, now, pipeline=add_pipeline("bant"), budget=Decimal(50_000))
    lead = convert(lead, me, now)
    deal = Deal.objects.get()
    assert lead.deal_id == deal.pk
    assert (deal.name, deal.value, deal.currency) == (lead.display_name, Decimal(50_000), "USD")
    assert (deal.contact_id, deal.stage, deal.source_kind) == (
        lead.contact_id,
        "Prospecting",
        "website_form",
    )
    row = Activity.objects.filter(lead=lead, to_status="converted").get()
    assert (row.deal_id, row.subject_type, row.subject_id) == (deal.pk, "deal", deal.pk)
    assert row.data["budget"] == "50000.00"


def test_a_standard_lead_becomes_a_deal_only_where_asked(acme, me, now):
    assert convert(qualified(me, now), me, now).deal is None
    terms = DealTerms(name="Roof", value=Decimal("9.90"), currency="EUR")
    lead = convert(qualified(me, now), me, now, deal=terms)
    assert (lead.deal.name, lead.deal.value, lead.deal.currency) == ("Roof", Decimal("9.90"), "EUR")


def test_the_person_becomes_a_customer(acme, me, now):
    lead = convert(qualified(me, now), me, now)
    assert Contact.objects.get(pk=lead.contact_id).stage == "customer"


def test_converting_twice_is_refused_and_makes_one_deal(acme, me, now):
    lead = qualified(me, now, pipeline=add_pipeline("bant"))
    convert(lead, me, now)
    with pytest.raises(StageRefused, match="converted already"):
        convert(lead, me, now)
    assert Deal.objects.count() == 1


def test_a_lead_reopened_from_outside_keeps_its_one_deal(acme, me, now):
    lead = convert(qualified(me, now, pipeline=add_pipeline("bant")), me, now)
    stage = Stage.objects.get(pipeline=lead.pipeline, key="qualified")
    lifecycle.observe(
        [lead.pk], stage=stage, evidence=Evidence("1", now, "hubspot"), by=me, now=now
    )
    again = convert(lead, me, now)
    assert again.status == "converted"
    assert Deal.objects.get().pk == again.deal_id == lead.deal_id


def test_a_lost_lead_is_not_converted(acme, me, now):
    lead = qualified(me, now)
    lifecycle.close([lead.pk], reason="price", by=me, now=now)
    with pytest.raises(StageRefused, match="lost lead can't be converted"):
        convert(lead, me, now)


def test_the_graph_and_required_fields_hold(acme, me, now):
    with pytest.raises(StageRefused, match="New doesn't lead to Converted"):
        convert(make_lead(), me, now)
    Stage.objects.filter(key="converted").update(required_fields=["budget"])
    with pytest.raises(StageRefused, match="Converted needs budget"):
        convert(qualified(me, now), me, now)


def test_a_conversion_needs_a_person_and_giving_an_address_makes_one(acme, me, now):
    lead = qualified(me, now, values={"display_name": "Somebody"})
    assert lead.contact_id is None
    with pytest.raises(StageRefused, match="needs a person") as refused:
        convert(lead, me, now)
    assert refused.value.field == "contact"
    editing.edit([lead.pk], {"email": "some@body.example"}, by=me, now=now)
    lead = convert(lead, me, now)
    assert lead.contact.email == "some@body.example"


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (DealTerms(name="x" * 201), "name"),
        (DealTerms(value=Decimal(-1)), "value"),
        (DealTerms(value=Decimal(10) ** 13), "value"),
        (DealTerms(value=Decimal("NaN")), "value"),
        (DealTerms(currency="dollars"), "currency"),
    ],
)
def test_terms_that_do_not_fit_are_refused(acme, me, now, terms, field):
    lead = qualified(me, now)
    with pytest.raises(Refused) as refused:
        convert(lead, me, now, deal=terms)
    assert refused.value.field == field
    assert not Deal.objects.exists()


def test_a_conversion_of_many_says_what_became_of_each(acme, me, now):
    good, bad = qualified(me, now), make_lead()
    results = conversion.convert([bad.pk, good.pk], by=me, now=now)
    assert [(r.lead_id, r.done) for r in results] == [(bad.pk, False), (good.pk, True)]
