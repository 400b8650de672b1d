"""The recorded answers of real services are read too (skipped where the recordings are absent)."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ews.model import Article, Observation
from scrapers.catalog import load_source
from scrapers.kinds import parse

DATA = Path(
    os.environ.get("EWS_RECORDED_DATA") or Path(__file__).parent.parent.parent / "shared" / "data"
)
FEEDS = DATA / "feeds"
pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not FEEDS.is_dir(), reason="no recorded data; set EWS_RECORDED_DATA"),
]


def test_gdacs_as_recorded() -> None:
    source = load_source("gdacs")
    for name in ("gdacs-1.xml", "gdacs-2.xml"):
        body = (FEEDS / "hazards" / name).read_bytes()
        parsed = parse(source, body, datetime(2026, 11, 25, tzinfo=UTC))
        assert parsed.rows > 0
        assert parsed.newest is not None
        for signal in parsed.signals:
            assert isinstance(signal, Article)
            assert signal.title.startswith(("Orange", "Red"))


def test_usgs_as_recorded() -> None:
    body = (FEEDS / "hazards" / "usgs_4.5_week_20230421.geojson").read_bytes()
    parsed = parse(load_source("usgs_week"), body, datetime(2023, 4, 21, 12, tzinfo=UTC))
    assert parsed.rows == 76
    assert 0 < len(parsed.signals) < 30
    assert parsed.newest is not None
    assert parsed.newest.date().isoformat() == "2023-04-21"


def test_feeds_of_all_shapes_as_recorded() -> None:
    source = load_source("bbc_world")
    for path in sorted((FEEDS / "rss_samples").glob("*.xml")):
        parsed = parse(source, path.read_bytes(), datetime(2026, 11, 25, tzinfo=UTC))
        assert parsed.signals, path.name
        for signal in parsed.signals:
            assert isinstance(signal, Article)
            assert "\ufffd" not in signal.title, path.name


def test_the_sanctions_list_as_recorded() -> None:
    """The recorded copy has a header of its own; its lines are the real ones."""
    body = (DATA / "trade" / "policy" / "ofac_sdn_2023-11.csv").read_bytes()
    parsed = parse(load_source("ofac_sdn"), body, datetime(2023, 11, 30, tzinfo=UTC))
    counts = {s.parts[2]: s.value for s in parsed.signals if isinstance(s, Observation)}
    assert counts["all"] > 10_000
    assert counts["cuba"] > 5
