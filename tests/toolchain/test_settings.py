"""Settings as production reads them."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "SECRET_KEY": secrets.token_urlsafe(50),
    "FIELD_KEYS": Fernet.generate_key().decode(),
    "ALLOWED_HOSTS": "crm.example.com",
}


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": os.environ["DATABASE_URL"], **environment},
        capture_output=True,
        text=True,
    )


def test_production_refuses_to_make_up_its_secrets() -> None:
    done = manage("check")
    assert done.returncode == 1
    assert "SECRET_KEY" in done.stderr


def test_production_passes_djangos_deployment_check() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", **SECRETS)
    assert done.returncode == 0, done.stderr


def test_each_kind_of_process_has_its_timeouts() -> None:
    ask = (
        "from django.db import connection as c; k = c.cursor(); "
        "k.execute(\"SELECT current_setting('statement_timeout'), "
        "current_setting('transaction_timeout'), current_setting('lock_timeout')\"); "
        "print(*k.fetchone())"
    )
    expected = {"web": "5s 15s 2s", "worker": "1min 2min 5s", "command": "0 0 10s"}
    for process, timeouts in expected.items():
        done = manage("shell", "-v0", "-c", ask, LEADCRM_PROCESS=process, **SECRETS)
        assert done.stdout.strip() == timeouts, done.stderr
