"""The templates, as they stand and as they end up in a workspace; malformed ones fail."""

from dataclasses import replace

import pytest

from leads.models import Lead, Stage
from leads.pipelines import (
    DISQUALIFIED,
    LOST,
    RECYCLED,
    TEMPLATES,
    MalformedTemplate,
    Outcome,
    StageSpec,
    Status,
    Template,
    rung,
    status_named,
)
from leads.setup import add_pipeline

NEW = StageSpec("new", Status.NEW, ("converted",))
WON = StageSpec("converted", Status.CONVERTED, outcome=Outcome.WON)

GRAPHS = {
    "standard": {
        "new": ["contacted", "qualified", "scheduled"],
        "contacted": ["qualified", "scheduled"],
        "qualified": ["contacted", "scheduled", "converted"],
        "scheduled": ["qualified", "completed"],
        "completed": ["scheduled", "converted"],
        "converted": [],
        "lost": ["new"],
        "disqualified": ["new"],
        "recycled": ["new"],
    },
    "capture": {
        "new": ["contacted"],
        "contacted": ["qualified"],
        "qualified": ["contacted", "converted"],
        "converted": [],
        "disqualified": ["new"],
    },
    "appointments": {
        "new": ["qualified", "scheduled"],
        "qualified": ["scheduled"],
        "scheduled": ["qualified", "completed"],
        "completed": [],
        "lost": ["new"],
    },
    "mql": {
        "new": ["engaged", "mql", "sql"],
        "engaged": ["mql", "sql"],
        "mql": ["sql"],
        "sql": ["mql", "opportunity"],
        "opportunity": [],
        "disqualified": ["new"],
        "recycled": ["new"],
    },
    "bant": {
        "new": ["contacted"],
        "contacted": ["qualified"],
        "qualified": ["contacted", "converted"],
        "converted": [],
        "lost": ["new"],
    },
}
TIMERS = {
    "standard": {"new": (30, 30), "contacted": (None, 30), "qualified": (None, 30)},
    "appointments": {"new": (30, 30), "qualified": (None, 30)},
    "capture": {},
    "mql": {},
    "bant": {},
}


@pytest.mark.parametrize("key", GRAPHS)
def test_each_template_has_its_graph_and_timers(key):
    template = TEMPLATES[key]
    assert {s.key: list(s.next) for s in template.stages} == GRAPHS[key]
    timed = {
        s.key: (s.no_contact_days, s.idle_days)
        for s in template.stages
        if s.no_contact_days or s.idle_days
    }
    assert timed == TIMERS[key]


def test_there_is_no_other_template():
    assert set(TEMPLATES) == set(GRAPHS)


def test_only_bant_and_mql_create_a_deal_by_themselves():
    assert {key for key, template in TEMPLATES.items() if template.creates_deal} == {"mql", "bant"}


@pytest.mark.parametrize(
    ("stages", "complaint"),
    [
        ((), "the first stage must be new"),
        ((replace(WON, key="new"), LOST), "the first stage must be new"),
        ((NEW, WON, replace(WON, status=Status.COMPLETED), LOST), "stands twice"),
        ((NEW, WON, replace(WON, key="again"), LOST), "a status stands twice"),
        ((replace(NEW, next=("qualified",)), StageSpec("qualified", Status.QUALIFIED), LOST),
         "no stage is won"),
        ((NEW, WON), "no stage closes a lead"),
        ((NEW, WON, RECYCLED), "no stage closes a lead"),
        ((replace(NEW, next=("converted", "nowhere")), WON, LOST), "unknown next stage nowhere"),
        ((replace(NEW, next=("new", "converted")), WON, LOST), "leads to itself"),
        ((replace(NEW, next=()), WON, LOST), "nothing leads to converted"),
        ((NEW, replace(WON, next=("new",)), LOST), "nothing follows a won stage"),
        ((replace(NEW, next=("converted", "done")), replace(WON, outcome=Outcome.OPEN),
          StageSpec("done", Status.COMPLETED, outcome=Outcome.WON), LOST), "converted must be won"),
        ((replace(NEW, outcome=Outcome.WON), WON, LOST), "new must be open"),
        ((NEW, WON, replace(LOST, outcome=Outcome.OPEN)), "lost must be lost"),
        ((NEW, WON, replace(DISQUALIFIED, outcome=Outcome.RESTING)), "disqualified must be lost"),
        ((NEW, WON, LOST, replace(RECYCLED, outcome=Outcome.LOST)), "recycled must be resting"),
        ((NEW, WON, replace(LOST, next=("converted",))), "reopens to new, nowhere else"),
        ((NEW, WON, replace(LOST, next=())), "reopens to new, nowhere else"),
        ((replace(NEW, idle_days=0), WON, LOST), "a timer needs"),
        ((NEW, WON, replace(LOST, idle_days=30)), "a timer needs"),
    ],
)  # fmt: skip
def test_a_malformed_template_fails(stages, complaint):
    with pytest.raises(MalformedTemplate, match=complaint):
        Template("broken", "Broken", stages)


def test_fields_that_a_template_requires_are_fields_of_a_lead():
    names = {field.name for field in Lead._meta.get_fields()}
    for template in TEMPLATES.values():
        for stage in template.stages:
            assert set(stage.required) <= names


@pytest.mark.parametrize("key", GRAPHS)
def test_a_template_is_copied_into_the_workspace(acme, key):
    pipeline = add_pipeline(key, key=f"my-{key}")
    stages = list(Stage.objects.filter(pipeline=pipeline))
    assert {stage.key: stage.next_keys for stage in stages} == GRAPHS[key]
    assert [stage.position for stage in stages] == list(range(len(stages)))
    assert pipeline.creates_deal == (key in ("mql", "bant"))
    assert not pipeline.is_default


def test_labels_are_those_people_know(acme):
    labels = dict(Stage.objects.filter(pipeline__is_default=True).values_list("key", "label"))
    assert labels["scheduled"] == "Booked"
    assert labels["completed"] == "Met"
    assert labels["disqualified"] == "Not a fit"
    assert labels["recycled"] == "Follow up later"
    mql = add_pipeline("mql")
    assert set(mql.stages.values_list("label", flat=True)) >= {"SQL", "Opportunity", "MQL"}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("SQL", Status.QUALIFIED),
        ("Opportunity", Status.CONVERTED),
        ("deal", Status.CONVERTED),
        (" Qualified ", Status.QUALIFIED),
        ("NEW", Status.NEW),
        ("lost", Status.LOST),
        ("nonsense", None),
        ("", None),
    ],
)
def test_a_status_is_known_by_its_other_names_in_any_case(text, status):
    assert status_named(text) is status


def test_closed_and_resting_states_stand_on_no_rung():
    assert rung(Status.NEW) < rung(Status.ENGAGED) < rung(Status.MQL) < rung(Status.QUALIFIED)
    assert rung(Status.LOST) == rung(Status.RECYCLED) == -1
