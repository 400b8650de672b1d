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
from functools import cache
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
    "py3langid": "scrapers/langs.py",
    "sdmx": "scrapers/",
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
    "prometheus_client": "ews/reports/metrics.py",
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


@cache
def imports(path: Path) -> frozenset[str]:
    """Top names that a file imports, wherever the import stands in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return frozenset(found)


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
        for name in sorted(imports(path) & set(HOMES))
        if not path.relative_to(ROOT).as_posix().startswith(HOMES[name])
    ]
    assert not strays, "\n".join(strays)


def test_every_library_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {re.split(r"[<>=!~;\[ ]", one)[0].lower() for group in lists for one in group}
    import_names = {"pydantic-settings": "pydantic_settings", "slack-sdk": "slack_sdk",
                    "charset-normalizer": "charset_normalizer", "scikit-learn": "sklearn",
                    "markdown-it-py": "markdown_it", "argon2-cffi": "argon2", "pillow": "PIL",
                    "prometheus-client": "prometheus_client",
                    "sdmx1": "sdmx"}  # fmt: skip
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
    assert imports(ROOT / "ews/model.py") <= set(sys.stdlib_module_names)


def test_modules_stay_small() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in code()
        if (lines := len(path.read_text("utf-8").splitlines())) > 400
    }
    assert not {one for one in long if one != "ews/model.py" and "/migrations/" not in one}, long


def test_no_room_reads_the_clock_or_the_environment() -> None:
    """The clock and the environment are arguments; only the edges read them, the door to the network
    (a client's default clock) among them."""
    edges = ("scrapers/http.py", "ews/cli/", "ews/scheduler.py", "ews/config.py", "ews/web/app.py", "nlp/recorded.py",
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
FEW = np.uint64(1 << 24)
BASE = 0x9E3779B97F4A7C15  # of a run of words
LETTERS = 0xC2B2AE3D27D4EB4F  # of a word
LONGEST = 4_000_000  # characters hashed at once
BATCH = 500_000
URL = re.compile(r"https?://\S+")  # an address is a fact, though its slug has words
TEXTS = ("title", "summary", "text", "description", "content", "body")


@cache
def tables() -> tuple[NDArray[np.bool_], NDArray[np.uint64], NDArray[np.uint64]]:
    """Which characters words are made of; powers of LETTERS, and of its inverse modulo 2**64."""
    wordly = np.fromiter(map(str.isalnum, map(chr, range(sys.maxunicode + 1))), np.bool_)
    powers = []
    for base in (LETTERS, pow(LETTERS, -1, 1 << 64)):
        steps = np.full(LONGEST, base, np.uint64)
        steps[0] = 1
        powers.append(np.multiply.accumulate(steps))
    return wordly, powers[0], powers[1]


def codes_of(text: str) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """A number for each word, the same for the same letters, and how many NULs stand before it.
    Case is folded, addresses are left out, and a word is a run of letters and digits."""
    wordly, up, down = tables()
    plain = URL.sub(" ", text).casefold()
    letters = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), np.uint32)
    inside = np.zeros(len(letters) + 2, np.bool_)
    inside[1:-1] = wordly[letters]
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    starts, ends = edges[::2], edges[1::2]
    sums = np.zeros(len(letters) + 1, np.uint64)  # of all letters up to there, each at its power
    np.cumsum((letters.astype(np.uint64) + np.uint64(1)) * up[: len(letters)], out=sums[1:])
    codes = (sums[ends] - sums[starts]) * down[starts]
    return codes, np.searchsorted(np.flatnonzero(letters == 0), starts)


def windows(text: str) -> NDArray[np.uint64]:
    """One hash per run of eight words; empty for a shorter text."""
    return hashed(codes_of(text)[0])


def hashed(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    count = max(0, len(codes) - WORDS + 1)
    total = np.zeros(count, np.uint64)
    for place in range(WORDS):
        total = total * np.uint64(BASE) + codes[place : place + count]
    return total


def recorded_texts() -> Iterator[str]:
    """Every title, summary and text of the recorded news, labels and gold rows."""
    files = [
        *DATA.glob("feeds/rss2021/*.gz"), *DATA.glob("feeds/rss2023/*.gz"),
        *DATA.glob("feeds/kr_news/*.gz"), *DATA.glob("news/*.gz"), *DATA.glob("labels/*.gz"),
        *DATA.glob("natural/*.gz"), *DATA.glob("gold_dev*.gz"),
    ]  # fmt: skip
    for file in files:
        with gzip.open(file, "rb") as lines:
            while some := lines.readlines(BATCH):
                rows = json.loads(b"[%b]" % b",".join(some))  # far faster than line by line
                cells = [row[key] for row in rows for key in TEXTS if key in row]
                yield from (cell for cell in cells if isinstance(cell, str))


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

    Texts are hashed together, a few thousand at a time; a run over the end of one is none.
    """
    keys = np.sort(np.fromiter(ours, np.uint64, len(ours)))
    maybe = np.zeros(FEW, dtype=bool)
    maybe[keys % FEW] = True
    found: list[tuple[str, str]] = []
    batch: list[str] = []

    def look() -> None:
        codes, of_text = codes_of("\n\0\n".join(one.replace("\0", " ") for one in batch))
        every = hashed(codes)
        if not len(every):
            return
        whole = of_text[: len(every)] == of_text[WORDS - 1 :]
        # a look-up in a small table rules most out
        at = np.flatnonzero(maybe[every % FEW] & whole)
        hashes = every[at]
        places = np.searchsorted(keys, hashes)
        places[places == len(keys)] = 0
        for hit in np.flatnonzero(keys[places] == hashes):
            found.append((ours[int(hashes[hit])], batch[int(of_text[at[hit]])]))

    held = 0
    for text in texts:
        batch.append(text)
        held += len(text)
        if held > BATCH:
            look()
            batch.clear()
            held = 0
    look()
    return found


def test_a_copied_run_of_eight_words_is_noticed() -> None:
    line = "one two three four five six seven eight nine"
    ours = dict.fromkeys(windows(f"before {line} after").tolist(), "ours.md")
    assert found_in(ours, ["x y z", f"Someone wrote: {line}!", "one two three"])
    assert found_in(ours, ["x", f"- {line} -", "y"])[0][1] == f"- {line} -"
    assert not found_in(ours, ["one two three four", "five six seven eight nine ten eleven twelve"])
    assert not found_in(ours, [line.replace("five", "fife"), line.replace(" two", "two"), ""])


def test_words_are_told_by_their_letters_alone() -> None:
    text = "Straße STRASSE x_y xy 흑연, 흑연! ε1 x https://e.example/a-b-c y\n0 a1 𝔸x"
    words = re.findall(r"[^\W_]+", URL.sub(" ", text).casefold())
    codes = codes_of(text)[0].tolist()
    assert len(words) == len(codes)
    assert [codes.index(code) for code in codes] == [words.index(word) for word in words]


@pytest.mark.recorded
@pytest.mark.skipif(not DATA.is_dir(), reason="recorded data absent (EWS_RECORDED_DATA)")
def test_no_recorded_news_text_is_committed() -> None:
    found = found_in(our_windows(), recorded_texts())
    shown = sorted({f"{file}: {text[:60]}" for file, text in found})
    assert not found, f"{len(found)} runs of eight words are copied:\n" + "\n".join(shown[:20])
