"""The shape of the project: the card's folders, one library one room, layers, sizes, no copied news."""

from __future__ import annotations

import ast
import gzip
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
ROOMS = ("ews", "scrapers", "nlp", "graph", "alerts")
DATA = Path(os.environ.get("EWS_RECORDED_DATA", ROOT.parent / "shared" / "data"))

# One library, one room: whoever wants what it does asks that room.
HOMES = {
    "apscheduler": "ews/scheduler.py",
    "feedparser": "scrapers/",
    "httpx2": "scrapers/",
    "protego": "scrapers/",
    "transformers": "nlp/",
    "onnxruntime": "nlp/",
    "torch": "nlp/",
    "networkx": "graph/",
    "sqlalchemy": "ews/storage/",
    "alembic": "ews/storage/",
    "slack_sdk": "alerts/channels/",
    "standardwebhooks": "alerts/channels/",
    "icalendar": "alerts/ical.py",
    "fastapi": "ews/web/",
    "jinja2": "ews/web/",
    "typer": "ews/cli/",
    "rich": "ews/cli/",
    "pydantic_settings": "ews/config.py",
    "argon2": "ews/reports/passwords.py",
    "PIL": "alerts/",
    "weasyprint": "ews/reports/dossier_pdf.py",
}


def tracked() -> list[Path]:
    """Files that git tracks, or every file of an unpacked source tree."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return [p for p in ROOT.rglob("*") if p.is_file() and not _hidden(p)]
    names = listed.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def _hidden(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return any(part.startswith(".") or part == "__pycache__" for part in parts)


def code() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imports(path: Path) -> Iterator[str]:
    """Top names that a file imports, wherever the import stands in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_the_root_shows_the_cards_folders_and_nothing_else() -> None:
    folders = {
        path.relative_to(ROOT).parts[0]
        for path in tracked()
        if len(path.relative_to(ROOT).parts) > 1
    }
    assert {name for name in folders if not name.startswith(".")} == {
        *ROOMS, "tests", "docs",
    }  # fmt: skip


def test_a_library_is_imported_in_its_room_only() -> None:
    strays = [
        f"{path.relative_to(ROOT)} imports {name}; its home is {HOMES[name]}"
        for path in code()
        for name in sorted(set(imports(path)) & set(HOMES))
        if not path.relative_to(ROOT).as_posix().startswith(HOMES[name])
    ]
    assert not strays, "\n".join(strays)


def test_every_library_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {re.split(r"[<>=!~;\[ ]", one)[0].lower() for group in lists for one in group}
    import_names = {"pydantic-settings": "pydantic_settings", "slack-sdk": "slack_sdk",
                    "charset-normalizer": "charset_normalizer", "scikit-learn": "sklearn",
                    "markdown-it-py": "markdown_it", "argon2-cffi": "argon2", "pillow": "PIL"}  # fmt: skip
    known = {import_names.get(name, name) for name in declared}
    known |= {
        "pydantic",
        "starlette",
        "httpcore2",
        "markupsafe",
        "tokenizers",
        "click",
        "llvmlite",
    }  # come with those
    used = {name for path in code() for name in imports(path)}
    strange = used - known - set(sys.stdlib_module_names) - set(ROOMS)
    assert not strange, f"imported but not declared: {sorted(strange)}"


def test_rooms_look_down_never_sideways() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [str(lint), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-3000:]


def test_the_model_imports_the_standard_library_only() -> None:
    assert set(imports(ROOT / "ews/model.py")) <= set(sys.stdlib_module_names)


def test_modules_stay_small() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in code()
        if (lines := len(path.read_text("utf-8").splitlines())) > 400
    }
    assert not {one for one in long if one != "ews/model.py" and "/migrations/" not in one}, long


def test_no_room_reads_the_clock_or_the_environment() -> None:
    """The clock and the environment are arguments; only the edges read them."""
    edges = ("ews/cli/", "ews/scheduler.py", "ews/config.py", "ews/web/app.py", "nlp/recorded.py",
             "nlp/evaluate.py", "nlp/base.py", "nlp/mentions.py")  # fmt: skip
    reads = re.compile(r"datetime\.now\(|\bos\.environ\b(?!\.setdefault)|\btime\.time\(|\butcnow\(")
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in code()
        if not path.relative_to(ROOT).as_posix().startswith(edges)
        for match in reads.finditer(path.read_text("utf-8"))
    ]
    assert not found, "\n".join(found)


