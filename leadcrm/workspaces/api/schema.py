"""How the OpenAPI document describes what all of the API has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from leadcrm.workspaces.idempotency import HEADER, LONGEST

MATCHED = ("PUT", "PATCH")


class ErrorBodySerializer(serializers.Serializer[Any]):
    code = serializers.CharField(
        help_text="For programs: `invalid`, `not_found`, `stage_refused` …"
    )
    message = serializers.CharField(help_text="For people.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        help_text="What is wrong, by the name of the field, parameter or header.",
    )


class ErrorSerializer(serializers.Serializer[Any]):
    """The one shape of every error."""

    error = ErrorBodySerializer()


def paging_parameters(orders: Mapping[str, Any], largest: int = 100) -> list[OpenApiParameter]:
    """The parameters of a list that comes in pages."""
    found = [
        OpenApiParameter("cursor", str, description="The `next_cursor` of the page before."),
        OpenApiParameter("page_size", {"type": "integer", "minimum": 1, "maximum": largest}),
    ]
    if len(orders) > 1:
        found.append(OpenApiParameter("ordering", str, enum=list(orders)))
    return found


def page_of_schema(kind: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """The shape of a page of rows."""
    name = kind.__name__.removesuffix("Serializer")
    fields = {
        "results": kind(many=True),
        "next_cursor": serializers.CharField(allow_null=True, help_text="Null on the last page."),
    }
    made: serializers.Serializer[Any] = inline_serializer(f"{name}Page", fields)
    return made


class ApiSchema(AutoSchema):
    """Adds the error shape, and the headers that the views understand, to every operation."""

    def get_override_parameters(self) -> list[Any]:
        found = [
            OpenApiParameter(
                "X-Workspace",
                str,
                OpenApiParameter.HEADER,
                description="The workspace's slug, where a session belongs to several.",
            )
        ]
        if self.method in ("POST", "PUT", "PATCH"):
            found.append(
                OpenApiParameter(
                    HEADER,
                    {"type": "string", "maxLength": LONGEST},
                    OpenApiParameter.HEADER,
                    description="Repeat a request with the same key and body to get the same answer.",
                )
            )
        if self.method in MATCHED and getattr(self.view, "versioned", False):
            found.append(
                OpenApiParameter(
                    "If-Match",
                    {"type": "string", "pattern": '^"?[0-9]{1,9}"?$'},
                    OpenApiParameter.HEADER,
                    description="The version (ETag) you read: answers 412 where it has changed.",
                )
            )
        return found

    def get_tags(self) -> list[str]:
        return [getattr(self.view, "tag", "") or super().get_tags()[0]]

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        found: dict[str, Any] = super()._get_response_bodies(direction)
        if direction == "response":
            answer: Any = self._get_response_for_code
            found["default"] = answer(ErrorSerializer, "default")
        return found


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "leadcrm.workspaces.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "lcrm_…"}


class BrowserScheme(SessionScheme):  # type: ignore[no-untyped-call]
    target_class = "leadcrm.workspaces.authentication.SessionAuthentication"
    name = "session"
