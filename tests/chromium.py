"""`python -m tests.chromium`: see to it that the browser journeys have a browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

SHELL = (
    "chromium-headless-shell"  # takes half the processor time of a whole browser that shows nothing
)
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MISSING = """
The browser journeys need Chromium, and there is none on this machine. Install it:

    Debian:  sudo apt-get install chromium-headless-shell
    other:   Chromium or Google Chrome from your system, or set CHROMIUM to its path
"""


def find_chromium() -> str | None:
    """The path of the browser that the journeys drive."""
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        return shutil.which(chosen)
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> None:
    """Install Debian's package, the whole browser where there is no other; only root can."""
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "check": False}
    print("Installing Debian's chromium…", flush=True)
    subprocess.run(["apt-get", "-qq", "update"], **quiet)
    for package in (SHELL, "chromium"):
        subprocess.run(
            ["apt-get", "-qq", "install", "-y", "--no-install-recommends", package],
            stdout=subprocess.DEVNULL,
            **quiet,
        )
        if find_chromium():
            return


def main() -> None:
    """Succeed when there is a browser, after installing it where that is possible."""
    wanted = not find_chromium() or ("CI" in os.environ and not shutil.which(SHELL))
    if wanted and os.geteuid() == 0 and shutil.which("apt-get"):
        install()
    if not find_chromium():
        sys.exit(MISSING)


if __name__ == "__main__":
    main()