def test_no_machine_path_or_secret_is_committed() -> None:
    bad = re.compile(
        r"/(?:work|home/[a-z]+|root|Users)/\w|xox[bap]-\d{6}|-----BEGIN [A-Z ]*PRIVATE KEY"
    )
    found = []
    for path in tracked():
        if path.suffix in {
            ".py",
            ".md",
            ".toml",
            ".txt",
            ".yml",
            ".yaml",
            ".cfg",
            ".html",
            ".json",
        }:
            text = path.read_text("utf-8", errors="replace")
            found += [f"{path.relative_to(ROOT)}: {m.group(0)}" for m in bad.finditer(text)]
    assert not [one for one in found if "test_architecture" not in one], found


# --------------------------------------------------------------------------- copied news

WORDS = 8  # consecutive words that count as copied
WORD = re.compile(r"[^\W_]+")
FEW = np.uint64(1 << 24)
BASE = np.uint64(0x9E3779B97F4A7C15)
URL = re.compile(r"https?://\S+")  # an address is a fact, though its slug has words
TEXTS = ("title", "summary", "text", "description", "content", "body")


def words_of(text: str) -> list[str]:
    """Words in lower case, addresses left out."""
    return WORD.findall(URL.sub(" ", text).casefold() if "://" in text else text.casefold())


def windows(text: str) -> NDArray[np.uint64]:
    """One hash per run of eight words; empty for a shorter text."""
    words = words_of(text)
    if len(words) < WORDS:
        return np.empty(0, np.uint64)
    return hashed(codes_of(words))


def codes_of(words: list[str]) -> NDArray[np.uint64]:
    return np.fromiter(map(hash, words), np.int64, len(words)).view(np.uint64)


def hashed(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    count = len(codes) - WORDS + 1
    total = np.zeros(count, np.uint64)
    with np.errstate(over="ignore"):
        for place in range(WORDS):
            total = total * BASE + codes[place : place + count]
    return total


def recorded_texts() -> Iterator[str]:
    """Every title, summary and text of the recorded news, labels and gold rows."""
    files = [
        *DATA.glob("feeds/rss2021/*.gz"), *DATA.glob("feeds/rss2023/*.gz"),
        *DATA.glob("feeds/kr_news/*.gz"), *DATA.glob("news/*.gz"), *DATA.glob("labels/*.gz"),
        *DATA.glob("natural/*.gz"), *DATA.glob("gold_dev*.gz"),
    ]  # fmt: skip
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                yield from (row[key] for key in TEXTS if isinstance(row.get(key), str))


def our_windows() -> dict[int, str]:
    """Hash of each run of eight words in our own tree -> the file it stands in."""
    ours: dict[int, str] = {}
    for path in tracked():
        try:
            text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue  # weights
        if "\0" not in text and len(text) < 3_000_000:
            name = path.relative_to(ROOT).as_posix()
            ours |= dict.fromkeys(windows(text).tolist(), name)
    return ours


def found_in(ours: dict[int, str], texts: Iterable[str]) -> list[tuple[str, str]]:
    """(file of ours, recorded text) for each recorded text that shares eight words with us.

    Texts are hashed together, a few thousand at a time; eight stop words part two texts.
    """
    keys = np.sort(np.fromiter(ours, np.uint64, len(ours)))
    maybe = np.zeros(FEW, dtype=bool)
    maybe[keys % FEW] = True
    found: list[tuple[str, str]] = []
    batch: list[str] = []

    def look() -> None:
        words, starts = [], []
        for text in batch:
            starts.append(len(words))
            words += words_of(text)
            words += [f"\0{len(starts)}"]  # no run of our own words has this in it
        if len(words) < WORDS:
            return
        every = hashed(codes_of(words))
        at = np.flatnonzero(maybe[every % FEW])  # a look-up in a small table rules most out
        hashes = every[at]
        places = np.searchsorted(keys, hashes)
        places[places == len(keys)] = 0
        for hit in np.flatnonzero(keys[places] == hashes):
            text = batch[int(np.searchsorted(starts, at[hit], "right")) - 1]
            found.append((ours[int(hashes[hit])], text))

    for text in texts:
        batch.append(text)
        if len(batch) == 5_000:
            look()
            batch.clear()
    look()
    return found


def test_a_copied_run_of_eight_words_is_noticed() -> None:
    line = "one two three four five six seven eight nine"
    ours = dict.fromkeys(windows(f"before {line} after").tolist(), "ours.md")
    assert found_in(ours, ["x y z", f"Someone wrote: {line}!", "one two three"])
    assert not found_in(ours, ["one two three four", "five six seven eight nine ten eleven twelve"])


@pytest.mark.recorded
@pytest.mark.skipif(not DATA.is_dir(), reason="recorded data absent (EWS_RECORDED_DATA)")
def test_no_recorded_news_text_is_committed() -> None:
    found = found_in(our_windows(), recorded_texts())
    shown = sorted({f"{file}: {text[:60]}" for file, text in found})
    assert not found, f"{len(found)} runs of eight words are copied:\n" + "\n".join(shown[:20])
