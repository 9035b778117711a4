"""Imports: a file on its way into the workspace, step by step."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.access import require
from leadcrm.workspaces.api.base import ApiView
from leadcrm.workspaces.api.schema import page_of_schema, paging_parameters
from leadcrm.workspaces.api.uploads import UploadView
from leadcrm.workspaces.paging import Order, orders
from leads.api import import_serializers as shapes
from leads.api.verb_inputs import NothingSerializer
from leads.importing import looking, running, storing
from leads.importing.comparing import RESULTS
from leads.importing.running import access_import
from leads.importing.sniffing import CSV, UnreadableFile
from leads.importing.targets import targets_of
from leads.models import Import

NEWEST = orders(Order("-created_at", "created_at", descending=True))
KEPT_SHOWN = 50
CURSOR = OpenApiParameter("cursor", str, description="The `next_cursor` of the page before.")
WIDE = ("headers", "samples", "confidence", "mapping", "options")


class ImportListView(UploadView[Import]):
    tag = "Imports"
    need = "import"
    largest = storing.LARGEST
    takes = shapes.UploadSerializer

    @extend_schema(
        operation_id="imports_list",
        summary="List imports, newest first",
        parameters=paging_parameters(NEWEST),
        responses=page_of_schema(shapes.ImportSerializer),
    )
    def get(self, request: Request) -> Response:
        rows = running.visible_imports(self.membership).defer(*WIDE)
        return self.page(
            rows, NEWEST, lambda rows: list(shapes.ImportSerializer(rows, many=True).data)
        )

    @extend_schema(
        operation_id="imports_create",
        summary="Upload a file to import",
        description="A worker then reads it: ask for the import until its state is `columns`, or "
        "`failed` with the problem.",
        request=shapes.UploadSerializer,
        responses={201: shapes.ImportDetailSerializer},
    )
    def post(self, request: Request) -> Response:
        return super().post(request)

    def keep(self, data: dict[str, Any]) -> Import:
        file = data["file"]
        try:
            return storing.keep(
                file.name, file.chunks(), kind=data["kind"], by=self.membership, now=self.now
            )
        except UnreadableFile as problem:
            raise ValidationError({"file": [str(problem)]}) from None

    def begin(self, kept: Import) -> Response:
        storing.begin(kept)
        return Response(_detail(self, kept), status=201)

    def drop(self, kept: Import) -> None:
        storing.drop(kept)


class ImportView(ApiView):
    tag = "Imports"

    @extend_schema(
        operation_id="imports_retrieve",
        summary="Read an import: its state, columns, options and numbers",
        responses=shapes.ImportDetailSerializer,
    )
    def get(self, request: Request, import_id: uuid.UUID) -> Response:
        self.refuse_unknown(set())
        return Response(_detail(self, access_import(self.membership, import_id)))


class ColumnsView(ApiView):
    tag = "Imports"

    @extend_schema(
        operation_id="imports_columns",
        summary="Choose what becomes of each column, and start the check",
        description="It is remembered for files of the same columns. The state is `checked` once "
        "the check is through.",
        request=shapes.ColumnsSerializer,
        responses=shapes.ImportDetailSerializer,
    )
    def put(self, request: Request, import_id: uuid.UUID) -> Response:
        batch = access_import(self.membership, import_id)
        data = self.read(shapes.ColumnsSerializer)
        options = _options(batch, data.get("options", {}))
        running.choose(batch, data["mapping"], options, self.now)
        return Response(_detail(self, access_import(self.membership, import_id)))


class ReadingView(ApiView):
    tag = "Imports"

    @extend_schema(
        operation_id="imports_reading",
        summary="Read the file otherwise: another encoding, delimiter or row of names",
        description="In another encoding or with another delimiter the worker reads it anew, and "
        "finds the row of names by itself.",
        request=shapes.ReadingSerializer,
        responses=shapes.ImportDetailSerializer,
    )
    def put(self, request: Request, import_id: uuid.UUID) -> Response:
        batch = access_import(self.membership, import_id)
        data = self.read(shapes.ReadingSerializer)
        if batch.form != CSV and {"encoding", "delimiter"} & set(data):
            name = next(name for name in data if name != "header_row")
            raise ValidationError({name: ["A workbook has none."]})
        running.read_otherwise(
            batch,
            encoding=data.get("encoding", batch.encoding),
            delimiter=data.get("delimiter", batch.delimiter),
            header_row=data.get("header_row", max(batch.header_row, 0)),
        )
        return Response(_detail(self, access_import(self.membership, import_id)))


class FindingsView(ApiView):
    tag = "Imports"

    @extend_schema(
        operation_id="imports_findings",
        summary="Look at what the check found, row by row",
        parameters=[
            OpenApiParameter(
                "result",
                str,
                enum=RESULTS,
                description="When left out: errors, else conflicts, else changes, else new rows.",
            ),
            CURSOR,
        ],
        responses=page_of_schema(shapes.FindingSerializer),
    )
    def get(self, request: Request, import_id: uuid.UUID) -> Response:
        self.refuse_unknown({"result", "cursor"})
        batch = access_import(self.membership, import_id)
        params = request.query_params
        result = params.get("result") or looking.opens_on(batch.counts)
        if result not in RESULTS:
            raise ValidationError({"result": [f"Choose one of {', '.join(RESULTS)}."]})
        after = _row(params.get("cursor", ""))
        rows, more = looking.shown_rows(batch, self.membership.workspace, result, after)
        cursor = None if more is None else str(more)
        return Response({"results": [_finding(row) for row in rows], "next_cursor": cursor})


class TargetsView(ApiView):
    tag = "Imports"

    @extend_schema(
        operation_id="imports_targets",
        summary="List what a column may become",
        parameters=[OpenApiParameter("kind", str, enum=Import.Kind.values)],
        responses=shapes.TargetsSerializer,
    )
    def get(self, request: Request) -> Response:
        self.refuse_unknown({"kind"})
        require(self.membership, "import")
        kind = request.query_params.get("kind") or Import.Kind.LEADS
        if kind not in Import.Kind.values:
            raise ValidationError({"kind": [f"Choose one of {', '.join(Import.Kind.values)}."]})
        found = [
            {"key": one.key, "name": one.label, "group": one.group, "gathers": one.gathers}
            for one in targets_of(kind).values()
        ]
        return Response({"results": found})


class Json(DefaultContentNegotiation):
    """Says what is wrong in JSON also to who asks for another type, which the view answers itself."""

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class ErrorsView(ApiView):
    tag = "Imports"
    content_negotiation_class = Json

    @extend_schema(
        operation_id="imports_errors",
        summary="Download the rows that can't be imported, with the reason, as CSV",
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "Row, reason, and the cells.")
        },
    )
    def get(self, request: Request, import_id: uuid.UUID) -> StreamingHttpResponse:
        self.refuse_unknown(set())
        batch = access_import(self.membership, import_id)
        return looking.error_download(batch)


class StepView(ApiView):
    """Does something with an import as a whole."""

    tag = "Imports"
    step: ClassVar[Callable[..., None]]

    def post(self, request: Request, import_id: uuid.UUID) -> Response:
        batch = access_import(self.membership, import_id)
        self.read(NothingSerializer)
        type(self).step(batch, self.now)
        return Response(_detail(self, access_import(self.membership, import_id)))


def step_view(name: str, summary: str, step: Callable[..., None]) -> Any:
    """The view function of one step."""
    view: Any = type(f"Import{name.title()}View", (StepView,), {"step": staticmethod(step)})
    post = extend_schema(
        operation_id=f"imports_{name}",
        summary=summary,
        request=NothingSerializer,
        responses=shapes.ImportDetailSerializer,
    )
    return extend_schema_view(post=post)(view).as_view()


def _options(batch: Import, given: dict[str, Any]) -> dict[str, Any]:
    """The options as an import keeps them. Raises ValidationError for those that it hasn't."""
    if batch.kind == Import.Kind.HISTORY and (wrong := set(given) - shapes.OF_HISTORY):
        name = min(wrong)
        sent = f"{name}_id" if name in shapes.LINKED else name
        raise ValidationError({f"options.{sent}": ["History has no such option."]})
    return {
        name: (str(value.pk) if value else None) if name in shapes.LINKED else value
        for name, value in given.items()
    }


