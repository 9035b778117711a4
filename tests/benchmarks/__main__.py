"""Measure, and write the report.

make bench                                  10,000, 100,000 and 1,000,000 leads
make bench ARGS="--leads 10000 --rounds 2"  a quick look
make bench ARGS="--keep"                    on the databases of the run before
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks import report, stand
from tests.benchmarks.wire import Refused, Wire, bytes_of, rush, timed

CLIENTS = 8
RUSH_SECONDS = 4.0
RUSH_REQUESTS = 8000
WARM_UP = 3
SERVED = 1000  # requests that a server has answered when its memory is measured


def main() -> None:
    asked = _arguments()
    say = _speaker()
    with stand.sizes(asked.leads, keep=asked.keep) as sizes, contextlib.ExitStack() as running:
        for size in sizes:
            say(
                f"{size.leads:,} leads: loaded in {size.seconds_to_load:,.0f} s; asking what is there"
            )
            size.plan = stand.plan_of(size, 1 + asked.rounds * (asked.requests + WARM_UP))
            _leave_out_unasked(size.plan, asked.only.lower())
            size.port = running.enter_context(stand.serving(size)).port
            _try_all(size)
        samples = {size.leads: _samples() for size in sizes}
        for turn in range(asked.rounds):
            for size in sizes:
                say(f"round {turn + 1} of {asked.rounds}: {size.leads:,} leads")
                _read(size, samples[size.leads], asked)
        for size in sizes:
            if asked.reads:
                continue
            say(f"{size.leads:,} leads: the form, then writing in bulk")
            found = samples[size.leads]
            found["form"] = _form(size, asked.rounds)
            found["memory"] = _memory(size)
            found["writes"] = _writes(size, asked.rounds)
        _report([report.figures(size, samples[size.leads]) for size in sizes], asked)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--leads",
        type=lambda text: [int(part) for part in text.split(",")],
        default=[10_000, 100_000, 1_000_000],
        help="sizes of the workspace, with commas",
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=20, help="per page and round")
    parser.add_argument("--keep", action="store_true", help="keep the databases of the run before")
    parser.add_argument("--reads", action="store_true", help="leave out what writes in bulk")
    parser.add_argument("--only", default="", help="scenarios whose group or name holds this")
    parser.add_argument("--out", default="", help="write the report to this path, .md and .json")
    return parser.parse_args()


def _speaker() -> Any:
    started = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - started:7.0f} s  {words}", file=sys.stderr, flush=True)

    return say


def _samples() -> dict[str, Any]:
    return {
        "form": {},
        "writes": {},
        "memory": [],
        "floors": defaultdict(list),
        "own_floors": defaultdict(list),
        "product": defaultdict(list),
    }


# --- reading ---------------------------------------------------------------------------------


def _leave_out_unasked(plan: dict[str, Any], wanted: str) -> None:
    plan["scenarios"] = [
        one for one in plan["scenarios"] if wanted in f"{one['group']} {one['name']}".lower()
    ]


def _try_all(size: stand.Size) -> None:
    """Every scenario once, so that one that can't be measured is refused before hours are spent."""
    with contextlib.closing(Wire(size.port)) as wire:
        for one in size.plan["scenarios"]:
            _ask(wire, size, one["requests"], range(1), one)


