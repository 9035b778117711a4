"""How a page's queries read the large tables: what each did when it ran, as PostgreSQL explains it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from integrations.models import InboundEvent
from leads.models import Activity, Contact, ContactKey, Lead, LeadSearch, Message, Task

BIG = (Lead, Contact, ContactKey, LeadSearch, Activity, Message, InboundEvent, Task)
TABLES = {model._meta.db_table for model in BIG}
READ_AT_MOST = 3_000  # rows of a table that one query reads
PASSED_BY = 1_000  # rows that a count may read besides twice what it counts


@contextmanager
def asked() -> Iterator[list[tuple[str, Any]]]:
    """The queries of a block, with their parameters."""
    seen: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


def complaints(sql: str, params: Any, at_most: int = READ_AT_MOST) -> list[str]:
    """What is wrong with how a query reads the large tables."""
    if not sql.startswith(("SELECT", "(SELECT")) or not any(f'"{one}"' in sql for one in TABLES):
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
        (plan,) = cursor.fetchone()
    top = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    nodes = _nodes(top)
    counted = _counted(top) if "COUNT(" in sql else None
    if counted is not None:  # of rows that may be few among others, counted in the index alone
        at_most = max(at_most, 2 * counted + PASSED_BY)
        nodes = (node for node in nodes if node["Node Type"] != "Index Only Scan")
    return [text for node in nodes for text in _wrong(node, at_most)]


def _counted(plan: dict[str, Any]) -> int | None:
    """The rows that a query counts as far as it counts, or None for one that counts to the end."""
    limits = [int(node["Actual Rows"]) for node in _nodes(plan) if node["Node Type"] == "Limit"]
    return max(limits, default=None)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from _nodes(below)


def _wrong(node: dict[str, Any], at_most: int) -> Iterator[str]:
    table = node.get("Relation Name")
    if table not in TABLES:
        return
    removed = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
    rows = (node["Actual Rows"] + removed) * node["Actual Loops"]
    if node["Node Type"] == "Seq Scan":
        yield f"scans {table}"
    if rows > at_most:
        yield f"reads {rows:,.0f} rows of {table}"