def _detail(view: ApiView, batch: Import) -> Any:
    now = view.now
    working = running.progress(batch) if batch.is_working else None
    shown = {name: batch.option(name) for name in shapes.PLAIN}
    linked = {f"{name}_id": batch.option(name) or None for name in shapes.LINKED}
    kept = looking.kept_leads(batch, KEPT_SHOWN) if batch.effects.get("kept") else []
    return {
        **shapes.ImportSerializer(batch).data,
        "encoding": batch.encoding,
        "delimiter": batch.delimiter,
        "header_row": max(batch.header_row, 0),
        "progress": {"done": working[0], "total": working[1] or None} if working else None,
        "columns": _columns(batch),
        "options": {**shown, **linked},
        "remembered": batch.remembered,
        "intended": running.intended(batch),
        "may_undo": running.may_undo(batch, now),
        "kept_ids": kept,
    }


def _columns(batch: Import) -> list[dict[str, Any]]:
    parts = zip(batch.headers, batch.samples, batch.mapping, batch.confidence, strict=False)
    return [
        {"name": name, "samples": samples, "target": target, "confidence": sure}
        for name, samples, target, sure in parts
    ]


def _row(cursor: str) -> int:
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 9):
        raise ValidationError(
            {"cursor": ["This is no place in this list. Start at its first page."]}
        )
    return int(cursor)


def _finding(row: looking.ShownRow) -> dict[str, Any]:
    return {
        "row": row.number,
        "result": row.result,
        "lead_id": row.lead_id or None,
        "cells": [
            {"name": cell.label, "new": cell.new, "old": cell.old, "kept": cell.kept}
            for cell in row.cells
        ],
        "notes": row.notes,
        "error": row.error,
    }
