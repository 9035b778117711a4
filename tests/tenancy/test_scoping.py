"""The wall between workspaces, for every way to reach a row and every model there is."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.core import checks
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Count, Exists, F, OuterRef, Prefetch, Subquery

from leadcrm.workspaces.models import Membership, Team, Workspace
from leadcrm.workspaces.scoping import (
    ScopeMismatch,
    ScopeRequired,
    WorkspaceModel,
    all_workspaces,
    current_scope,
    current_workspace_id,
    group_by_workspace,
    no_scope,
    scoped_stream,
    workspace_scope,
)
from leadcrm.workspaces.wall import links_of
from leads.models import Activity, Contact, Lead, LeadSearch, Message, Source, Stage, Task
from tests.factories import NOW, make_lead, make_member

MODELS = [model for model in apps.get_models() if issubclass(model, WorkspaceModel)]

# At import time, with no scope: what counts is who runs it.
CLASS_LEVEL = Lead.objects.order_by("pk")


class LeadChoice(forms.Form):
    lead = forms.ModelChoiceField(Lead.objects.all())


@pytest.fixture
def mine(acme: Workspace) -> Lead:
    return make_lead(display_name="Mine", email="bo@example.com")


@pytest.fixture
def theirs(rival: Workspace) -> Lead:
    with workspace_scope(rival):
        return make_lead(display_name="Theirs", email="cy@example.com")


READS: dict[str, Callable[[Any], Any]] = {
    "list": lambda objects: list(objects.all()),
    "get": lambda objects: objects.get(pk=uuid.uuid4()),
    "filter": lambda objects: list(objects.filter(pk=uuid.uuid4())),
    "exclude": lambda objects: list(objects.exclude(pk=uuid.uuid4())),
    "first": lambda objects: objects.first(),
    "latest": lambda objects: objects.order_by("pk").last(),
    "count": lambda objects: objects.count(),
    "exists": lambda objects: objects.exists(),
    "aggregate": lambda objects: objects.aggregate(n=Count("pk")),
    "annotate": lambda objects: list(objects.annotate(n=Count("pk")).filter(n__gt=0)),
    "values": lambda objects: list(objects.values("pk")),
    "values_list": lambda objects: list(objects.values_list("pk", flat=True).distinct()),
    "in_bulk": lambda objects: objects.in_bulk(),
    "iterator": lambda objects: list(objects.iterator()),
    "union": lambda objects: list(objects.values("pk").union(objects.values("pk"))),
    "or": lambda objects: list(objects.filter(pk=uuid.uuid4()) | objects.exclude(pk=uuid.uuid4())),
    "slice": lambda objects: list(objects.all()[:3]),
    "defer": lambda objects: list(objects.only("pk")),
    "explain": lambda objects: objects.all().explain(),
    "subquery": lambda objects: list(
        Workspace.objects.annotate(
            row=Subquery(objects.filter(workspace=OuterRef("pk")).values("pk")[:1])
        )
    ),
    "Exists": lambda objects: list(
        Workspace.objects.filter(Exists(objects.filter(workspace=OuterRef("pk"))))
    ),
    "in": lambda objects: list(
        Workspace.objects.filter(pk__in=objects.values("workspace"))
    ),
    "update": lambda objects: objects.update(workspace_id=F("workspace_id")),
    "delete": lambda objects: objects.filter(pk=uuid.uuid4()).delete(),
    "raw": lambda objects: list(objects.raw("SELECT 1 AS id")),
}  # fmt: skip
ALLOWED = {"raw": ScopeRequired, "update": ScopeMismatch}


def assert_fails_closed(action: Callable[[], Any]) -> None:
    # The savepoint shows that nothing reached the database in a way that breaks it.
    with no_scope(), pytest.raises((ScopeRequired, ScopeMismatch)), transaction.atomic():
        action()


@pytest.mark.parametrize("manager", ["objects", "_default_manager", "_base_manager"])
@pytest.mark.parametrize("read", READS)
def test_without_a_scope_every_query_is_refused(mine, read, manager):
    assert_fails_closed(lambda: READS[read](getattr(Lead, manager)))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_model_fails_closed(db, model):
    for manager in {*model._meta.managers, model._base_manager, model._default_manager}:
        for read in ("list", "get", "count", "exists", "delete", "raw"):
            assert_fails_closed(lambda read=read, manager=manager: READS[read](manager))
    assert_fails_closed(lambda: model().save())
    assert_fails_closed(lambda: model.objects.bulk_create([model()]))
    assert_fails_closed(lambda: model(pk=model._meta.pk.to_python(_some_key(model))).delete())


def _some_key(model: type[models.Model]) -> Any:
    return 1 if isinstance(model._meta.pk, models.AutoField) else uuid.uuid4()


WRITES: dict[str, Callable[[Lead], Any]] = {
    "save": lambda lead: lead.save(),
    "save one field": lambda lead: lead.save(update_fields=["label"]),
    "delete": lambda lead: lead.search.delete(),
    "bulk_create": lambda lead: Task.objects.bulk_create([Task(lead=lead, title="x", due_at=NOW)]),
    "bulk_update": lambda lead: Lead.objects.bulk_update([lead], ["label"]),
    "create": lambda lead: Task.objects.create(lead=lead, title="x", due_at=NOW),
    "get_or_create": lambda lead: Team.objects.get_or_create(name="x"),
    "update_or_create": lambda lead: Team.objects.update_or_create(name="x"),
    "related create": lambda lead: lead.tasks.create(title="x", due_at=NOW),
    "related list": lambda lead: list(lead.tasks.all()),
    "related add": lambda lead: lead.tasks.add(Task(title="x", due_at=NOW), bulk=False),
    "foreign key": lambda lead: Lead(contact_id=lead.contact_id).contact,
    "one to one": lambda lead: Lead(pk=lead.pk).search,
    "refresh": lambda lead: lead.refresh_from_db(),
    "lock": lambda lead: list(Lead.objects.select_for_update()),
    "prefetch": lambda lead: models.prefetch_related_objects([lead], "tasks"),
    "validate": lambda lead: lead.full_clean(),
}


@pytest.mark.parametrize("write", WRITES)
def test_without_a_scope_every_object_is_inert(mine, write):
    lead = Lead.objects.select_related("search", "stage").get(pk=mine.pk)
    assert_fails_closed(lambda: WRITES[write](lead))
    assert LeadSearch.objects.filter(lead=mine).exists()


def test_in_a_scope_only_its_rows_are_seen(mine, theirs):
    assert [lead.display_name for lead in Lead.objects.all()] == ["Mine"]
    assert Lead.objects.count() == 1
    assert not Lead.objects.filter(pk=theirs.pk).exists()
    assert Lead.objects.in_bulk([mine.pk, theirs.pk]).keys() == {mine.pk}
    assert Lead.objects.filter(pk=mine.pk).union(Lead.objects.filter(pk=theirs.pk)).count() == 1
    assert (Lead.objects.filter(pk=theirs.pk) | Lead.objects.filter(label="no")).count() == 0
    assert (Lead.objects.exclude(pk=theirs.pk) ^ Lead.objects.filter(label="no")).count() == 1
    assert Lead.objects.aggregate(n=Count("pk")) == {"n": 1}
    with pytest.raises(Lead.DoesNotExist):
        Lead.objects.get(pk=theirs.pk)
    with pytest.raises(Lead.DoesNotExist):
        Lead.objects.select_for_update().get(pk=theirs.pk)
    with pytest.raises(Lead.DoesNotExist):
        theirs.refresh_from_db()


def test_relations_and_subqueries_stay_inside(mine, theirs):
    stages = Stage.objects.prefetch_related(Prefetch("pipeline__stages"))
    assert {stage.workspace_id for stage in stages} == {mine.workspace_id}
    assert list(theirs.activities.all()) == []
    assert list(Contact.objects.filter(leads__display_name="Theirs")) == []
    found = Lead.objects.annotate(
        other=Subquery(Lead.objects.exclude(pk=OuterRef("pk")).values("pk")[:1])
    )
    assert [lead.other for lead in found] == [None]
    everywhere = Workspace.objects.filter(Exists(Lead.objects.filter(workspace=OuterRef("pk"))))
    assert [workspace.pk for workspace in everywhere] == [mine.workspace_id]
    stale = Lead.objects.get(pk=mine.pk)
    stale.contact_id = theirs.contact_id
    with pytest.raises(Contact.DoesNotExist):
        _ = stale.contact


def test_foreign_rows_are_neither_changed_nor_deleted(mine, theirs):
    assert Lead.objects.filter(pk=theirs.pk).update(label="x") == 0
    assert LeadSearch.objects.filter(lead=theirs.pk).delete()[0] == 0
    theirs.label = "x"
    for act in (
        theirs.save,
        lambda: theirs.save(update_fields=["label"]),
        lambda: Lead.objects.bulk_update([theirs], ["label"]),
        lambda: _search_of(theirs).delete(),
        lambda: Lead.objects.bulk_create([theirs]),
    ):
        with pytest.raises(ScopeMismatch):
            act()
    with all_workspaces():
        assert Lead.objects.get(pk=theirs.pk).label == ""
        assert LeadSearch.objects.filter(lead=theirs.pk).exists()


def _search_of(lead: Lead) -> LeadSearch:
    with all_workspaces():
        return LeadSearch.objects.get(lead=lead)


def test_a_row_with_a_foreign_key_of_its_own_takes_over_nothing(mine, theirs):
    """An object made by hand with another workspace's id finds nothing to update."""
    impostor = Lead(pk=theirs.pk, display_name="Impostor", stage=mine.stage, pipeline=mine.pipeline)
    with pytest.raises(IntegrityError), transaction.atomic():
        impostor.save()
    with all_workspaces():
        assert Lead.objects.get(pk=theirs.pk).display_name == "Theirs"


