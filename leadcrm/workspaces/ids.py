"""Identifiers: UUIDv7 primary keys and public keys."""

from __future__ import annotations

import os
import secrets
import time
import uuid
from base64 import b32encode
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
LAST_62 = 2**62 - 1


def uuid7(at: datetime | None = None) -> uuid.UUID:
    """A time-ordered UUID with 74 random bits.

    Ids of one millisecond come in no particular order.

    Args:
        at: The aware instant to encode, to the millisecond; now if None.

    Returns:
        A UUID of version 7.

    Raises:
        ValueError: `at` is naive or before 1970.

    Source: RFC 9562, section 5.7.
    """
    milliseconds = time.time_ns() // 1_000_000 if at is None else _milliseconds(at)
    chance = int.from_bytes(os.urandom(10))
    value = milliseconds << 80 | 0x7 << 76 | chance >> 68 << 64
    return uuid.UUID(int=value | 0b10 << 62 | chance & LAST_62)


def _milliseconds(at: datetime) -> int:
    if at.utcoffset() is None:
        raise ValueError("at: needs a time zone")
    if at < EPOCH:
        raise ValueError("at: lies before 1970")
    return (at - EPOCH) // MILLISECOND


def random_key(n_bytes: int) -> str:
    """A public key for addresses and e-mail local parts, where case may be lost.

    Args:
        n_bytes: How many random bytes it holds, at least 1; 5 bytes make 8 characters.

    Returns:
        Lower-case base32 (a–z, 2–7) without padding.

    Raises:
        ValueError: `n_bytes` is less than 1.

    Source: RFC 4648, section 6.
    """
    if n_bytes < 1:
        raise ValueError("n_bytes: must be at least 1")
    return b32encode(secrets.token_bytes(n_bytes)).decode("ascii").rstrip("=").lower()
