"""Logs hold no personal data, wherever in an event it turns up."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import time
from collections.abc import Iterator

import pytest
import structlog
from django.conf import settings

from leadcrm import logs


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a JSON handler, as in production, writes."""
    stream = io.StringIO()
    config = logs.configure(json=True, level="INFO")
    config["handlers"]["console"]["stream"] = stream
    config["loggers"]["tests.logs"] = {"handlers": ["console"], "propagate": False}
    logging.config.dictConfig(config)
    yield stream
    logging.config.dictConfig(settings.LOGGING)


def test_addresses_and_numbers_are_masked(written: io.StringIO) -> None:
    structlog.get_logger("tests.logs").info(
        "lead_captured",
        lead_id=42,
        email="ana.b+x@example.co.uk",
        nested={"to": ["call +4915112345678", 7]},
        request="GET /leads/?q=Ana&page=2",
        lead=object(),
    )
    line = json.loads(written.getvalue())
    assert line["event"] == "lead_captured"
    assert line["lead_id"] == 42
    assert line["email"] == "<email>"
    assert line["nested"] == {"to": ["call <phone>", 7]}
    assert line["request"] == "GET /leads/?…"
    assert line["lead"] == "<object>"


def test_the_secrets_of_links_are_masked(written: io.StringIO) -> None:
    log = structlog.get_logger("tests.logs")
    log.info("request_finished", request="GET /join/Sec-ret_1/")
    log.info("request_finished", request="GET /password/reset/MQ/c1a2-b3c4/")
    logging.getLogger("tests.logs").warning("Forbidden: %s", "/join/Sec-ret_1/")
    logging.getLogger("tests.logs").warning("Not found: %s", "/x/ana%40example.com")
    requests = [json.loads(line).get("request") for line in written.getvalue().splitlines()]
    assert requests[:2] == ["GET /join/…/", "GET /password/reset/MQ/…/"]
    assert "Sec-ret_1" not in written.getvalue()
    assert "ana%40" not in written.getvalue()


def test_a_long_text_is_masked_in_no_time(written: io.StringIO) -> None:
    start = time.perf_counter()
    structlog.get_logger("tests.logs").info("x" * 200_000)
    assert time.perf_counter() - start < 1


def test_a_traceback_holds_neither_local_variables_nor_addresses(written: io.StringIO) -> None:
    first_name = "Anastasia"
    try:
        raise ValueError("duplicate key (email)=(ana@example.com)")
    except ValueError:
        logging.getLogger("tests.logs").exception("failed for %s", "ben@example.com")
    assert "duplicate key (email)=(<email>)" in written.getvalue()
    assert "failed for <email>" in written.getvalue()
    assert first_name not in written.getvalue()
