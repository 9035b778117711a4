"""A Redis cache that the web can do without."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry


class FailOpenRedisCache(RedisCache):
    """Reads miss and writes vanish while the server is down or frozen.

    After a failure this process leaves the server alone for a few seconds, so that a frozen one
    costs one request its socket timeout rather than every request.
    """

    REST_SECONDS: ClassVar[float] = 5.0
    _resting_until: ClassVar[dict[str, float]] = {}

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        # The client's own retries would wait for seconds.
        options = {"retry": Retry(NoBackoff(), 0), **params.get("OPTIONS", {})}
        super().__init__(server, {**params, "OPTIONS": options})
        self._server = str(server)

    def _attempt(self, fallback: Any, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() < self._resting_until.get(self._server, 0.0):
            return fallback
        try:
            return method(*args, **kwargs)
        except (RedisError, OSError):
            self._resting_until[self._server] = time.monotonic() + self.REST_SECONDS
            return fallback

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._attempt(True, super().add, *args, **kwargs)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._attempt(default, super().get, key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._attempt(None, super().set, *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._attempt(False, super().touch, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._attempt(False, super().delete, *args, **kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._attempt({}, super().get_many, *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._attempt(False, super().has_key, *args, **kwargs)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> Any:
        return self._attempt(delta, super().incr, key, delta, version)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._attempt([], super().set_many, *args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> None:
        self._attempt(None, super().delete_many, *args, **kwargs)

    def clear(self) -> Any:
        return self._attempt(False, super().clear)
