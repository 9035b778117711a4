"""Programs that call the API, and what they read back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from leadcrm.workspaces.models import ApiToken, Membership
from leadcrm.workspaces.scoping import workspace_scope
from leadcrm.workspaces.tokens import issue_token
from tests.factories import NOW

ALL_SCOPES = tuple(ApiToken.Scope.values)


class Api:
    """A program with a token. Bodies are JSON unless given as bytes."""

    def __init__(self, **headers: str) -> None:
        self.client = Client(headers=headers)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        kwargs: dict[str, Any] = {"headers": headers}
        if method not in ("GET", "DELETE"):
            kwargs |= {"data": raw, "content_type": "application/json"}
        return self.client.generic(method, f"/api/{path}", **kwargs)

    def get(self, path: str, **params: Any) -> Any:
        return self.client.get(f"/api/{path}", params)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.request("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.request("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.request("PATCH", path, body, **headers)

    def delete(self, path: str) -> Any:
        return self.request("DELETE", path)


Maker = Callable[..., Api]


@pytest.fixture(autouse=True)
def _in_business_hours() -> Iterator[None]:
    """The API reads the clock: it is the morning of the tests' day."""
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def token_of() -> Maker:
    """A program with a token of this member."""

    def make(
        member: Membership,
        *scopes: str,
        ranks_as: str = ApiToken.RanksAs.PERSON,
        name: str = "Sync",
    ) -> Api:
        with workspace_scope(member.workspace_id):
            _, key = issue_token(
                membership=member, name=name, scopes=scopes or ALL_SCOPES, ranks_as=ranks_as
            )
        return Api(authorization=f"Bearer {key}")

    return make


@pytest.fixture
def api(ana: Membership, token_of: Maker) -> Api:
    """A program that acts as Ana, the owner."""
    return token_of(ana)


def problem(response: Any, status: int, *fields: str) -> dict[str, Any]:
    """The error of a response, checked to have the one shape and to name these fields."""
    assert response.status_code == status, response.content
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "fields"}
    assert body["error"]["code"]
    assert body["error"]["message"]
    assert set(fields) <= set(body["error"]["fields"]), body
    return dict(body["error"])


def done(response: Any, status: int = 200) -> dict[str, Any]:
    """The body of a response that succeeded."""
    assert response.status_code == status, response.content
    return dict(response.json())
