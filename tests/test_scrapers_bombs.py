"""What was made to hurt its reader ends as a failed turn, in little memory and time."""

from __future__ import annotations

import sys
import time

import pytest

from scrapers import SourceError, load_source
from scrapers.golden import SAMPLE_NOW as NOW
from scrapers.golden import sample_file
from scrapers.worker import Workers
from tests.bench_collection_bombs import BAR_MIB, Peak, measure, source_of
from tests.bomb_server import BODIES

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures by /proc")

FAST = (
    "xml: billion laughs",
    "xml: quadratic blow-up",
    "xml: 50,000 deep",
    "json: millions of arrays",
)


def test_bombs_end_in_words_with_little_memory_and_the_next_body_is_read() -> None:
    bbc = load_source("bbc_world")
    body = sample_file(bbc).read_bytes()
    with Workers(1) as workers:
        workers.parse(bbc, body, NOW)
        began = time.monotonic()
        with Peak(*workers.pids()) as peak:
            for name in FAST:
                kind, make = BODIES[name]
                with pytest.raises(SourceError):
                    workers.parse(source_of(kind), make(), NOW)
        assert peak.over_idle[0] < BAR_MIB
        assert peak.over_idle[1] > 1, "the worker was looked at"
        assert time.monotonic() - began < 20
        assert workers.parse(bbc, body, NOW).signals


@pytest.mark.torture
def test_every_bomb_stays_under_the_bar() -> None:
    assert measure()["missed"] == []
