"""The duplicate finder: looks at some people, and writes the pairs that may be the same.

It goes set by set: people who share a blocking key are joined by the database, and scored by the
trigrams of their plain names and companies. A key that very many share says nothing and is left
out, so that no name or number makes the work grow with the square of its people.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from leadcrm.workspaces.arrays import array_of
from leadcrm.workspaces.inserting import insert_rows
from leadcrm.workspaces.new_rows import new_row
from leadcrm.workspaces.scoping import current_workspace_id
from leads.likeness import LAST_DIGITS, Likeness, likeness_of
from leads.models import ContactKey, DuplicatePair, Lead, MatchProfile

MOST_IN_BLOCK = 50  # people who share a key that is worth comparing by
MOST_PAIRS = 10  # of one person
LEAST_SCORE = 65
SAME_PERSON = 100  # two open leads of one person
MOST_LEADS = 5  # further open leads of one person that are reported

# How alike two profiles are, in percent, by the kinds of keys that they share.
SCORE = """
LEAST(99, round(GREATEST(
    CASE WHEN 'email' = ANY(kinds) THEN 70 + 30 * alike ELSE 0 END,
    CASE WHEN 'phone' = ANY(kinds) THEN 45 + 45 * alike + 10 * (firm >= 0.6)::int ELSE 0 END,
    CASE WHEN 'mailbox' = ANY(kinds) AND alike >= 0.5 THEN 60 + 30 * alike ELSE 0 END,
    CASE WHEN 'number' = ANY(kinds) AND alike >= 0.5 THEN 60 + 30 * alike ELSE 0 END,
    CASE WHEN 'domain' = ANY(kinds) AND alike >= 0.6 THEN 55 + 30 * alike ELSE 0 END,
    CASE WHEN kinds && '{name,firm}' AND alike >= 0.6 AND firm >= 0.5
        THEN 55 * alike + 40 * firm ELSE 0 END
)))
"""
FIND = f"""
WITH mine AS MATERIALIZED (
    SELECT profile, kind, value FROM leads_blockingkey WHERE profile = ANY(%(ids)s::uuid[])
), hits AS (
    SELECT mine.profile AS one, other, mine.kind
    FROM mine
    CROSS JOIN LATERAL (
        SELECT array_agg(near.profile) AS others FROM (
            SELECT profile FROM leads_blockingkey
            WHERE workspace_id = %(workspace)s AND value = mine.value
            LIMIT {MOST_IN_BLOCK + 1}
        ) near
    ) block
    CROSS JOIN LATERAL unnest(block.others) AS other
    WHERE cardinality(block.others) BETWEEN 2 AND {MOST_IN_BLOCK} AND other <> mine.profile
), pairs AS (
    SELECT LEAST(one, other) AS first, GREATEST(one, other) AS second,
        array_agg(DISTINCT kind::text) AS kinds
    FROM hits GROUP BY 1, 2
), alike AS (
    SELECT pairs.*, a.lead_id AS first_lead, b.lead_id AS second_lead,
        similarity(a.name, b.name) AS alike,
        CASE WHEN a.company = '' OR b.company = '' THEN 0
            ELSE similarity(a.company, b.company) END AS firm
    FROM pairs
    JOIN leads_matchprofile a ON a.id = pairs.first AND a.workspace_id = %(workspace)s
    JOIN leads_matchprofile b ON b.id = pairs.second AND b.workspace_id = %(workspace)s
    WHERE a.is_test = b.is_test
), scored AS (
    SELECT *, {SCORE} AS score FROM alike
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY first ORDER BY score DESC, second) AS of_first,
        row_number() OVER (PARTITION BY second ORDER BY score DESC, first) AS of_second
    FROM scored WHERE score >= {LEAST_SCORE}
)
INSERT INTO leads_duplicatepair AS known (
    id, workspace_id, about, first, second, first_lead_id, second_lead_id, score, reasons, state,
    found_at, seen_at
)
SELECT gen_random_uuid(), %(workspace)s, 'people', first, second, first_lead, second_lead, score,
    kinds || CASE WHEN firm >= 0.5 THEN '{{company}}'::text[] ELSE '{{}}' END
          || CASE WHEN alike >= 0.6 THEN '{{alike}}'::text[] ELSE '{{}}' END,
    'open', %(now)s, %(now)s
FROM ranked WHERE of_first <= {MOST_PAIRS} AND of_second <= {MOST_PAIRS}
ORDER BY first, second
ON CONFLICT (workspace_id, first, second) DO UPDATE SET
    score = CASE WHEN known.suggested_at IS NULL THEN excluded.score ELSE known.score END,
    reasons = excluded.reasons, seen_at = excluded.seen_at,
    first_lead_id = excluded.first_lead_id, second_lead_id = excluded.second_lead_id
