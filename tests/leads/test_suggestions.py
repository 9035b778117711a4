"""Who may overwrite whom, and what a lower rank would have written."""

from dataclasses import replace
from datetime import timedelta

import pytest

from leadcrm.workspaces.actors import Actor, Rank
from leads import editing
from leads.batch import run_one
from leads.editing import EditRefused
from leads.models import Activity, ContactKey, FieldSuggestion, Lead
from tests.factories import make_lead

HOUR = timedelta(hours=1)
RANKS = list(Rank)


def fresh(lead):
    return Lead.objects.for_detail().get(pk=lead.pk)


def write(lead, rank, now, source="Other", **values):
    """What a source of this rank says about a lead."""
    by = Actor.system("sync", rank=rank)
    cleaned = editing.clean(values)
    run_one(
        lead.pk,
        lambda change: editing.apply(change, cleaned, rank=rank, source=source),
        by=by,
        now=now,
    )
    return fresh(lead)


@pytest.fixture
def lead(acme):
    return make_lead(phone="")


@pytest.mark.parametrize("incoming", RANKS)
@pytest.mark.parametrize("held", RANKS)
def test_who_may_overwrite_whom(lead, now, held, incoming):
    write(lead, held, now, job_title="held")
    lead = write(lead, incoming, now, job_title="incoming")
    overwrites = incoming >= held and incoming > Rank.PROSPECT
    assert lead.job_title == ("incoming" if overwrites else "held")
    assert FieldSuggestion.objects.filter(lead=lead, field="job_title").exists() != overwrites


@pytest.mark.parametrize("incoming", RANKS)
def test_blanks_are_filled_by_anybody(lead, now, incoming):
    assert write(lead, incoming, now, job_title="CEO").job_title == "CEO"
    assert not FieldSuggestion.objects.exists()


@pytest.mark.parametrize("incoming", RANKS)
def test_a_blank_that_a_person_set_counts_as_set(lead, me, now, incoming):
    editing.edit([lead.pk], {"job_title": "CEO"}, by=me, now=now)
    editing.edit([lead.pk], {"job_title": ""}, by=me, now=now)
    lead = write(lead, incoming, now, job_title="incoming")
    is_person = incoming is Rank.PERSON
    assert lead.job_title == ("incoming" if is_person else "")
    assert FieldSuggestion.objects.exists() != is_person


@pytest.mark.parametrize("incoming", [rank for rank in RANKS if rank < Rank.PERSON])
def test_a_blank_overwrites_nothing(lead, now, incoming):
    write(lead, incoming, now, job_title="CEO")
    assert write(lead, incoming, now, job_title="").job_title == "CEO"
    assert not FieldSuggestion.objects.exists()


@pytest.mark.parametrize(
    ("kind", "rank"),
    [("manual", Rank.PERSON), ("hubspot", Rank.HUBSPOT), ("import", Rank.IMPORT),
     ("api", Rank.IMPORT), ("website_form", Rank.PROSPECT), ("phone", Rank.PROSPECT)],
)  # fmt: skip
def test_what_the_creating_source_set_has_its_rank(acme, now, kind, rank):
    lead = make_lead(source_kind=kind, source=None, job_title="given")
    for incoming in (Rank.IMPORT, Rank.HUBSPOT, Rank.PERSON):
        other = write(lead, incoming, now, source=str(incoming), job_title=f"by {incoming}")
        if incoming >= rank:
            assert other.job_title == f"by {incoming}"
            break
        assert other.job_title == "given"


def test_tokens_rank_as_they_are_told(lead, me, now):
    editing.edit([lead.pk], {"job_title": "by a person"}, by=me, now=now)
    machine = replace(me, rank=Rank.IMPORT)
    editing.edit([lead.pk], {"job_title": "by a machine"}, by=machine, now=now)
    assert fresh(lead).job_title == "by a person"


