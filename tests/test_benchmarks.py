"""The benchmark program itself: what counts as met, and that the writes are what they are called."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from leadcrm.workspaces.models import Workspace
from leads.capture import capture_leads
from leads.models import Contact, ContactKey, Lead
from tests.benchmarks import report, writes


def figures(leads: int = 1000, **measured: tuple[list[float], list[float]]) -> dict[str, Any]:
    """Those of a size: of each scenario, “group: name”, the product's seconds and its floor's."""
    plan: dict[str, Any] = {"rows": {}, "scenarios": []}
    samples: dict[str, Any] = {
        "form": {}, "writes": {}, "memory": [], "floors": {}, "own_floors": {}, "product": {}
    }  # fmt: skip
    for number, (title, (product, floor)) in enumerate(measured.items()):
        group, _, name = title.partition(": ")
        beside = name.partition(",")[0]
        plan["scenarios"].append({"group": group, "name": name, "floor": "list", "beside": beside})
        samples["product"][number], samples["own_floors"][number] = product, floor
    return report.figures(SimpleNamespace(leads=leads, plan=plan, seconds_to_load=0), samples)


def goal(sizes: list[dict[str, Any]], what: str) -> report.Goal:
    (found,) = [one for one in report.goals(sizes) if what in one.what]
    return found


@pytest.mark.parametrize(
    ("product", "floor", "met"),
    [
        ([0.03] * 20, [0.01] * 20, True),
        ([0.07] * 20, [0.01] * 20, False),
        ([0.07] * 20, [0.01] * 18 + [0.1] * 2, False),  # bad moments of the floor's excuse nothing
        ([0.03] * 18 + [0.1] * 2, [0.01] * 20, False),
    ],
)
def test_a_ratio_is_met_by_the_median_and_by_the_slow_ones(
    product: list[float], floor: list[float], met: bool
) -> None:
    size = figures(**{"Lead detail: short": (product, floor)})
    assert goal([size], "Lead detail").met is met


def test_each_scenario_is_held_against_its_own_floor() -> None:
    size = figures(
        **{"People: quick": ([0.06], [0.01]), "People: slow": ([0.4], [0.1])},
    )
    found = goal([size], "People")
    assert not found.met
    assert "6.0×, 6.0× (quick)" in found.found


def test_pages_that_were_not_asked_for_have_no_goal() -> None:
    far = figures(**{"Page 1,000: by due, page 9": ([0.02], [0.01])})
    assert "Page 1,000 to page 1" not in {one.what for one in report.goals([far])}
    both = figures(
        **{
            "Page 1 of the same: by due": ([0.01], [0.01]),
            "Page 1,000: by due, page 9": ([0.02], [0.01]),
        }
    )
    found = goal([both], "to page 1")
    assert not found.met
    assert "2.00× (by due, page 9)" in found.found


def test_an_import_is_held_against_the_copy_of_the_same_run() -> None:
    size = figures()
    rates = {**dict.fromkeys(report.RATES, 5000), "import": 1000, "COPY, upsert": 5000}
    size["writes"] = {name: {"rate": rate} for name, rate in rates.items()}
    size["form"] = {name: {"rate": 1} for name in ("product", "capture", "store")}
    found = {one.goal: one for one in report.goals([size]) if one.what == "Import"}
    assert [(one.found, one.met) for one in found.values()] == [
        ("1,000/s", False),
        ("0.20×", False),
    ]


def test_growth_compares_the_same_pages() -> None:
    small = figures(
        **{"People: all": ([0.01], [0.01]), "Page 1,000: by due, page 9": ([0.01], [0.01])}
    )
    large = figures(
        2000, **{"People: all": ([0.011], [0.01]), "Page 1,000: by due, page 1,000": ([9], [0.01])}
    )
    found = goal([small, large], "Growth")
    assert found.met
    assert "People: all" in found.found
    facts = {"date": "", "machine": "", "requests": 1, "rounds": 1}
    lines = report.markdown([small, large], facts, "make bench").splitlines()
    (row,) = [line for line in lines if line.startswith("| Page 1,000 | by due, page 1,000")]
    assert "|  | 9000.0 / 9000.0" in row


def test_new_people_are_new(acme: Workspace) -> None:
    writes._numbers.cache_clear()
    for _ in range(2):
        people = writes._people(40)
        capture_leads(writes._drafts(people), by=writes.FORM, now=timezone.now())
    assert Lead.objects.count() == Contact.objects.count() == 80
    assert ContactKey.objects.filter(kind="phone", shared=False).count() == 40
    assert not Lead.objects.filter(needs_review=True).exists()


def test_known_people_are_known(acme: Workspace) -> None:
    people = writes._people(10)
    for _ in range(2):
        capture_leads(writes._drafts(people), by=writes.FORM, now=timezone.now())
    assert Contact.objects.count() == 10
