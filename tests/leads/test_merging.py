from datetime import timedelta

import pytest

from leads import lifecycle, merging, timeline, unmerging
from leads.models import Contact, ContactKey, Lead, Task
from tests.factories import NOW, make_lead

LATER = NOW + timedelta(hours=2)


@pytest.fixture
def pair(acme):
    """The same person twice: once by e-mail, once by phone."""
    root = make_lead(display_name="Bo Li", email="bo@one.example")
    other = make_lead(display_name="Bo", email="", phone="+14155552671", job_title="CTO")
    return root, other


def fresh(lead):
    return Lead.objects.for_detail().get(pk=lead.pk)


def test_the_root_gets_what_it_lacks_and_the_other_points_to_it(pair, me, now):
    root, other = pair
    merging.merge(root.pk, [other.pk], by=me, now=LATER)
    root, other = fresh(root), fresh(other)
    assert (root.display_name, root.phone, root.job_title) == ("Bo Li", "+14155552671", "CTO")
    assert other.merged_into == root
    assert other.archived_at == LATER
    assert other not in Lead.objects.present()


def test_the_people_become_one_with_all_their_keys(pair, me):
    root, other = pair
    merging.merge(root.pk, [other.pk], by=me, now=LATER)
    values = ContactKey.objects.filter(contact=root.contact).values_list("value", flat=True)
    assert set(values) == {"bo@one.example", "+14155552671"}
    gone = Contact.objects.get(pk=other.contact_id)
    assert gone.merged_into == root.contact


def test_tasks_and_messages_move_and_the_timeline_reads_both(pair, me):
    root, other = pair
    timeline.add_task([other.pk], title="Send offer", due_at=LATER, by=me, now=NOW)
    timeline.add_note([other.pk], body="Prefers mail", by=me, now=NOW)
    merging.merge(root.pk, [other.pk], by=me, now=LATER)
    assert Task.objects.get().lead == root
    kinds = [row.kind for row in timeline.timeline(fresh(root))]
    assert kinds.count("lead_created") == 2
    assert "note_added" in kinds
    assert fresh(root).work_due_at is not None


def test_leads_of_nobody_keep_their_history_too(acme, me):
    root, other = (make_lead(email="", phone="", display_name=name) for name in "AB")
    assert (root.contact_id, other.contact_id) == (None, None)
    merging.merge(root.pk, [other.pk], by=me, now=LATER)
    kinds = [row.kind for row in timeline.timeline(fresh(root))]
    assert kinds.count("lead_created") == 2


def test_milestones_keep_the_earliest(pair, me):
    root, other = pair
    lifecycle.qualify([other.pk], by=me, now=NOW + timedelta(minutes=5))
    lifecycle.qualify([root.pk], by=me, now=NOW + timedelta(minutes=9))
    merging.merge(root.pk, [other.pk], by=me, now=LATER)
    assert fresh(root).qualified_at == NOW + timedelta(minutes=5)


def test_an_enquiry_of_the_merged_person_lands_on_the_root(pair, me):
    root, other = pair
    merging.merge(root.pk, [other.pk], by=me, now=LATER)
    again = make_lead(display_name="Bo", email="", phone="+14155552671", now=LATER)
    assert again.pk == root.pk


def test_undo_restores_everything(pair, me):
    root, other = pair
    timeline.add_task([other.pk], title="Send offer", due_at=LATER, by=me, now=NOW)
    before = {lead.pk: fresh(lead) for lead in pair}
    journal = merging.merge(root.pk, [other.pk], by=me, now=LATER)
    undone = unmerging.undo(journal, by=me, now=LATER + timedelta(days=1))
    assert undone.kept == []
    for lead in pair:
        now_, was = fresh(lead), before[lead.pk]
        for name in (
            "display_name",
            "phone",
            "job_title",
            "contact_id",
            "archived_at",
            "merged_into_id",
            "attempt_count",
        ):
            assert getattr(now_, name) == getattr(was, name), name
    assert Task.objects.get().lead == other
    key = ContactKey.objects.get(value="+14155552671")
    assert key.contact_id == before[other.pk].contact_id
    assert Contact.objects.filter(archived_at=None).count() == 2


def test_undo_keeps_what_a_person_changed_since_and_says_so(pair, me):
    from leads import editing

    root, other = pair
    journal = merging.merge(root.pk, [other.pk], by=me, now=LATER)
    editing.edit([root.pk], {"job_title": "CEO"}, by=me, now=LATER)
    undone = unmerging.undo(journal, by=me, now=LATER + timedelta(days=1))
    assert undone.kept == ["job title: changed since", "the person's job title: changed since"]
    assert fresh(root).job_title == "CEO"
    assert fresh(other).merged_into is None


def test_undo_is_refused_after_thirty_days_and_twice(pair, me):
    root, other = pair
    journal = merging.merge(root.pk, [other.pk], by=me, now=LATER)
    with pytest.raises(merging.MergeRefused, match="30 days"):
        unmerging.undo(journal, by=me, now=LATER + timedelta(days=31))
    unmerging.undo(journal, by=me, now=LATER)
    with pytest.raises(merging.MergeRefused, match="already"):
        unmerging.undo(journal, by=me, now=LATER)


@pytest.mark.parametrize("state", ["merged", "removed", "itself"])
def test_what_cannot_be_merged_is_refused_and_changes_nothing(pair, me, state):
    from leads import archiving

    root, other = pair
    third = make_lead()
    if state == "merged":
        merging.merge(third.pk, [other.pk], by=me, now=LATER)
    if state == "removed":
        archiving.archive([other.pk], by=me, now=LATER)
    version = fresh(root).version
    with pytest.raises(merging.MergeRefused):
        merging.merge(root.pk, [root.pk if state == "itself" else other.pk], by=me, now=LATER)
    assert fresh(root).version == version


def test_merging_into_a_merged_chain_always_points_at_the_root(pair, me):
    root, other = pair
    third = make_lead()
    merging.merge(other.pk, [third.pk], by=me, now=LATER)
    merging.merge(root.pk, [other.pk], by=me, now=LATER)
    assert fresh(third).merged_into == root


@pytest.mark.parametrize("nameless_is_root", [True, False])
def test_a_lead_without_a_person_gets_the_others_and_gives_it_back(acme, me, nameless_is_root):
    nameless, named = make_lead(email="", display_name="Walk-in"), make_lead()
    root, other = (nameless, named) if nameless_is_root else (named, nameless)
    journal = merging.merge(root.pk, [other.pk], by=me, now=LATER)
    assert fresh(nameless).contact_id == named.contact_id
    kinds = [row.kind for row in timeline.timeline(fresh(root))]
    assert kinds.count("lead_created") == 2
    assert unmerging.undo(journal, by=me, now=LATER).kept == []
    assert fresh(nameless).contact_id is None
    assert fresh(named).contact_id == named.contact_id