def _read(size: stand.Size, samples: dict[str, Any], asked: argparse.Namespace) -> None:
    """One round: each scenario and its floor in turn, in a new order each time."""
    numbered = list(enumerate(size.plan["scenarios"]))
    random.shuffle(numbered)
    floors, half, whole = size.plan["floors"], _turns(asked.requests // 2), _turns(asked.requests)
    with contextlib.closing(Wire(size.port)) as wire:
        for number, one in numbered:
            if one["floor"]:
                requests = one.get("floor_requests") or floors[one["floor"]]
                seconds = _ask(wire, size, requests, half)
                samples["own_floors"][number] += seconds
                samples["floors"][one["floor"]] += seconds
            samples["product"][number] += _ask(wire, size, one["requests"], whole, one)
        samples["floors"]["empty"] += _ask(wire, size, floors["empty"], whole)


def _turns(times: int) -> range:
    """So many requests, and those before zero that warm up."""
    return range(-WARM_UP, max(1, times))


def _ask(
    wire: Wire,
    size: stand.Size,
    requests: list[dict[str, Any]],
    turns: range,
    expected: dict[str, Any] | None = None,
) -> list[float]:
    """The seconds of requests, sent in turn. Those that write are taken off the list: each is sent
    once."""
    expected, taken = expected or {}, []
    writes = requests[0].get("method", "GET") != "GET"
    for turn in turns:
        request = requests.pop() if writes else requests[turn % len(requests)]
        seconds, status, body = timed(wire, bytes_of(request, size.port))
        if status != expected.get("status", status if status < 300 else 200):
            raise Refused(f"{request['path']}: {status} {body[:300]!r}")
        if expected.get("expects", "").encode() not in body:
            raise Refused(f"{request['path']} doesn't show {expected['expects']!r}")
        if turn >= 0:
            taken.append(seconds)
    return taken


def _memory(size: stand.Size) -> list[float]:
    """MiB of each worker of a server of its own that has answered the same number of requests.

    Workers end after some thousand requests: one that has just begun is small.
    """
    requests = [
        request
        for one in size.plan["scenarios"]
        for request in one["requests"][:1]
        if request.get("method", "GET") == "GET"
    ]
    with stand.serving(size) as server:
        for turn in range(SERVED if requests else 0):
            with contextlib.closing(Wire(server.port)) as wire:  # whichever worker takes it
                timed(wire, bytes_of(requests[turn % len(requests)], server.port))
        return [round(pss, 1) for pss in stand.memory_of(server)]


# --- writing ---------------------------------------------------------------------------------


def _form(size: stand.Size, rounds: int) -> dict[str, Any]:
    """Requests per second of the form's address and of its floors, in turns."""
    stored = {
        "product": ("integrations_inboundevent", "provider = 'web_form'", 202),
        "capture": ("leads_activity", "via = 'bare'", 201),
        "store": ("integrations_inboundevent", "provider = 'bare'", 202),
    }
    before = {name: stand.count(size, table, where) for name, (table, where, _) in stored.items()}
    rates: dict[str, list[float]] = defaultdict(list)
    answered: dict[str, int] = defaultdict(int)
    for turn in range(max(2, rounds - 2)):
        for name, (_, _, status) in stored.items():
            requests = _submissions(size, name, turn)
            done = rush(size.port, requests, CLIENTS, RUSH_SECONDS, status)
            rates[name].append(done.rate)
            answered[name] += done.answered
    found: dict[str, Any] = {}
    for name, (table, where, _) in stored.items():
        rows = stand.count(size, table, where) - before[name]
        if rows != answered[name]:
            raise Refused(f"{name}: {answered[name]} were answered, {rows} rows are stored")
        ordered = sorted(rates[name])
        found[name] = {"rate": round(ordered[len(ordered) // 2], 1), "rows": rows}
    found["ratio_to_capture"] = round(found["product"]["rate"] / found["capture"]["rate"], 2)
    found["ratio_to_insert"] = round(found["product"]["rate"] / found["store"]["rate"], 2)
    return found


def _submissions(size: stand.Size, name: str, turn: int) -> list[bytes]:
    made = []
    for number in range(RUSH_REQUESTS):
        mark = f"{name}-{turn}-{number}-{time.time_ns()}"
        person = {"name": f"Rush {number}", "email": f"{mark}@bench.example", "message": "Call me"}
        request = {
            "method": "POST",
            "path": size.plan["form"][name],
            "headers": {"Content-Type": "application/json", "Idempotency-Key": mark},
            "body": json.dumps(person),
        }
        made.append(bytes_of(request, size.port))
    return made


def _writes(size: stand.Size, rounds: int) -> dict[str, Any]:
    """Rates of writing in bulk: of each the median round."""
    turns = [
        json.loads(size.run("-m", "tests.benchmarks.writes", LEADCRM_PROCESS="worker"))
        for _ in range(max(1, rounds // 2))
    ]
    return {
        name: sorted((turn[name] for turn in turns), key=lambda one: one["rate"])[len(turns) // 2]
        for name in turns[0]
    }


def _report(sizes: list[dict[str, Any]], asked: argparse.Namespace) -> None:
    facts = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": report.machine(),
        "rounds": asked.rounds,
        "requests": asked.rounds * asked.requests,
    }
    command = " ".join(
        ["make bench", *([f'ARGS="{" ".join(sys.argv[1:])}"'] if sys.argv[1:] else [])]
    )
    text = report.markdown(sizes, facts, command)
    print(text)
    if asked.out:
        path = Path(asked.out)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".md").write_text(text)
        whole = {"facts": facts, "command": command, "sizes": sizes}
        path.with_suffix(".json").write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
