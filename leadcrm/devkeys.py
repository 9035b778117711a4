"""Keys for a machine of one's own: made once, kept under var/, never committed."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.fernet import Fernet


@dataclass(frozen=True)
class DevKeys:
    """What production takes from SECRET_KEY and FIELD_KEYS."""

    secret_key: str
    field_key: str


def load(directory: Path) -> DevKeys:
    """The keys kept in this directory, made when it has none."""
    path = directory / "devkeys.json"
    if not path.exists():
        _make(path)
    return DevKeys(**json.loads(path.read_text()))


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = DevKeys(secrets.token_urlsafe(50), Fernet.generate_key().decode())
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(keys)))
    try:
        os.link(draft, path)  # whole or not at all; the first of several processes wins
    except FileExistsError:
        pass
    finally:
        draft.unlink()
