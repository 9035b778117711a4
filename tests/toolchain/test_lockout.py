"""Five failures lock an address out from where they came, however it was spelt."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

from leadcrm.workspaces.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _lock_out(settings: Any) -> None:
    settings.AXES_ENABLED = True


@pytest.fixture
def ana() -> User:
    return User.objects.create_user(email="ana@example.com", password="correct horse")


def sign_in(email: str, password: str, *, address: str = "192.0.2.1") -> Any:
    request = RequestFactory().post(
        "/sign-in/", {"username": email, "password": password}, REMOTE_ADDR=address
    )
    user = authenticate(request, username=email, password=password)
    if user is not None:
        request.session = SessionStore()
        user_logged_in.send(sender=User, request=request, user=user)
    return user


def test_four_failures_are_forgiven(ana: User) -> None:
    for _ in range(4):
        assert sign_in("ana@example.com", "wrong") is None
    assert sign_in("ana@example.com", "correct horse") == ana
    assert sign_in("ana@example.com", "wrong") is None
    assert sign_in("ana@example.com", "correct horse") == ana


def test_the_fifth_locks_every_spelling_out(ana: User) -> None:
    for email in ("ana@example.com", "ANA@example.com", " ana@example.com", "Ana@Example.com"):
        assert sign_in(email, "wrong") is None
    assert sign_in("ana@example.com", "wrong") is None
    assert sign_in("ana@example.com", "correct horse") is None
    assert sign_in("ANA@example.com", "correct horse") is None


def test_only_from_there_and_only_this_address(ana: User) -> None:
    ben = User.objects.create_user(email="ben@example.com", password="battery staple")
    for _ in range(6):
        sign_in("ana@example.com", "wrong")
    assert sign_in("ana@example.com", "correct horse", address="192.0.2.2") == ana
    assert sign_in("ben@example.com", "battery staple") == ben
