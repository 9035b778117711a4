"""The second factor at sign-in: codes of an authenticator app (RFC 6238) and recovery codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from datetime import datetime, timedelta
from urllib.parse import quote

import segno
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.crypto import salted_hmac

from leadcrm.workspaces import settings_log
from leadcrm.workspaces.access import NotAllowed, require
from leadcrm.workspaces.members import refuse_above
from leadcrm.workspaces.models import Membership, RecoveryCode, SecondFactor, User
from leadcrm.workspaces.scoping import all_workspaces
from leadcrm.workspaces.tokens import digest_of

STEP = 30  # seconds
DIGITS = 6
SKEW = 1  # steps that a phone's clock may be off, either way
MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
RECOVERY_CODES = 10
ISSUER = "leadcrm"
SALT = "leadcrm.second_factor"


class CodeRefused(Exception):
    """The code isn't taken. The message is for a person."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def new_nonce() -> str:
    """What a new secret is made of; it is nothing without our own key."""
    return secrets.token_urlsafe(32)


def secret_of(user: User, nonce: str, key: str | None = None) -> bytes:
    """The 20 bytes that the app shares with us. `key` is an earlier SECRET_KEY."""
    mac = salted_hmac(SALT, f"{user.pk}:{nonce}", secret=key, algorithm="sha256")
    return mac.digest()[:20]


def as_text(secret: bytes) -> str:
    """A secret as it is typed into an app that can't read the picture."""
    return base64.b32encode(secret).decode()


def picture_of(user: User, nonce: str) -> str:
    """The QR code that an app reads, as SVG; made here, so that the secret goes nowhere else."""
    label = quote(f"{ISSUER}:{user.email}")
    uri = f"otpauth://totp/{label}?secret={as_text(secret_of(user, nonce))}&issuer={ISSUER}"
    picture: str = segno.make(uri, error="m").svg_inline(scale=4, border=4, light="#fff")
    return picture


def code_at(secret: bytes, step: int) -> str:
    """The code of a time step."""
    mac = hmac.digest(secret, struct.pack(">Q", step), hashlib.sha1)
    offset = mac[-1] & 15
    number = struct.unpack(">I", mac[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(user: User, nonce: str, code: str, now: datetime) -> int | None:
    """The time step whose code this is, within the skew; None for a wrong one."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    current, found = int(now.timestamp()) // STEP, None
    for key in keys:
        secret = secret_of(user, nonce, key)
        for step in range(current - SKEW, current + SKEW + 1):
            if hmac.compare_digest(code_at(secret, step), code):
                found = step
    return found


def enable(user: User, nonce: str, code: str, now: datetime) -> list[str]:
    """Switch the second factor on once a code shows that the app has it; returns recovery codes."""
    step = step_of(user, nonce, _plain(code), now)
    if step is None:
        raise CodeRefused("This is not the code that the app shows. Try the next one.")
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        SecondFactor.objects.update_or_create(
            user=user,
            defaults={"nonce": nonce, "last_step": step, "failures": 0, "locked_until": None},
        )
        User.objects.filter(pk=user.pk).update(second_factor_at=now)
        user.second_factor_at = now
        return new_recovery_codes(user)


def disable(user: User) -> None:
    """Switch the second factor off, and forget its recovery codes."""
    with transaction.atomic():
        SecondFactor.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()
        User.objects.filter(pk=user.pk).update(second_factor_at=None)
        user.second_factor_at = None


def new_recovery_codes(user: User) -> list[str]:
    """Ten new codes of 80 bits; earlier ones are worth nothing any more."""
    codes = [
        base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES)
    ]
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, digest=digest_of(code)) for code in codes
        )
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def check(user: User, code: str, now: datetime) -> None:
    """Take a code of the app or a recovery code, each once. Raises CodeRefused.

    The row is locked while it is looked at: of two who send the same code, one is refused.
    """
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().get(user=user)
        if factor.locked_until is not None and factor.locked_until > now:
            raise CodeRefused("Too many wrong codes. Try again in some minutes.")
        if _takes(factor, user, _plain(code), now):
            factor.failures, factor.locked_until = 0, None
            factor.save(update_fields=["last_step", "failures", "locked_until"])
            return
        _count_failure(factor, now)
    raise CodeRefused("This code isn't right, or was used already. Try the next one.")


def _takes(factor: SecondFactor, user: User, code: str, now: datetime) -> bool:
    if len(code) != DIGITS:
        unused = RecoveryCode.objects.filter(user=user, digest=digest_of(code), used_at=None)
        return bool(unused.update(used_at=now))
    step = step_of(user, factor.nonce, code, now)
    if step is None or step <= factor.last_step:
        return False
    factor.last_step = step
    return True


def _count_failure(factor: SecondFactor, now: datetime) -> None:
    factor.failures += 1
    values: dict[str, object] = {"failures": F("failures") + 1}
    if factor.failures >= MOST_FAILURES:
        values = {"failures": 0, "locked_until": now + LOCKED_FOR}
    SecondFactor.objects.filter(pk=factor.pk).update(**values)


def reset(member: Membership, *, by: Membership) -> None:
    """Switch a member's second factor off, for somebody who has lost the phone.

    Raises NotAllowed where the account is at home in another workspace too: what one workspace's
    admin does must not weaken another's.
    """
    require(by, "users")
    refuse_above(by, member.role)
    user = member.user
    if user is None or user.second_factor_at is None:
        raise NotAllowed("There is no second factor to reset.")
    with all_workspaces():
        others = Membership.objects.filter(user=user, is_active=True)
        if others.exclude(workspace=member.workspace_id).exists():
            raise NotAllowed(
                "This person works in other workspaces too. Ask the installation's staff."
            )
    with transaction.atomic():
        disable(user)
        settings_log.record("user", member.name, "had the second factor reset", by=by)


def _plain(code: str) -> str:
    """A code without the blanks and dashes that people type."""
    return "".join(one for one in code.lower() if one.isalnum())