WHERE known.state = 'open'
"""  # noqa: S608 - our own numbers


def look_at(
    contacts: Collection[uuid.UUID], leads: Collection[uuid.UUID] = (), *, now: datetime
) -> int:
    """Compare these people with all others of the workspace in scope; call it in a transaction.

    `contacts` are compared as they are now; of `leads`, those that have no contact. What was
    decided stands; open pairs that hold no longer go, unless somebody suggested them. Returns how
    many people were compared.
    """
    people = _read_contacts(contacts) + _read_leads(leads)
    ids = {*contacts, *leads}
    _write_profiles(people, ids)
    if people:
        with connection.cursor() as cursor:
            named = array_of(sorted(person.id for person in people))
            cursor.execute(FIND, {"ids": named, "workspace": current_workspace_id(), "now": now})
    several = [person for person in people if len(person.open_leads) > 1]
    _report_leads_of_one(several, now)
    _forget_stale(ids, now)
    return len(people)


SIMILAR = f"""
WITH mine AS MATERIALIZED (
    SELECT * FROM unnest(%(kinds)s::text[], %(hashes)s::bigint[]) AS mine (kind, value)
), pairs AS (
    SELECT other, array_agg(DISTINCT mine.kind) AS kinds
    FROM mine
    CROSS JOIN LATERAL (
        SELECT array_agg(near.profile) AS others FROM (
            SELECT profile FROM leads_blockingkey
            WHERE workspace_id = %(workspace)s AND value = mine.value
            LIMIT {MOST_IN_BLOCK + 1}
        ) near
    ) block
    CROSS JOIN LATERAL unnest(block.others) AS other
    WHERE cardinality(block.others) <= {MOST_IN_BLOCK}
    GROUP BY other
), alike AS (
    SELECT pairs.kinds, known.lead_id, similarity(known.name, %(name)s) AS alike,
        CASE WHEN known.company = '' OR %(company)s = '' THEN 0
            ELSE similarity(known.company, %(company)s) END AS firm
    FROM pairs JOIN leads_matchprofile known ON known.id = pairs.other
    WHERE known.workspace_id = %(workspace)s AND known.is_test = %(is_test)s
)
SELECT lead_id FROM (SELECT lead_id, {SCORE} AS score FROM alike) scored
WHERE score >= {LEAST_SCORE} ORDER BY score DESC, lead_id LIMIT 1
"""  # noqa: S608 - our own numbers


def similar_to(values: Mapping[str, Any], is_test: bool) -> Lead | None:
    """The lead of whoever is most like somebody new, whose lead fields these are, if anybody is."""
    names = [values.get(name) or "" for name in ("first_name", "last_name")]
    likeness = likeness_of(
        " ".join(names) if all(names) else values.get("display_name") or "",
        values.get("company_name") or "",
        [values["email"]] if values.get("email") else [],
        [values["phone"]] if values.get("phone") else [],
    )
    if not likeness.keys:
        return None
    kinds, hashes = zip(*sorted(likeness.keys), strict=True)
    asked: dict[str, Any] = {
        "kinds": array_of(kinds),
        "hashes": array_of(hashes),
        "workspace": current_workspace_id(),
        "name": likeness.name,
        "company": likeness.company,
        "is_test": is_test,
    }
    with connection.cursor() as cursor:
        cursor.execute(SIMILAR, asked)
        row = cursor.fetchone()
    leads = Lead.objects.present().select_related("stage", "owner")
    found: Lead | None = leads.filter(pk=row[0]).first() if row else None
    return found


@dataclass(slots=True)
class _Person:
    """A contact or a lead without one; `open_leads` the oldest first."""

    id: uuid.UUID
    lead: uuid.UUID
    is_test: bool
    likeness: Likeness
    open_leads: list[uuid.UUID] = field(default_factory=list)


# Contacts with a lead that isn't removed: the open one by which they are shown, or the newest.
CONTACTS = """
SELECT person.id, person.display_name, person.first_name, person.last_name,
    coalesce(nullif(person.company_name, ''), company.name, ''), person.email, person.phone,
    (SELECT array_agg(named.kind || ':' || named.value) FROM leads_contactkey named
        WHERE named.contact_id = person.id),
    theirs.shown, theirs.is_test, theirs.still_open
FROM leads_contact person
LEFT JOIN leads_company company ON company.id = person.company_id
CROSS JOIN LATERAL (
    SELECT (array_agg(lead.id ORDER BY lead.outcome = 'open' DESC, lead.created_at DESC))[1] AS shown,
        bool_and(lead.is_test) AS is_test,
        array_agg(lead.id ORDER BY lead.created_at, lead.id)
            FILTER (WHERE lead.outcome = 'open') AS still_open
    FROM leads_lead lead WHERE lead.contact_id = person.id AND lead.archived_at IS NULL
) theirs
WHERE person.id = ANY(%s::uuid[]) AND person.workspace_id = %s AND person.archived_at IS NULL
    AND theirs.shown IS NOT NULL
