"""Processes that last take what they have loaded for lasting."""

import subprocess
import sys

import pytest

ASKS = "import gc; print(gc.get_freeze_count() > 100_000, gc.get_threshold()[0])"


@pytest.mark.parametrize(
    "starts",
    [
        "import leadcrm.wsgi",
        "import django; django.setup(); from celery.signals import worker_process_init as started; "
        "import leadcrm.celery, os; os.setpgrp = lambda: None; started.send(sender=None)",
    ],
    ids=["web", "worker"],
)
def test_what_is_loaded_is_left_out_of_collections(starts: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", f"{starts}\n{ASKS}"], capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["True", "10000"], said.stderr
