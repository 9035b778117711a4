"""`python -m tests.chaos --minutes 10 --seed 1`: the long kill test, on servers of its own.

Submits forms with resends while web, worker, beat and broker are killed, wiped and frozen, then
compares every acknowledged submission with the database. Exits with 1 if anything is lost or
doubled. `--speed` measures how long a submission takes, with the broker well and frozen.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from leadcrm import servers
from tests.chaos.processes import running_stack
from tests.chaos.run import kill_run, speed, speed_with_frozen_broker


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=5)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--rate", type=float, default=20, help="submissions a second")
    options.add_argument("--pause", type=float, default=2, help="mean seconds between faults")
    options.add_argument(
        "--speed", type=int, default=0, metavar="COUNT", help="measure, kill nothing"
    )
    chosen = options.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="leadcrm-chaos-pg-") as directory,
        servers.postgres(Path(directory) / "pg") as server_url,
        running_stack(server_url) as stack,
    ):
        if chosen.speed:
            speed(stack, 50)
            print(f"broker well:   {speed(stack, chosen.speed)}")
            print(f"broker frozen: {speed_with_frozen_broker(stack, chosen.speed)}")
            return 0
        report = kill_run(
            stack,
            seconds=chosen.minutes * 60,
            rate=chosen.rate,
            seed=chosen.seed,
            pause=chosen.pause,
            patience=300,
        )
    print(report)
    return 1 if report.findings.faults or report.wrong_answers else 0


if __name__ == "__main__":
    sys.exit(main())
