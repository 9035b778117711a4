"""The web works without its cache: reads miss, writes vanish, and no request waits for long."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from leadcrm import servers
from leadcrm.cache import FailOpenRedisCache


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.valkey(tmp_path_factory.mktemp("valkey"), durable=False) as url:
        yield url


@pytest.fixture
def cache(url: str, monkeypatch: pytest.MonkeyPatch) -> FailOpenRedisCache:
    monkeypatch.setattr(FailOpenRedisCache, "_resting_until", {})
    options = {"socket_timeout": 0.2, "socket_connect_timeout": 0.2}
    cache = FailOpenRedisCache(f"{url}/1", {"OPTIONS": options})
    cache.clear()
    return cache


@pytest.fixture
def frozen(url: str) -> Iterator[None]:
    pid = redis.Redis.from_url(url).info("server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


def test_it_is_a_cache(cache: FailOpenRedisCache) -> None:
    cache.set("count", 1)
    assert cache.incr("count") == 2
    assert cache.get_many(["count", "other"]) == {"count": 2}
    assert not cache.add("count", 9)
    assert cache.delete("count")
    assert cache.get("count", "gone") == "gone"
    with pytest.raises(ValueError, match="not found"):
        cache.incr("count")


@pytest.mark.usefixtures("frozen")
def test_a_frozen_server_costs_one_timeout(cache: FailOpenRedisCache) -> None:
    started = time.monotonic()
    for _ in range(50):
        assert cache.get("key", "default") == "default"
        cache.set("key", 1)
        assert cache.incr("key") == 1
        assert cache.add("key", 1)
        assert cache.get_many(["key"]) == {}
    assert time.monotonic() - started < 1


def test_a_server_that_is_back_is_used_again(
    cache: FailOpenRedisCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FailOpenRedisCache, "REST_SECONDS", 0.1)
    cache.set("key", 1)
    cache._attempt(None, _refused)
    assert cache.get("key") is None
    time.sleep(0.15)
    assert cache.get("key") == 1


def test_nobody_listens(tmp_path: Path) -> None:
    cache = FailOpenRedisCache(f"redis://127.0.0.1:{servers.free_port()}/1", {})
    started = time.monotonic()
    assert cache.get("key") is None
    cache.set_many({"key": 1})
    assert cache.get_or_set("key", 5) == 5
    assert time.monotonic() - started < 1


def _refused() -> None:
    raise redis.ConnectionError
