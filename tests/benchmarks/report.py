"""What was measured, as figures with their goals: JSON for machines, Markdown for people."""

from __future__ import annotations

import math
import platform
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Samples = Sequence[float]
AT_MOST = {  # a group's median and 95th percentile, as multiples of its floor's
    "List, first page": 4,
    "Board": 5,
    "List, filtered": 4,
    "List, sorted": 4,
    "Page 1,000": 4,
    "Search": 5,
    "Lead detail": 5,
    "People": 5,
    "API list": 5,
    "API retrieve": 5,
    "API create": 5,
    "API update": 5,
}
SEARCH_MS, ADMIN_MS = 50, 300
FAR_PAGE = 1.2  # page 1,000 against page 1, medians
GROWTH = 1.3  # from the middle size to the largest, medians
FORM = 0.5  # of the floor's requests per second
RATES = {
    "drain": 1000,
    "capture, new people": 5000,
    "capture, known people": 5000,
    "import": 5000,
    "subscribers": 5000,
    "auto-close": 5000,
    "bulk assign": 5000,
}
IMPORT = 0.25  # of its floor's rows: 5,000 a second where the floor makes 20,000
MEMORY_MIB = 100


def p95(samples: Samples) -> float:
    """The sample that 95% are no greater than."""
    ordered = sorted(samples)
    return ordered[math.ceil(0.95 * len(ordered)) - 1]


def summary(samples: Samples) -> dict[str, float]:
    """Median and 95th percentile in milliseconds."""
    return {
        "median_ms": round(statistics.median(samples) * 1000, 2),
        "p95_ms": round(p95(samples) * 1000, 2),
        "requests": len(samples),
    }


@dataclass
class Goal:
    """A goal, the worst figure that was found for it, and whether it is met."""

    what: str
    goal: str
    found: str
    met: bool


def figures(size: Any, samples: dict[str, Any]) -> dict[str, Any]:
    """The figures of one size: floors, scenarios with their ratios, rates."""
    floors = {name: summary(found) for name, found in samples["floors"].items() if found}
    scenarios = []
    for number, one in enumerate(size.plan["scenarios"]):
        if number not in samples["product"]:
            continue
        found = {"group": one["group"], "name": one["name"], **summary(samples["product"][number])}
        if number in samples["own_floors"]:
            floor = summary(samples["own_floors"][number])
            found["floor_median_ms"], found["floor_p95_ms"] = floor["median_ms"], floor["p95_ms"]
            found["ratio_median"] = round(found["median_ms"] / floor["median_ms"], 2)
            found["ratio_p95"] = round(found["p95_ms"] / floor["p95_ms"], 2)
        scenarios.append({**found, **{key: one[key] for key in ("beside",) if key in one}})
    return {
        "leads": size.leads,
        "rows": size.plan["rows"],
        "seconds_to_load": round(size.seconds_to_load, 1),
        "floors": floors,
        "scenarios": scenarios,
        "form": samples["form"],
        "writes": samples["writes"],
        "web_workers_pss_mib": samples["memory"],
    }


def goals(sizes: Sequence[dict[str, Any]]) -> list[Goal]:
    """Each goal against the worst of its figures at the largest size; without figures, none."""
    largest = sizes[-1]
    found = [_ratio(largest, group, most) for group, most in AT_MOST.items() if _of(largest, group)]
    for group, most in (("Search", SEARCH_MS), ("Global search", SEARCH_MS), ("Admin", ADMIN_MS)):
        found += [_worst_time(largest, group, most)] if _of(largest, group) else []
    found += _far_page(largest)
    if largest["writes"]:
        found += [_form(largest), *(_rate(largest, name, least) for name, least in RATES.items())]
        found.append(_import(largest["writes"]))
    found += _memory(largest)
    return found + (_growth(sizes[-2], largest) if len(sizes) > 1 else [])


def _of(size: dict[str, Any], group: str) -> list[dict[str, Any]]:
    return [one for one in size["scenarios"] if one["group"] == group]


def _ratio(size: dict[str, Any], group: str, most: float) -> Goal:
    """Both must hold: the product's worst may meet a bad moment of the floor's."""
    worst = max(_of(size, group), key=_worse_ratio)
    said = f"{worst['ratio_median']}×, {worst['ratio_p95']}× ({worst['name']})"
    return Goal(
        f"{group}, median and p95", f"≤ {most}× its floor", said, _worse_ratio(worst) <= most
    )


def _worse_ratio(one: dict[str, Any]) -> float:
    return max(float(one["ratio_median"]), float(one["ratio_p95"]))


def _worst_time(size: dict[str, Any], group: str, most: float) -> Goal:
    worst = max(_of(size, group), key=lambda one: one["p95_ms"])
    said = f"{worst['p95_ms']} ms ({worst['name']})"
    return Goal(f"{group}, p95", f"< {most} ms", said, worst["p95_ms"] < most)


def _far_page(size: dict[str, Any]) -> list[Goal]:
    first = {one["name"]: one["median_ms"] for one in _of(size, "Page 1 of the same")}
    far = {
        one["name"]: one["median_ms"] / first[one["beside"]]
        for one in _of(size, "Page 1,000")
        if one["beside"] in first
    }
    return _worst(far, "Page 1,000 to page 1", FAR_PAGE)


def _worst(ratios: dict[str, float], what: str, most: float) -> list[Goal]:
    """The goal for the greatest of these."""
    if not ratios:
        return []
    name, worst = max(ratios.items(), key=lambda pair: pair[1])
    return [Goal(what, f"each ≤ {most}×", f"{worst:.2f}× ({name})", worst <= most)]


