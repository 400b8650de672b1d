"""Does a source's sample still yield what its expected.json says? For shipped folders and private ones."""

from __future__ import annotations

import difflib
import json
from dataclasses import replace
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from ews.model import Source
from scrapers.catalog import shipped_names
from scrapers.collected import Parser, vouched
from scrapers.drafts import expected_of
from scrapers.errors import SourceError
from scrapers.golden import SAMPLE_NOW, read_sample, told_text
from scrapers.kinds import parse
from scrapers.mapping import Parsed

MANY = 20  # lines of a difference that are shown


def tried(source: Source, home: Path, parser: Parser = parse) -> tuple[Parsed, str]:
    """What the sample yields, and how that differs from expected.json ("" when it does not).

    `parser` reads samples of private sources: a worker's, since strangers wrote them. Raises
    SourceError, and FileNotFoundError where there is no sample.
    """
    if source.name in shipped_names():
        parsed = read_sample(source)
        folder = files("scrapers") / "sources" / source.name
        return parsed, _differs((folder / "expected.json").read_text("utf-8"), told_text(parsed))
    return _own(source, home / "sources" / source.name, parser)


def _own(source: Source, folder: Path, parser: Parser) -> tuple[Parsed, str]:
    samples = sorted(folder.glob("sample.*"))
    if not samples:
        raise FileNotFoundError(folder / "sample.*")
    file = folder / "expected.json"
    expected = file.read_text("utf-8") if file.exists() else ""
    told = _read(source, expected)
    at = datetime.fromisoformat(str(told.get("at", SAMPLE_NOW.isoformat())))
    label = str(told.get("label", ""))
    parsed = parser(source, samples[0].read_bytes(), at, label, "")
    parsed = replace(parsed, signals=vouched(source, parsed.signals))
    return parsed, _differs(expected, expected_of(source, parsed, at, label)) if expected else ""


def _read(source: Source, text: str) -> dict[str, object]:
    try:
        told = json.loads(text or "{}")
        datetime.fromisoformat(str(told.get("at", SAMPLE_NOW.isoformat())))
    except (ValueError, AttributeError):
        raise SourceError(f"{source.name}: expected.json is damaged; delete it") from None
    return told if isinstance(told, dict) else {}


def _differs(expected: str, seen: str) -> str:
    lines = difflib.unified_diff(
        expected.splitlines(), seen.splitlines(), "expected.json", "seen", lineterm="", n=0
    )
    told = list(lines)
    more = f"\n... {len(told) - MANY} lines more" if len(told) > MANY else ""
    return "\n".join(told[:MANY]) + more
