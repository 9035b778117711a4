"""API tokens: shown once, kept as a digest, good only as long as everything behind them is."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from leadcrm.workspaces.actors import Actor, Rank
from leadcrm.workspaces.models import ApiToken
from leadcrm.workspaces.scoping import no_scope, workspace_scope
from leadcrm.workspaces.tokens import PREFIX, digest_of, find_token, issue_token, revoke_token
from tests.factories import NOW


@pytest.fixture
def issued(acme, ana) -> tuple[ApiToken, str]:
    return issue_token(
        membership=ana, name="BI", scopes=["leads:read"], expires_at=NOW + timedelta(days=9)
    )


def test_a_key_is_long_and_only_its_digest_is_kept(issued):
    token, key = issued
    assert key.startswith(PREFIX)
    assert len(key) >= len(PREFIX) + 43
    stored = [str(value) for value in ApiToken.objects.values_list().get(pk=token.pk)]
    assert not any(key in value or key[len(PREFIX) :] in value for value in stored)
    assert token.digest == hashlib.sha256(key.encode()).hexdigest()
    assert key.startswith(token.prefix)
    assert len(token.prefix) == len(PREFIX) + 4


def test_a_key_finds_its_token_from_anywhere_in_few_queries(
    issued, acme, django_assert_num_queries
):
    token, key = issued
    with no_scope(), django_assert_num_queries(2):  # with the note of its first use
        found = find_token(key, NOW)
        assert found is not None
        assert (found.pk, found.membership.workspace, found.membership.user.email) == (
            token.pk, acme, token.membership.user.email,
        )  # fmt: skip
    with no_scope(), django_assert_num_queries(1):
        assert find_token(key, NOW + timedelta(minutes=4)) == token


def test_its_use_is_noted_every_few_minutes(issued):
    token, key = issued
    for minutes, noted in ((0, 0), (4, 0), (6, 6)):
        find_token(key, NOW + timedelta(minutes=minutes))
        token.refresh_from_db()
        assert token.last_used_at == NOW + timedelta(minutes=noted)


@pytest.mark.parametrize("key", ["", "x", PREFIX, "\x00", "\ud800", "é" * 5000])
def test_no_other_key_finds_anything(issued, key):
    assert find_token(key, NOW) is None


@pytest.mark.parametrize("case", ["revoked", "expired", "member deactivated", "user deactivated"])
def test_a_key_that_is_no_longer_good_finds_nothing(issued, ana, case):
    token, key = issued
    now = NOW
    if case == "revoked":
        revoke_token(token, NOW)
    elif case == "expired":
        now = NOW + timedelta(days=9)
    elif case == "member deactivated":
        ana.is_active = False
        ana.save()
    else:
        ana.user.is_active = False
        ana.user.save()
    assert find_token(key, now) is None
    token.refresh_from_db()
    assert token.last_used_at is None


def test_a_token_ranks_as_an_integration_unless_it_stands_for_a_person(acme, ana):
    for ranks_as, rank, human in (
        ("integration", Rank.IMPORT, False),
        ("person", Rank.PERSON, True),
    ):
        token, _ = issue_token(membership=ana, name=ranks_as, scopes=[], ranks_as=ranks_as)
        actor = Actor.for_token(token)
        assert (actor.kind, actor.via, actor.rank, actor.is_human) == ("token", "api", rank, human)


def test_a_token_is_not_visible_from_another_workspace(issued, rival):
    with workspace_scope(rival):
        assert not ApiToken.objects.exists()


def test_two_keys_never_share_a_digest(acme, ana):
    keys = [issue_token(membership=ana, name="k", scopes=[])[1] for _ in range(20)]
    assert len({digest_of(key) for key in keys}) == 20