def test_a_loaded_foreign_row_is_not_linked(mine, theirs):
    for make in (
        lambda: Task.objects.create(lead=theirs, title="x", due_at=NOW),
        lambda: Task.objects.bulk_create([Task(lead=theirs, title="x", due_at=NOW)]),
        lambda: Lead.objects.bulk_update([_linked(mine, theirs)], ["contact"]),
    ):
        with pytest.raises(ScopeMismatch):
            make()


def _linked(lead: Lead, other: Lead) -> Lead:
    found = Lead.objects.get(pk=lead.pk)
    with all_workspaces():
        found.contact = other.contact
    return found


def test_a_row_never_moves_to_another_workspace(mine, rival):
    with pytest.raises(ScopeMismatch):
        Lead.objects.update(workspace=rival)
    lead = Lead.objects.get(pk=mine.pk)
    lead.workspace = rival
    with pytest.raises(ScopeMismatch):
        lead.save(update_fields=["workspace"])
    with all_workspaces(), pytest.raises(IntegrityError), transaction.atomic():
        lead.save(update_fields=["workspace"])
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE leads_lead SET workspace_id = %s", [rival.pk])


# --- the wall in the database ---


@pytest.mark.parametrize("link", links_of(Lead), ids=lambda link: link.name)
def test_the_database_refuses_every_foreign_link_of_a_lead(mine, theirs, link):
    other = _row_of(link.related_model, theirs)
    with pytest.raises(IntegrityError), transaction.atomic():
        Lead.objects.filter(pk=mine.pk).update(**{link.attname: other.pk})
    clone = Lead.objects.get(pk=mine.pk)
    clone.pk = uuid.uuid4()
    clone._state.adding = True
    setattr(clone, link.attname, other.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        clone.save(force_insert=True)


def _row_of(model: type[models.Model], lead: Lead) -> Any:
    """A row of the lead's workspace."""
    with workspace_scope(lead.workspace_id):
        if model is Membership:
            return Membership.objects.first()
        found = model._default_manager.first()
        made = {"Campaign": {"name": "x"}, "Company": {"name": "x"}, "Team": {"name": "x"},
                "Location": {"name": "x"}, "Deal": {"name": "x", "currency": "USD"}}  # fmt: skip
        return found or model._default_manager.create(**made[model.__name__])


@pytest.mark.parametrize("make", [
    lambda lead_id: Task(lead_id=lead_id, title="x", due_at=NOW),
    lambda lead_id: Message(lead_id=lead_id, channel="note", direction="internal", occurred_at=NOW),
    lambda lead_id: Activity(lead_id=lead_id, kind="reviewed", occurred_at=NOW, actor_kind="system"),
])  # fmt: skip
def test_the_database_refuses_a_row_that_hangs_on_a_foreign_lead(mine, theirs, make):
    for write in (lambda row: row.save(), lambda row: type(row).objects.bulk_create([row])):
        with pytest.raises(IntegrityError), transaction.atomic():
            write(make(theirs.pk))


def test_an_upsert_does_not_reach_over_the_wall(mine, theirs):
    row = LeadSearch(lead_id=theirs.pk, created_at=NOW, text="taken over")
    with pytest.raises(IntegrityError), transaction.atomic():
        LeadSearch.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["lead"], update_fields=["text"]
        )
    assert _search_of(theirs).text.startswith("theirs")


