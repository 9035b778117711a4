"""Structured logs without personal data: what happened, to which id, never to whom."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

# The lookbehind starts each run of letters once: without it a long one takes quadratic time.
EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"\+\d{8,15}\b")
QUERY = re.compile(r"\?\S*")
# Whoever reads the link of an invitation or of a new password can use it.
SECRET = re.compile(r"(/join/|/password/reset/[^/\s]+/)[^/\s'\"?]+")

# Each would write lines of its own per tick, request or sign-in.
QUIET = ("axes", "celery.app.trace", "celery.beat", "celery.worker.strategy", "django_celery_beat")

Event = MutableMapping[str, Any]


def configure(*, json: bool, level: str) -> dict[str, Any]:
    """Configure structlog and give Django's LOGGING, which sends every logger through it."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    # Rendered here, so that masking sees it and no local variable is in it.
                    structlog.processors.format_exc_info,
                    mask_personal_data,
                    _renderer(json),
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["console"], "level": level, "propagate": False},
            "django.request": {"level": "ERROR"},  # each 4xx has its request_finished line
            **{name: {"level": "WARNING"} for name in QUIET},
        },
    }


def mask_personal_data(logger: Any, method: str, event: Event) -> Event:
    """Blank addresses, phone numbers and links' secrets everywhere, query strings in requests."""
    if isinstance(event.get("request"), str):
        event["request"] = QUERY.sub("?…", event["request"])
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        value = SECRET.sub(r"\1…", value)
        return PHONE.sub("<phone>", EMAIL.sub("<email>", value))
    if isinstance(value, Mapping):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value


def _renderer(json: bool) -> Any:
    if json:
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=_plain)
    return structlog.dev.ConsoleRenderer(
        pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
    )


def _plain(value: object) -> str:
    """Anything but a plain value is logged by its type: its repr may hold a person's data."""
    return f"<{type(value).__name__}>"