def _form(size: dict[str, Any]) -> Goal:
    """Against the quicker of its floors: one capture, or one INSERT of the payload."""
    form = size["form"]
    floor = max(form["capture"]["rate"], form["store"]["rate"])
    ratio = form["product"]["rate"] / floor
    said = f"{ratio:.2f}× ({form['product']['rate']:,.0f} of {floor:,.0f} requests/s)"
    return Goal("Form endpoint, 8 clients", f"≥ {FORM}× its floor", said, ratio >= FORM)


def _rate(size: dict[str, Any], name: str, least: float) -> Goal:
    rate = size["writes"][name]["rate"]
    return Goal(name.capitalize(), f"≥ {least:,}/s", f"{rate:,.0f}/s", rate >= least)


def _import(writes: dict[str, Any]) -> Goal:
    """Against COPY and upsert of the same leads with their search texts, in the same run."""
    ratio = writes["import"]["rate"] / writes["COPY, upsert"]["rate"]
    return Goal("Import", f"≥ {IMPORT}× its floor", f"{ratio:.2f}×", ratio >= IMPORT)


def _memory(size: dict[str, Any]) -> list[Goal]:
    most = max(size["web_workers_pss_mib"], default=None)
    if most is None:
        return []
    return [Goal("Web worker, PSS", f"≤ {MEMORY_MIB} MiB", f"{most:.0f} MiB", most <= MEMORY_MIB)]


def _growth(small: dict[str, Any], large: dict[str, Any]) -> list[Goal]:
    """Of what was asked for at both sizes: a far page that the smaller lacks has another name."""
    before = {(one["group"], one["name"]): one["median_ms"] for one in small["scenarios"]}
    grown = {
        f"{one['group']}: {one['name']}": one["median_ms"] / before[one["group"], one["name"]]
        for one in large["scenarios"]
        if (one["group"], one["name"]) in before
    }
    return _worst(grown, f"Growth from {small['leads']:,} to {large['leads']:,}", GROWTH)


# --- Markdown --------------------------------------------------------------------------------


def markdown(sizes: Sequence[dict[str, Any]], facts: dict[str, Any], command: str) -> str:
    """The report for people."""
    blocks = [
        "# Speed",
        f"Made by `{command}` on {facts['date']}: {facts['machine']}. "
        f"Each page was asked for {facts['requests']} times by one client, in {facts['rounds']} "
        "rounds in which floors and product, and the sizes, took turns. Times are from sending the "
        "request to the last byte of the answer; ratios are to the floor of the same run.",
        "## Goals",
        _table(
            ("what", "goal", f"found at {sizes[-1]['leads']:,} leads", ""),
            [(one.what, one.goal, one.found, "met" if one.met else "**missed**")
             for one in goals(sizes)],
        ),
        "## What is stored",
        _table(
            ("leads in the workspace", *sizes[0]["rows"], "seconds to load"),
            [(f"{one['leads']:,}", *(f"{rows:,}" for rows in one["rows"].values()),
              one["seconds_to_load"] or "kept from before") for one in sizes],
        ),
        "## Floors",
        _floors(sizes),
        "## Pages and endpoints",
        _pages(sizes),
        *(["## Writing", _writes(sizes)] if sizes[0]["writes"] else []),
    ]  # fmt: skip
    return "\n\n".join(blocks) + "\n"


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    lines = [list(head), *rows]
    columns = len(list(lines[0]))
    texts = ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]
    return "\n".join([texts[0], "|" + "---|" * columns, *texts[1:]])


def _floors(sizes: Sequence[dict[str, Any]]) -> str:
    names = sizes[0]["floors"]
    return _table(
        ("bare Django, median / p95 ms", *(f"{one['leads']:,}" for one in sizes)),
        [(name, *(_times(one["floors"][name]) for one in sizes)) for name in names],
    )


def _pages(sizes: Sequence[dict[str, Any]]) -> str:
    rows: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for size in sizes:
        for one in size["scenarios"]:
            rows[one["group"], one["name"]][size["leads"]] = _times(one) + _ratios(one)
    return _table(
        ("", "median / p95 ms (to its floor's)", *(f"{one['leads']:,}" for one in sizes)),
        [
            (group, name, *(cells.get(one["leads"], "") for one in sizes))
            for (group, name), cells in rows.items()
        ],
    )


def _ratios(one: dict[str, Any]) -> str:
    return f" ({one['ratio_median']}× / {one['ratio_p95']}×)" if "ratio_p95" in one else ""


def _writes(sizes: Sequence[dict[str, Any]]) -> str:
    rows = [
        (f"{name}, rows/s", *(f"{one['writes'][name]['rate']:,.0f}" for one in sizes))
        for name in sizes[0]["writes"]
    ]
    for name in ("product", "capture", "store"):
        label = {"product": "form endpoint", "capture": "floor: capture", "store": "floor: INSERT"}
        rows.append(
            (f"{label[name]}, requests/s", *(f"{one['form'][name]['rate']:,.0f}" for one in sizes))
        )
    rows.append(
        ("web worker, PSS MiB",
         *(", ".join(f"{pss:.0f}" for pss in one["web_workers_pss_mib"]) for one in sizes))
    )  # fmt: skip
    return _table(("", *(f"{one['leads']:,} leads" for one in sizes)), rows)


def _times(one: dict[str, Any]) -> str:
    return f"{one['median_ms']:.1f} / {one['p95_ms']:.1f}"


def machine() -> str:
    """Cores and memory; the rest says nothing to anybody."""
    import os

    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{os.cpu_count()} cores, {pages:.0f} GiB, Python {platform.python_version()}, PostgreSQL 18"
