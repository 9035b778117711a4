import uuid
from base64 import b32decode
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadcrm.workspaces.ids import random_key, uuid7

# The example of RFC 9562, appendix A.6: 2022-02-22 14:22:22 at UTC-5.
RFC_INSTANT = datetime(2022, 2, 22, 14, 22, 22, tzinfo=timezone(timedelta(hours=-5)))
RFC_TIMESTAMP = 0x017F22E279B0


def milliseconds(value: uuid.UUID) -> int:
    return value.int >> 80


def test_uuid7_holds_the_timestamp_of_the_rfc():
    assert milliseconds(uuid7(RFC_INSTANT)) == RFC_TIMESTAMP


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_uuid7_has_version_variant_and_whole_milliseconds(at):
    value = uuid7(at)
    assert value.version == 7
    assert value.variant == uuid.RFC_4122
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    assert milliseconds(value) == since // timedelta(milliseconds=1)


def test_uuid7_is_now_by_default():
    before = datetime.now(UTC)
    value = uuid7()
    after = datetime.now(UTC)
    assert milliseconds(uuid7(before)) <= milliseconds(value) <= milliseconds(uuid7(after))


def test_later_milliseconds_sort_later():
    start = datetime(2026, 11, 21, tzinfo=UTC)
    values = [uuid7(start + timedelta(milliseconds=n)) for n in range(100)]
    assert values == sorted(values)


def test_ids_of_one_instant_differ_and_use_every_random_bit():
    values = [uuid7(RFC_INSTANT).int for _ in range(500)]
    assert len(set(values)) == 500
    seen_set, seen_clear = 0, 0
    for value in values:
        seen_set |= value
        seen_clear |= ~value
    fixed = 0xFFFFFFFFFFFF << 80 | 0xF << 76 | 0b11 << 62
    assert seen_set & seen_clear & ((1 << 128) - 1) == ((1 << 128) - 1) & ~fixed


@pytest.mark.parametrize(
    "at",
    [datetime(2026, 1, 1), datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)],  # noqa: DTZ001
)
def test_uuid7_refuses_naive_and_early_instants(at):
    with pytest.raises(ValueError, match="at:"):
        uuid7(at)


@given(st.integers(min_value=1, max_value=64))
def test_a_random_key_is_lower_case_base32_of_its_bytes(n_bytes):
    key = random_key(n_bytes)
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz234567")
    padding = "=" * (-len(key) % 8)
    assert len(b32decode(key.upper() + padding)) == n_bytes


def test_random_keys_differ():
    assert len({random_key(15) for _ in range(500)}) == 500
    assert len(random_key(15)) == 24


@pytest.mark.parametrize("n_bytes", [0, -1])
def test_a_random_key_needs_a_byte(n_bytes):
    with pytest.raises(ValueError, match="n_bytes"):
        random_key(n_bytes)