"""


def _read_contacts(ids: Collection[uuid.UUID]) -> list[_Person]:
    """Those of the contacts that have a lead which isn't removed."""
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(CONTACTS, [array_of(ids), current_workspace_id()])
        return [_person_of(row) for row in cursor.fetchall()]


def _person_of(row: tuple[Any, ...]) -> _Person:
    pk, name, first, last, company, email, phone, keys, shown, is_test, still_open = row
    emails, phones = {email} - {""}, {phone} - {""}
    for key in keys or ():
        kind, _, value = key.partition(":")
        (emails if kind == ContactKey.Kind.EMAIL else phones).add(value)
    whole = f"{first} {last}" if first and last else name
    likeness = likeness_of(whole, company, emails, phones)
    return _Person(pk, shown, is_test, likeness, still_open or [])


def _read_leads(ids: Collection[uuid.UUID]) -> list[_Person]:
    columns = ("pk", "display_name", "company_name", "phone_raw", "is_test")
    rows = Lead.objects.present().filter(pk__in=ids, contact=None)
    return [
        _Person(pk, pk, test, likeness_of(name, company, (), _number_in(raw)))
        for pk, name, company, raw, test in rows.values_list(*columns)
    ]


def _number_in(raw: str) -> list[str]:
    """The digits of a number that is no valid one: it still may be somebody's, spelled wrongly."""
    digits = "".join(filter(str.isdigit, raw))
    return [digits] if len(digits) >= LAST_DIGITS else []


def _write_profiles(people: Sequence[_Person], ids: Collection[uuid.UUID]) -> None:
    workspace_id = current_workspace_id()
    forget(ids)
    insert_rows(
        [
            new_row(
                MatchProfile,
                id=person.id,
                workspace_id=workspace_id,
                lead_id=person.lead,
                name=person.likeness.name,
                company=person.likeness.company,
                is_test=person.is_test,
            )
            for person in people
        ]
    )
    keys = [
        (str(person.id), kind, value)
        for person in people
        for kind, value in sorted(person.likeness.keys)
    ]
    if keys:
        with connection.cursor() as cursor:
            columns = map(array_of, zip(*keys, strict=True))
            cursor.execute(ADD_KEYS, [workspace_id, *columns])


ADD_KEYS = """
INSERT INTO leads_blockingkey (workspace_id, profile, kind, value)
SELECT %s, * FROM unnest(%s::uuid[], %s::text[], %s::bigint[])
"""
FORGET = """
WITH gone AS (DELETE FROM leads_blockingkey WHERE profile = ANY(%(ids)s::uuid[])
    AND workspace_id = %(workspace)s)
DELETE FROM leads_matchprofile WHERE id = ANY(%(ids)s::uuid[]) AND workspace_id = %(workspace)s
"""


def forget(ids: Iterable[uuid.UUID]) -> None:
    """Take people out of the comparison."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, {"ids": array_of(ids), "workspace": current_workspace_id()})


def _report_leads_of_one(people: Sequence[_Person], now: datetime) -> None:
    """Pairs of each person's oldest open lead with their others."""
    pairs = [
        DuplicatePair(
            about=DuplicatePair.About.LEADS,
            first=min(person.open_leads[0], other),
            second=max(person.open_leads[0], other),
            first_lead_id=min(person.open_leads[0], other),
            second_lead_id=max(person.open_leads[0], other),
            score=SAME_PERSON,
            reasons=["person"],
            found_at=now,
            seen_at=now,
        )
        for person in people
        for other in person.open_leads[1 : 1 + MOST_LEADS]
    ]
    DuplicatePair.objects.bulk_create(
        sorted(pairs, key=lambda pair: (pair.first, pair.second)),
        1000,
        update_conflicts=True,
        unique_fields=["workspace", "first", "second"],
        update_fields=["seen_at"],
    )


# Two statements' worth of conditions in one: an OR over both columns would not use their indexes.
STALE = """
WITH theirs AS MATERIALIZED (
    SELECT unnest(%(ids)s::uuid[]) AS id
    UNION SELECT id FROM leads_lead WHERE contact_id = ANY(%(ids)s::uuid[])
), touched AS (
    SELECT pair.id FROM theirs JOIN leads_duplicatepair pair
        ON pair.workspace_id = %(workspace)s AND pair.first = theirs.id
    UNION SELECT pair.id FROM theirs JOIN leads_duplicatepair pair
        ON pair.workspace_id = %(workspace)s AND pair.second = theirs.id
)
DELETE FROM leads_duplicatepair pair USING touched
WHERE pair.id = touched.id AND pair.state = 'open' AND pair.suggested_at IS NULL
    AND pair.seen_at < %(now)s
"""


def _forget_stale(ids: Collection[uuid.UUID], now: datetime) -> None:
    """Open pairs of these people, or of their leads, that weren't found again."""
    named: dict[str, Any] = {"ids": array_of(ids), "workspace": current_workspace_id(), "now": now}
    with connection.cursor() as cursor:
        cursor.execute(STALE, named)