@pytest.mark.parametrize(
    "model",
    MODELS,
    ids=lambda model: model._meta.label,
)
def test_every_table_has_its_wall_with_every_link(db, model):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_triggerdef(oid), pg_get_functiondef(tgfoid) FROM pg_trigger"
            " WHERE tgrelid = %s::regclass AND tgname = %s",
            [model._meta.db_table, f"{model._meta.db_table}_wall"],
        )
        found = cursor.fetchone()
    assert found, "add GuardLinks to the migration that creates the table"
    for link in links_of(model):
        assert link.column in found[0], "repeat GuardLinks in the migration that adds the link"
        assert f"NEW.{link.column}" in found[1]


# --- the scope itself ---


def test_a_queryset_made_at_import_time_belongs_to_whoever_runs_it(mine, theirs, rival):
    assert [lead.pk for lead in CLASS_LEVEL.all()] == [mine.pk]
    assert LeadChoice({"lead": mine.pk}).is_valid()
    assert not LeadChoice({"lead": theirs.pk}).is_valid()
    with workspace_scope(rival):
        assert [lead.pk for lead in CLASS_LEVEL.all()] == [theirs.pk]
        assert LeadChoice({"lead": theirs.pk}).is_valid()
    with all_workspaces():
        assert {lead.pk for lead in CLASS_LEVEL.all()} == {mine.pk, theirs.pk}