def test_a_suggestion_is_one_per_lead_field_and_source(lead, me, now):
    editing.edit([lead.pk], {"job_title": "CEO"}, by=me, now=now)
    for value, source in (("A", "one"), ("B", "one"), ("B", "one"), ("B", "two")):
        write(lead, Rank.IMPORT, now, source=source, job_title=value)
    rows = FieldSuggestion.objects.order_by("source").values_list("source", "value")
    assert list(rows) == [("one", "B"), ("two", "B")]


@pytest.mark.parametrize("accept", [True, False])
def test_what_was_decided_is_not_asked_again_for_the_same_value(lead, me, now, accept):
    editing.edit([lead.pk], {"job_title": "CEO"}, by=me, now=now)
    write(lead, Rank.IMPORT, now, job_title="CTO")
    editing.decide_suggestion(FieldSuggestion.objects.get(), accept=accept, by=me, now=now)
    editing.edit([lead.pk], {"job_title": "Boss"}, by=me, now=now)
    write(lead, Rank.IMPORT, now, job_title="CTO")
    assert FieldSuggestion.objects.get().accepted is accept
    write(lead, Rank.IMPORT, now, job_title="CFO")
    again = FieldSuggestion.objects.get()
    assert (again.value, again.decided_at, again.accepted) == ("CFO", None, None)


def test_accepting_sets_the_value_as_the_person_who_decides(lead, me, now):
    editing.edit([lead.pk], {"job_title": "CEO"}, by=me, now=now)
    write(lead, Rank.IMPORT, now, job_title="CTO")
    editing.decide_suggestion(FieldSuggestion.objects.get(), accept=True, by=me, now=now + HOUR)
    lead = fresh(lead)
    assert lead.job_title == "CTO"
    assert lead.provenance["job_title"]["rank"] == Rank.PERSON
    kinds = Activity.objects.filter(lead=lead).values_list("kind", flat=True)
    assert "suggestion_decided" in kinds


def test_dismissing_changes_nothing_but_the_suggestion(lead, me, now):
    editing.edit([lead.pk], {"job_title": "CEO"}, by=me, now=now)
    write(lead, Rank.IMPORT, now, job_title="CTO")
    editing.decide_suggestion(FieldSuggestion.objects.get(), accept=False, by=me, now=now)
    assert fresh(lead).job_title == "CEO"
    with pytest.raises(EditRefused, match="decided already"):
        editing.decide_suggestion(FieldSuggestion.objects.get(), accept=True, by=me, now=now)


def test_an_accepted_address_becomes_the_persons(lead, me, now):
    editing.edit([lead.pk], {"email": "mine@berg.example"}, by=me, now=now)
    write(lead, Rank.PROSPECT, now, email="theirs@berg.example")
    editing.decide_suggestion(FieldSuggestion.objects.get(), accept=True, by=me, now=now)
    assert fresh(lead).email == fresh(lead).contact.email == "theirs@berg.example"
    assert ContactKey.objects.filter(value="theirs@berg.example").exists()


def test_a_suggestion_that_cannot_be_set_stays_open(lead, me, now):
    suggestion = FieldSuggestion.objects.create(
        lead=lead, field="budget", source="x", value="a lot", suggested_at=now
    )
    with pytest.raises(EditRefused):
        editing.decide_suggestion(suggestion, accept=True, by=me, now=now)
    suggestion.refresh_from_db()
    assert suggestion.decided_at is None
    editing.decide_suggestion(suggestion, accept=False, by=me, now=now)


def test_a_repeat_enquiry_only_suggests_what_differs(acme, me, now):
    lead = make_lead(job_title="CEO", company_name="")
    make_lead(email=lead.email, job_title="Owner", company_name="Berg", now=now + HOUR)
    lead = fresh(lead)
    assert (lead.job_title, lead.company_name) == ("CEO", "Berg")
    assert list(
        FieldSuggestion.objects.filter(field="job_title").values_list("value", flat=True)
    ) == ["Owner"]
