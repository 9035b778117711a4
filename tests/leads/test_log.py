"""The log is append-only, and the database sees to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from leadcrm.workspaces.scoping import workspace_scope
from leads import kinds, timeline
from leads.models import Activity, Lead
from tests.factories import NOW, make_lead

OTHER = {
    "kind": "reviewed", "occurred_at": NOW - timedelta(days=1), "recorded_at": NOW - timedelta(days=1),
    "lane": "bulk", "actor_kind": "token", "via": "other", "to_status": "lost", "reason": "x",
    "subject_type": "x", "depth": 3, "caused_by": 7, "dedupe_key": "x", "xid": 1,
}  # fmt: skip


@pytest.fixture
def row(acme, me) -> Activity:
    lead = make_lead()
    timeline.add_note([lead.pk], body="Hello", by=me, now=NOW)
    return Activity.objects.get(kind=kinds.NOTE_ADDED)


def erase() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL leadcrm.erasing = 'on'")


def change_while_erasing(row: Activity, **values: Any) -> None:
    with transaction.atomic():
        erase()
        Activity.objects.filter(pk=row.pk).update(**values)


def test_a_row_knows_its_transaction(row):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text")
        (current,) = cursor.fetchone()
    assert row.xid == int(current)


@pytest.mark.parametrize("column", ["data", "actor", *OTHER])
def test_nothing_about_a_row_changes(row, column):
    value = {"data": {"body": "x"}, "actor": None, **OTHER}[column]
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Activity.objects.filter(pk=row.pk).update(**{column: value})


def test_a_row_is_not_saved_again_and_not_deleted(row):
    row.data = {"body": "other"}
    for change in (
        row.save,
        row.delete,
        Activity.objects.all().delete,
        lambda: Activity.objects.bulk_update([row], ["data"]),
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            change()


def test_raw_sql_does_not_get_past_it(row):
    for sql in ("UPDATE leads_activity SET via = 'x'", "DELETE FROM leads_activity"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


def test_deleting_a_lead_that_has_a_history_is_refused(row):
    from django.db.models import ProtectedError

    with pytest.raises((IntegrityError, ProtectedError)), transaction.atomic():
        Lead.objects.get(pk=row.lead_id).delete()
    assert Lead.objects.filter(pk=row.lead_id).exists()


def test_the_erasure_of_a_person_blanks_the_data(row):
    change_while_erasing(row, data={}, actor=None)
    fresh = Activity.objects.get(pk=row.pk)
    assert (fresh.data, fresh.actor_id) == ({}, None)


@pytest.mark.parametrize("column", OTHER)
def test_the_erasure_of_a_person_rewrites_no_history(row, column):
    with pytest.raises(IntegrityError, match="append-only"):
        change_while_erasing(row, **{column: OTHER[column]})


def test_the_erasure_puts_nobody_else_in_place(row, ben):
    with pytest.raises(IntegrityError, match="append-only"):
        change_while_erasing(row, actor=ben)


@pytest.mark.django_db(transaction=True)
def test_the_erasure_setting_ends_with_its_transaction():
    from tests.factories import make_workspace

    with workspace_scope(make_workspace("Acme")):
        lead = make_lead()
        change_while_erasing(lead.activities.get(), data={})
        with pytest.raises(IntegrityError, match="append-only"):
            Activity.objects.filter(lead=lead).update(data={"x": 1})


def test_a_dedupe_key_stands_once_in_a_workspace(row, rival):
    def add() -> None:
        Activity.objects.create(
            kind=kinds.REVIEWED, occurred_at=NOW, actor_kind="system", via="x", dedupe_key="once"
        )

    add()
    with pytest.raises(IntegrityError), transaction.atomic():
        add()
    with workspace_scope(rival):
        add()


def test_every_kind_in_use_is_registered(row):
    assert row.spec.label == "Note"
    assert all(name == kind.name for name, kind in kinds.KINDS.items())
    with pytest.raises(ValueError, match="registered already"):
        kinds.register(kinds.KINDS[kinds.NOTE_ADDED])
