"""The OpenAPI document and the docs page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver, reverse
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    GENERATOR_STATS.reset()
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


def test_the_document_is_valid_and_generated_without_warnings(document: dict[str, Any]) -> None:
    validate_schema(document)
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


def test_every_operation_shows_the_error_shape_and_the_ways_in(document: dict[str, Any]) -> None:
    operations = [
        (path, method, one)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    ]
    assert len({one["operationId"] for _, _, one in operations}) == len(operations) > 60
    for path, method, one in operations:
        assert "default" in one["responses"], (path, method)
        assert {"token": []} in one["security"], (path, method)
        names = {parameter["name"] for parameter in one.get("parameters", [])}
        assert ("Idempotency-Key" in names) == (method in ("post", "put", "patch")), path


def test_every_address_of_the_api_is_in_the_document(document: dict[str, Any]) -> None:
    patterns = next(
        one for one in get_resolver().url_patterns if getattr(one, "app_name", None) == "api"
    )
    nested = [part for one in patterns.url_patterns for part in getattr(one, "url_patterns", ())]
    routes = {f"/api/{one.pattern}" for one in nested}
    shown = {path.replace("{", "<").replace("}", ">") for path in document["paths"]}
    plain = {
        route.replace("<uuid:", "<").replace("<str:", "<").replace("<path:", "<")
        for route in routes
    }
    assert plain == shown


def test_the_document_is_served_to_anybody(db: None) -> None:
    answer = Client().get("/api/schema/")
    assert answer.status_code == 200
    assert b"openapi: 3" in answer.content


def test_the_docs_page_keeps_to_the_content_security_policy(db: None) -> None:
    answer = Client().get(reverse("api:docs"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "'unsafe" not in answer["Content-Security-Policy"]
    assert "<style" not in page
    assert "<script>" not in page
    assert " style=" not in page
    script = Client().get("/api/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert reverse("api:schema") in script.content.decode()


def test_the_apis_names_stay_in_their_own_namespace() -> None:
    assert reverse("api:leads") == "/api/leads"
