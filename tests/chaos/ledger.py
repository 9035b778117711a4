"""Compares what was acknowledged with what is in the database, in plain SQL."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.chaos.senders import Submission

WAITING = "SELECT count(*) FROM integrations_inboundevent WHERE state = 'waiting'"
UNCOUNTED = """
    SELECT (SELECT count(*) FROM leads_activity WHERE kind IN ('lead_created', 'enquiry_repeated'))
         - (SELECT coalesce(sum(created + repeated), 0) FROM leads_sourceday)
"""
HANDLED = """
    SELECT split_part(e.dedupe_key, ':', 1) AS submission, e.state, e.result,
           (SELECT count(*) FROM leads_activity a
             WHERE a.dedupe_key = 'capture:inbound:' || e.id::text
               AND a.kind IN ('lead_created', 'enquiry_repeated')) AS log_rows,
           l.email
      FROM integrations_inboundevent e LEFT JOIN leads_lead l ON l.id = e.lead_id
"""


@dataclass
class Findings:
    """The comparison. Everything but the first three is to be zero."""

    submissions: int
    people: int
    leads: int
    lost: int
    doubled: int
    unhandled: int
    without_one_log_row: int
    at_the_wrong_person: int
    never_acknowledged: int
    doubled_leads: int
    doubled_contacts: int
    log_rows_too_many: int
    miscounted_by_subscriber: int

    @property
    def faults(self) -> dict[str, int]:
        fine = ("submissions", "people", "leads")
        found = {name: count for name, count in vars(self).items() if name not in fine and count}
        return found | ({"leads": self.leads} if self.leads != self.people else {})


def wait_until_drained(database_url: str, within: float) -> float:
    """Seconds until nothing waits any more and the log's subscriber has seen it all."""
    started = time.monotonic()
    with psycopg.connect(database_url, autocommit=True) as db:
        while time.monotonic() - started < within:
            if _number(db, WAITING) == 0 and _number(db, UNCOUNTED) == 0:
                return time.monotonic() - started
            time.sleep(0.2)
        raise TimeoutError(
            f"{_number(db, WAITING)} payloads and {_number(db, UNCOUNTED)} log rows still wait"
        )


def compare(database_url: str, acknowledged: Sequence[Submission]) -> Findings:
    sent = {submission.id: submission for submission in acknowledged}
    people = {submission.person for submission in acknowledged}
    with psycopg.connect(database_url, autocommit=True) as db:
        rows = db.execute(HANDLED).fetchall()
        leads = _number(db, "SELECT count(*) FROM leads_lead")
        emails = _number(db, "SELECT count(DISTINCT email) FROM leads_lead")
        contacts = _number(db, "SELECT count(*) FROM leads_contact")
        log_rows = _number(
            db,
            "SELECT count(*) FROM leads_activity WHERE kind IN ('lead_created', 'enquiry_repeated')",
        )
        uncounted = _number(db, UNCOUNTED)
    found = [row[0] for row in rows]
    return Findings(
        submissions=len(sent),
        people=len(people),
        leads=leads,
        lost=len(set(sent) - set(found)),
        doubled=len(found) - len(set(found)),
        unhandled=sum(
            1 for row in rows if row[1:3] not in (("done", "new_lead"), ("done", "added"))
        ),
        without_one_log_row=sum(1 for row in rows if row[3] != 1),
        at_the_wrong_person=sum(
            1
            for row in rows
            if row[0] in sent and row[4] != f"person{sent[row[0]].person}@chaos.example"
        ),
        never_acknowledged=len(set(found) - set(sent)),
        doubled_leads=leads - emails,
        doubled_contacts=contacts - len(people),
        log_rows_too_many=log_rows - len(rows),
        miscounted_by_subscriber=uncounted,
    )


def _number(db: psycopg.Connection[Any], query: str) -> int:
    row = db.execute(query).fetchone()
    return int(row[0]) if row else 0
