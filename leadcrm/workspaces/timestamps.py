"""Reading times from PostgreSQL. Django's own reader takes ten times as long; a lead has a dozen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from django.db.backends.signals import connection_created


class UtcLoader(BaseTzLoader):  # type: ignore[misc]
    """Reads the times of connections whose time zone is UTC, as Django sets it with USE_TZ."""

    timezone = UTC

    def load(self, data: Any) -> datetime:
        try:
            return datetime.fromisoformat(bytes(data).decode())
        except ValueError:  # a year before 1 or after 9999, or infinity
            found: datetime = super().load(data)
            return found


def read_times_quickly() -> None:
    """Called once, when Django has started."""
    connection_created.connect(_register)


def _register(connection: Any, **kwargs: Any) -> None:
    if connection.timezone == UTC:
        connection.connection.adapters.register_loader("timestamptz", UtcLoader)
