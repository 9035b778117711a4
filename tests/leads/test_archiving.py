"""Removing and restoring; letting a lead in review stand."""

from datetime import timedelta

from leads import archiving, lifecycle
from leads.models import Activity, Lead
from tests.factories import make_lead

HOUR = timedelta(hours=1)


def fresh(lead):
    return Lead.objects.for_detail().get(pk=lead.pk)


def test_a_removed_lead_is_out_of_sight_and_kept(acme, me, now):
    lead = make_lead()
    archiving.archive([lead.pk], reason="Double", by=me, now=now)
    archived = fresh(lead)
    assert (archived.archived_at, archived.archive_reason) == (now, "Double")
    assert (archived.work_due_at, archived.auto_close_at) == (None, None)
    assert archived.version == lead.version + 1
    assert not Lead.objects.present().exists()
    assert not Lead.objects.open().exists()


def test_removing_twice_changes_nothing(acme, me, now):
    lead = make_lead()
    archiving.archive([lead.pk], reason="One", by=me, now=now)
    archiving.archive([lead.pk], reason="Two", by=me, now=now + HOUR)
    assert (fresh(lead).archived_at, fresh(lead).archive_reason) == (now, "One")
    assert Activity.objects.filter(kind="archived").count() == 1


def test_a_restored_lead_is_as_it_was(acme, me, now):
    lead = make_lead()
    lifecycle.qualify([lead.pk], by=me, now=now)
    before = Lead.objects.filter(pk=lead.pk).values().get()
    archiving.archive([lead.pk], reason="x" * 500, by=me, now=now)
    archiving.restore([lead.pk], by=me, now=now)
    archiving.restore([lead.pk], by=me, now=now)
    after = Lead.objects.filter(pk=lead.pk).values().get()
    assert {**after, "version": 0} == {**before, "version": 0}
    assert Activity.objects.filter(kind="restored").count() == 1


def test_a_merged_lead_is_not_restored(acme, me, now):
    root, gone = make_lead(), make_lead()
    Lead.objects.filter(pk=gone.pk).update(merged_into=root.pk, archived_at=now, work_due_at=None)
    (result,) = archiving.restore([gone.pk], by=me, now=now)
    assert "un-merge" in result.refusal.message
    assert fresh(gone).archived_at == now


def test_a_review_is_settled_once(acme, me, now):
    lead = make_lead()
    Lead.objects.filter(pk=lead.pk).update(needs_review=True)
    for _ in range(2):
        archiving.confirm_review([lead.pk], by=me, now=now)
    assert not fresh(lead).needs_review
    assert Activity.objects.filter(kind="reviewed").count() == 1
