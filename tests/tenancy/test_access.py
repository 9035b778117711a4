"""The permissions table of the product, row by row, and what it means for single leads."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.http import Http404

from leadcrm.workspaces.access import (
    NOT_FOUND,
    PERMISSIONS,
    NotAllowed,
    Reach,
    access_workspace,
    memberships_of,
    reach,
    require,
    require_scope,
)
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import ApiToken, Membership, Role, Team, Visibility, Workspace
from leadcrm.workspaces.scoping import no_scope, workspace_scope
from leadcrm.workspaces.tokens import issue_token
from leads import access, lifecycle, timeline
from leads.models import Lead
from tests.factories import NOW, make_lead, make_member

ROLES = ("owner", "admin", "manager", "rep", "viewer")

# As the product has it: ✓ all, T team, O own and unassigned, – no.
TABLE = """
see            ✓ ✓ T O ✓
edit           ✓ ✓ T O –
close          ✓ ✓ T O –
claim          ✓ ✓ ✓ O –
assign         ✓ ✓ T O –
reopen         ✓ ✓ T O –
merge          ✓ ✓ T – –
suggest_merge  ✓ ✓ T O –
archive        ✓ ✓ T – –
bulk           ✓ ✓ T O –
import         ✓ ✓ T – –
export         ✓ ✓ T – –
shared_views   ✓ ✓ ✓ – –
metrics        ✓ ✓ ✓ O ✓
spend          ✓ ✓ ✓ – –
incoming       ✓ ✓ ✓ – –
raw_payload    ✓ ✓ – – –
settings       ✓ ✓ – – –
users          ✓ ✓ – – –
erase          ✓ ✓ – – –
workspace      ✓ – – – –
"""
REACH = {"✓": Reach.ALL, "T": Reach.TEAM, "O": Reach.OWN, "–": Reach.NONE}
ROWS = [line.split() for line in TABLE.strip().splitlines()]


def member_with(workspace: Workspace, role: str, team: Team | None = None) -> Membership:
    return make_member(workspace, role, role.title(), team=team)


def test_the_table_is_complete():
    assert [row[0] for row in ROWS] == list(PERMISSIONS)


@pytest.mark.parametrize(("action", "role", "expected"), [
    (row[0], role, row[n + 1]) for row in ROWS for n, role in enumerate(ROLES)
])  # fmt: skip
@pytest.mark.parametrize("has_teams", [True, False])
def test_each_role_reaches_as_far_as_the_table_says(action, role, expected, has_teams):
    member = Membership(role=role, workspace=Workspace())
    member.has_teams = has_teams  # type: ignore[attr-defined]
    wanted = REACH[expected]
    if wanted is Reach.TEAM and not has_teams:
        wanted = Reach.ALL
    assert reach(member, action) is wanted


def test_whether_there_are_teams_is_looked_up_once(acme, max_, django_assert_num_queries):
    Team.objects.create(name="North")
    with django_assert_num_queries(1):
        assert reach(max_, "edit") is reach(max_, "archive") is Reach.TEAM


@pytest.mark.parametrize(
    ("visibility", "has_teams", "expected"),
    [
        (Visibility.OWN, True, Reach.OWN), (Visibility.OWN, False, Reach.OWN),
        (Visibility.TEAM, True, Reach.TEAM), (Visibility.TEAM, False, Reach.ALL),
        (Visibility.ALL, True, Reach.ALL), (Visibility.ALL, False, Reach.ALL),
    ],
)  # fmt: skip
def test_the_workspace_decides_how_far_a_rep_sees_but_not_edits(
    acme, visibility, has_teams, expected
):
    acme.visibility = visibility
    if has_teams:
        Team.objects.create(name="North")
    rep = member_with(acme, "rep")
    rep.workspace = acme
    assert reach(rep, "see") is expected
    assert reach(rep, "edit") is Reach.OWN
    assert reach(rep, "metrics") is Reach.OWN


# --- leads ---


@pytest.fixture
def north(acme: Workspace) -> Team:
    return Team.objects.create(name="North")


@pytest.fixture
def south(acme: Workspace) -> Team:
    return Team.objects.create(name="South")


@pytest.fixture
def leads(acme: Workspace, north: Team, south: Team) -> dict[str, Lead]:
    """Whose each is, by name."""
    nina = make_member(acme, "rep", "Nina", team=north)
    sam = make_member(acme, "rep", "Sam", team=south)
    return {
        "nina": make_lead(owner=nina),
        "sam": make_lead(owner=sam),
        "nobody": make_lead(),
        "north pool": make_lead(team=north),
        "south pool": make_lead(team=south),
        "sam for north": make_lead(owner=sam, team=north),
    }


EVERYTHING = {"nina", "sam", "nobody", "north pool", "south pool", "sam for north"}
OF_NORTH = {"nina", "nobody", "north pool", "sam for north"}


@pytest.mark.parametrize(
    ("role", "visibility", "sees", "edits"),
    [
        ("owner", "own", EVERYTHING, EVERYTHING),
        ("admin", "own", EVERYTHING, EVERYTHING),
        ("manager", "own", OF_NORTH, OF_NORTH),
        ("rep", "own", {"nobody", "north pool"}, {"nobody", "north pool"}),
        ("rep", "team", OF_NORTH, {"nobody", "north pool"}),
        ("rep", "all", EVERYTHING, {"nobody", "north pool"}),
        ("viewer", "own", EVERYTHING, set()),
    ],
)
def test_a_member_of_north_sees_and_edits(acme, north, leads, role, visibility, sees, edits):
    acme.visibility = visibility
    acme.save()
    member = member_with(acme, role, north)
    names = {lead.pk: name for name, lead in leads.items()}
    assert {names[lead.pk] for lead in access.visible_leads(member)} == sees
    allowed, refused, hidden = set(), set(), set()
    for name, lead in leads.items():
        try:
            access.access_lead(member, lead.pk, need="edit")
            allowed.add(name)
        except NotAllowed:
            refused.add(name)
        except Http404:
            hidden.add(name)
    assert allowed == edits
    assert refused == sees - edits
    assert hidden == EVERYTHING - sees
    within = Lead.objects.filter(access.within(member, "edit"))
    assert {names[lead.pk] for lead in within} & sees == edits


def test_a_rep_sees_and_edits_own_leads(acme, ben):
    mine = make_lead(owner=ben)
    assert access.access_lead(ben, mine.pk, need="edit") == mine


def test_a_manager_without_a_team_is_left_with_own_and_unassigned(acme, leads, max_):
    names = {lead.pk: name for name, lead in leads.items()}
    assert {names[lead.pk] for lead in access.visible_leads(max_)} == {"nobody"}


def test_hidden_missing_and_foreign_leads_get_the_same_answer(acme, rival, rita, leads, ben):
    with workspace_scope(rival):
        theirs = make_lead()
    answers = set()
    for lead_id in (leads["sam"].pk, theirs.pk, uuid.uuid4()):
        with pytest.raises(Http404) as missing:
            access.access_lead(ben, lead_id)
        answers.add(str(missing.value))
    assert answers == {NOT_FOUND}


@pytest.mark.parametrize("find", [
    access.access_contact, access.access_company, access.access_appointment, access.access_task,
    access.access_message, access.access_suggestion,
])  # fmt: skip
def test_what_hangs_on_a_foreign_lead_is_missing_too(acme, rival, ben, ana, find):
    with workspace_scope(rival):
        theirs = make_lead(email="bo@acme.example", company_name="Acme")
        rows = _rows_of(theirs)
    for row in (rows[find.__name__], uuid.uuid4()):
        for member in (ben, ana):
            with pytest.raises(Http404) as missing:
                find(member, row)
            assert str(missing.value) == NOT_FOUND


@pytest.mark.parametrize("find", [
    access.access_contact, access.access_company, access.access_appointment, access.access_task,
    access.access_message, access.access_suggestion,
])  # fmt: skip
def test_what_hangs_on_a_hidden_lead_is_missing_and_on_an_own_one_is_not(acme, ben, find):
    sam = make_member(acme, "rep", "Sam")
    hidden = _rows_of(make_lead(owner=sam, email="a@acme.example", company_name="Acme"))
    with pytest.raises(Http404):
        find(ben, hidden[find.__name__])
    own = _rows_of(make_lead(owner=ben, email="b@other.example", company_name="Other"))
    assert find(ben, own[find.__name__], need="edit").pk == own[find.__name__]


def _rows_of(lead: Lead) -> dict[str, uuid.UUID]:
    from leads.models import Appointment, FieldSuggestion, Message, Task

    made = {
        "access_appointment": Appointment.objects.create(lead=lead),
        "access_task": Task.objects.create(lead=lead, title="Call", due_at=NOW),
        "access_message": Message.objects.create(
            lead=lead, channel="note", direction="internal", occurred_at=NOW
        ),
        "access_suggestion": FieldSuggestion.objects.create(lead=lead, field="state", value="CA"),
        "access_contact": lead.contact,
        "access_company": lead.company,
    }
    return {name: row.pk for name, row in made.items()}


# --- own rules ---


def test_a_rep_reopens_own_leads_for_thirty_days(acme, ben, me):
    mine, pool = make_lead(owner=ben), make_lead()
    lifecycle.close([mine.pk, pool.pk], reason="no_need", by=me, now=NOW)
    mine, pool = Lead.objects.get(pk=mine.pk), Lead.objects.get(pk=pool.pk)
    access.require_reopen(ben, mine, NOW + timedelta(days=30))
    with pytest.raises(NotAllowed):
        access.require_reopen(ben, mine, NOW + timedelta(days=30, seconds=1))
    with pytest.raises(NotAllowed):
        access.require_reopen(ben, pool, NOW)


def test_a_manager_reopens_without_a_limit(acme, max_, me):
    lead = make_lead()
    lifecycle.close([lead.pk], reason="no_need", by=me, now=NOW)
    access.require_reopen(max_, Lead.objects.get(pk=lead.pk), NOW + timedelta(days=400))


def test_a_rep_hands_over_own_leads_only(acme, ben):
    access.require_assign(ben, make_lead(owner=ben))
    with pytest.raises(NotAllowed):
        access.require_assign(ben, make_lead())


def test_a_rep_changes_up_to_two_hundred_own_leads_and_closes_none(acme, ben):
    mine, pool = make_lead(owner=ben), make_lead()
    assert access.access_leads(ben, [mine.pk, pool.pk], need="edit") == [mine.pk]
    with pytest.raises(NotAllowed):
        access.access_leads(ben, [uuid.uuid4() for _ in range(201)], need="edit")
    for need in ("close", "archive"):
        with pytest.raises(NotAllowed):
            access.access_leads(ben, [mine.pk], need=need)


def test_a_viewer_changes_nothing_in_bulk(acme, vera):
    with pytest.raises(NotAllowed):
        access.access_leads(vera, [make_lead().pk], need="edit")


def test_a_manager_closes_many_of_the_team(acme, north, leads):
    manager = make_member(acme, "manager", "Mo", team=north)
    found = access.access_leads(manager, [lead.pk for lead in leads.values()], need="close")
    assert set(found) == {leads[name].pk for name in OF_NORTH}


# --- workspaces and tokens ---


def test_a_stranger_and_a_deactivated_member_get_the_answer_for_a_missing_workspace(
    acme, rita, ben
):
    ben.is_active = False
    ben.save()
    answers = set()
    for user, slug in ((rita.user, acme.slug), (ben.user, acme.slug), (ben.user, "no-such")):
        with no_scope(), pytest.raises(Http404) as missing:
            access_workspace(user.pk, slug)
        answers.add(str(missing.value))
    assert answers == {NOT_FOUND}


def test_a_deactivated_user_is_a_member_nowhere(acme, ben):
    ben.user.is_active = False
    ben.user.save()
    assert not memberships_of(ben.user_id).exists()


def test_a_member_is_found_with_what_a_page_needs(acme, ben, django_assert_num_queries):
    with no_scope(), django_assert_num_queries(1):
        membership = access_workspace(ben.user_id, acme.slug)
        assert membership.workspace == acme
        assert reach(membership, "see") is Reach.OWN
        assert membership.user == ben.user


def test_require_names_no_detail(acme, vera):
    with pytest.raises(NotAllowed) as refused:
        require(vera, "edit")
    assert refused.value.message == "You may not do this. Ask a manager."


def test_a_token_is_narrowed_by_its_scopes_and_by_its_member(acme, vera):
    token, _ = issue_token(membership=vera, name="BI", scopes=[ApiToken.Scope.LEADS_READ])
    actor = Actor.for_token(token)
    require_scope(actor, ApiToken.Scope.LEADS_READ)
    with pytest.raises(NotAllowed) as refused:
        require_scope(actor, ApiToken.Scope.LEADS_WRITE)
    assert "leads:write" in refused.value.message
    with pytest.raises(NotAllowed):
        access.access_lead(vera, make_lead().pk, need="edit")


def test_a_member_in_the_browser_needs_no_scope(acme, ana):
    require_scope(Actor.member(ana), ApiToken.Scope.LEADS_WRITE)


def test_a_user_of_two_workspaces_has_a_role_in_each(acme, rival, ben):
    with workspace_scope(rival):
        Membership.objects.create(user=ben.user, name="Ben", role=Role.OWNER)
    roles = [access_workspace(ben.user_id, place.slug).role for place in (acme, rival)]
    assert roles == [Role.REP, Role.OWNER]


def test_notes_on_a_lead_are_no_way_around(acme, ben):
    """A message of a lead that is visible but not the rep's can be read, not edited."""
    acme.visibility = Visibility.ALL
    acme.save()
    lead = make_lead(owner=make_member(acme, "rep", "Sam"))
    timeline.add_note([lead.pk], body="Hello", by=Actor.system("web"), now=NOW)
    note = lead.messages.get()
    assert access.access_message(ben, note.pk) == note
    with pytest.raises(NotAllowed):
        access.access_message(ben, note.pk, need="edit")