def test_a_foreign_row_fails_validation_as_a_missing_one_does(mine, theirs):
    mine.contact_id = theirs.contact_id
    with pytest.raises(ValidationError) as refused:
        mine.clean_fields()
    assert "contact" in refused.value.message_dict


def test_scopes_nest_and_are_given_back(workspace, rival):
    with workspace_scope(workspace):
        with workspace_scope(rival.pk):
            assert current_workspace_id() == rival.pk
            with all_workspaces(), pytest.raises(ScopeRequired):
                current_workspace_id()
        assert current_workspace_id() == workspace.pk
        with pytest.raises(RuntimeError, match="on the way"), no_scope():
            raise RuntimeError("on the way")
        assert current_workspace_id() == workspace.pk
    assert current_scope() is None


@pytest.mark.parametrize("value", ["acme", None, 7])
def test_a_scope_is_a_workspace_or_its_id(value):
    with pytest.raises(TypeError), workspace_scope(value):
        pass


def test_a_thread_starts_without_a_scope(acme):
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(current_scope()))
    thread.start()
    thread.join()
    assert seen == [None]


def test_everywhere_a_new_row_must_name_its_workspace(acme, rival):
    with all_workspaces():
        with pytest.raises(ScopeRequired):
            Team.objects.create(name="x")
        assert Team.objects.create(name="x", workspace=rival).workspace_id == rival.pk


def test_a_stream_runs_in_its_scope_and_leaves_none_behind(mine, theirs, rival):
    def rows() -> Any:
        for _ in range(2):
            yield ",".join(Lead.objects.values_list("display_name", flat=True)).encode()

    with no_scope():
        stream = scoped_stream(mine.workspace_id, rows())
        assert next(stream) == b"Mine"
        assert current_scope() is None
        with workspace_scope(rival):
            assert next(stream) == b"Mine"
            assert current_workspace_id() == rival.pk
        assert list(stream) == []


def test_rows_of_a_sweep_are_grouped_by_workspace(mine, theirs):
    with all_workspaces():
        groups = group_by_workspace(list(Lead.objects.order_by("display_name")))
    assert {key: [row.pk for row in rows] for key, rows in groups.items()} == {
        mine.workspace_id: [mine.pk],
        theirs.workspace_id: [theirs.pk],
    }


def test_a_member_of_another_workspace_owns_nothing_here(mine, rival):
    rita = make_member(rival, "rep", "Rita")
    with pytest.raises(IntegrityError), transaction.atomic():
        Lead.objects.filter(pk=mine.pk).update(owner=rita.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        Source.objects.update(owner=rita.pk)


# --- the check that keeps it so ---


def errors_of(*made: type[models.Model]) -> set[str]:
    return {error.id for error in checks.run_checks() if error.obj in made}


def test_the_checks_find_nothing(db):
    assert [error for error in checks.run_checks() if str(error.id).startswith("workspaces.")] == []


@pytest.fixture
def _forgotten() -> Any:
    """Models made by a test are taken out of the registry again."""
    known = dict(apps.all_models["leads"])
    yield
    apps.all_models["leads"].clear()
    apps.all_models["leads"].update(known)
    apps.clear_cache()


@pytest.mark.usefixtures("_forgotten")
def test_the_checks_name_each_hole():
    class Bare(models.Model):  # noqa: DJ008
        workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")

        class Meta:
            app_label = "leads"

    class SideDoor(WorkspaceModel):
        everything = models.Manager()

        class Meta(WorkspaceModel.Meta):
            app_label = "leads"

    class Unowned(models.Model):  # noqa: DJ008
        team = models.ForeignKey(Team, models.CASCADE, related_name="+")

        class Meta:
            app_label = "leads"

    assert errors_of(Bare) == {"workspaces.E001"}
    assert errors_of(SideDoor) == {"workspaces.E002"}
    assert errors_of(Unowned) == {"workspaces.E003"}
