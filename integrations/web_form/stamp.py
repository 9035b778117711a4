"""The signed time stamp of a form that was shown: tells a person's pace from a machine's. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core import signing

SALT = "leadcrm.web_form"
TOO_FAST = timedelta(seconds=3)
STALE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Stamp:
    """When the form was shown, and whether to somebody who tries it out from the settings."""

    shown_at: datetime
    is_test: bool = False


def sign(public_key: str, now: datetime, *, is_test: bool = False) -> str:
    """A token for one form, shown now."""
    facts = {"k": public_key, "t": int(now.timestamp() * 1000), **({"test": 1} if is_test else {})}
    return signing.Signer(salt=SALT).sign_object(facts)


def read(token: str, public_key: str) -> Stamp | None:
    """The stamp of a token of this form; None where we didn't sign it."""
    try:
        facts = signing.Signer(salt=SALT).unsign_object(token)
        if facts["k"] != public_key:
            return None
        shown_at = datetime.fromtimestamp(facts["t"] / 1000, UTC)
    except (signing.BadSignature, ValueError, KeyError, TypeError, OverflowError):
        return None
    return Stamp(shown_at, bool(facts.get("test")))
