"""What must a source's stored sample yield? The text of expected.json."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable

from ews.model import Source
from scrapers.catalog import CatalogError
from scrapers.kinds import parse
from scrapers.mapping import Parsed, Signal

SAMPLE_NOW = datetime(2026, 11, 25, tzinfo=UTC)  # the clock under which every sample is read


def sample_file(source: Source) -> Traversable:
    """The one file `sample.*` of the source's folder. Raises CatalogError."""
    folder = files("scrapers") / "sources" / source.name
    found = [item for item in folder.iterdir() if item.name.startswith("sample.")]
    if len(found) != 1:
        raise CatalogError(f"{source.name}: one file sample.* is needed, there are {len(found)}")
    return found[0]


def read_sample(source: Source) -> Parsed:
    """What the sample yields at SAMPLE_NOW. Raises SourceError.

    A folder with a `before.*` (a list told by its differences) has the sample read after it, a day
    later, with what was remembered.
    """
    folder = files("scrapers") / "sources" / source.name
    source = replace(source, expect_min=0)  # a sample is short
    memory = ""
    for item in folder.iterdir():
        if item.name.startswith("before."):
            past = parse(source, item.read_bytes(), SAMPLE_NOW - timedelta(days=1))
            memory = past.memory or ""
    return parse(source, sample_file(source).read_bytes(), SAMPLE_NOW, memory=memory)


def expected_text(source: Source) -> str:
    """What the sample yields at SAMPLE_NOW, as the text of expected.json. Raises SourceError."""
    return told_text(read_sample(source))


def told_text(parsed: Parsed) -> str:
    """What a sample yielded, as the text of expected.json."""
    told = {
        "rows": parsed.rows,
        "newest": parsed.newest,
        "signals": [_told(signal) for signal in parsed.signals],
        **({"series": [asdict(one) for one in parsed.series]} if parsed.series else {}),
    }
    return json.dumps(told, ensure_ascii=False, indent=1, default=datetime.isoformat) + "\n"


def _told(signal: Signal) -> dict[str, object]:
    """The fields of a signal; not whether it is trusted, which is a matter of the source."""
    return {name: value for name, value in asdict(signal).items() if name != "trusted"}
