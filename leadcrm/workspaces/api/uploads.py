"""What views that take a file have in common."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar, Generic, TypeVar

from django.core.files.uploadedfile import UploadedFile
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.access import require
from leadcrm.workspaces.api.base import ApiView, require_length, unreadable_bodies
from leadcrm.workspaces.idempotency import answer_once, fingerprint_of, saved_answer

K = TypeVar("K")

AROUND = 1024**2  # bytes of the fields and boundaries around a file


class UploadView(ApiView, Generic[K]):
    """A view whose POST takes a file, as multipart/form-data.

    No transaction may be as long as an upload. So a file is kept first (`keep`), and what it is
    for begins after it (`begin`), in one transaction with the answer of an Idempotency-Key. `need`
    is the permission, asked before anything is read; `largest` are bytes of a file.
    """

    parser_classes = (MultiPartParser,)
    need: ClassVar[str]
    largest: ClassVar[int]
    takes: ClassVar[type[serializers.Serializer[Any]]]

    def keep(self, data: dict[str, Any]) -> K:
        """Keep the file of a checked body; nothing of it where it is refused."""
        raise NotImplementedError

    def begin(self, kept: K) -> Response:
        """Begin with a file that was kept."""
        raise NotImplementedError

    def drop(self, kept: K) -> None:
        """Delete a file that was kept, unless it was begun with."""
        raise NotImplementedError

    def read_body(self, request: Request) -> None:
        if request.method != "POST":
            return
        require(self.membership, self.need)
        require_length(request, self.largest + AROUND)
        with unreadable_bodies(request):
            _ = request.data

    def post(self, request: Request) -> Response:
        return self.begin(self.keep(self.read(self.takes)))

    def answer_by_key(self, request: Request, key: str) -> None:
        if request.method != "POST":
            return

        def once(request: Request) -> Response:
            fingerprint = fingerprint_of(request, _digest(request.data))
            saved = saved_answer(self.membership, key, fingerprint)
            if saved is not None:
                return saved
            kept = self.keep(self.read(self.takes))
            try:
                return answer_once(
                    request,
                    self.membership,
                    key,
                    lambda: self.begin(kept),
                    self.handle_exception,
                    fingerprint,
                )
            finally:
                self.drop(kept)

        setattr(self, "post", once)  # noqa: B010 - in the place of this request's handler


def _digest(data: Any) -> bytes:
    """A hash of the fields and files of a form; of files, also their names."""
    found = hashlib.sha256()
    for name in sorted(data):
        for value in data.getlist(name):
            found.update(repr((name, str(value))).encode("utf-8", "replace"))
            if isinstance(value, UploadedFile):
                for block in value.chunks():
                    found.update(block)
    return found.digest()
