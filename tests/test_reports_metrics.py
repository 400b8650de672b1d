"""Prometheus reads what the store knows, in formats that its own parser takes; every rule finds its metric."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_text
from typer.testing import CliRunner

from alerts.digests import carry
from alerts.rulebook import shipped_ruleset
from ews.cli import app
from ews.config import load_settings
from ews.liveness.pulse import Ping as Pinged
from ews.liveness.pulse import keep_ping, note_cycle
from ews.liveness.turns import note_begin
from ews.model import (
    Bulletin,
    BulletinKind,
    Circuit,
    Delivery,
    DeliveryState,
    Fetch,
    FetchOutcome,
    Host,
    Polling,
    Receiver,
)
from ews.reports.metrics import StoreCollector, exposition, hosts
from ews.storage import Store
from ews.storage.blind import BlindSpell
from ews.storage.tallies import SPAN, Tally
from ews.web import create_app
from scrapers import load_source
from tests.empty_store import opened

NOW = datetime(2026, 11, 25, 7, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SOURCE = load_source("mk_economy")
RULES = (Path(__file__).parents[1] / "docs" / "prometheus-rules.yaml").read_text("utf-8")
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("metrics")


@pytest.fixture(scope="module")
def store(home: Path) -> Iterator[Store]:
    """A store in which every metric has something to say."""
    made = opened(home)
    made.save_ruleset(shipped_ruleset(NOW))
    name = SOURCE.name
    made.save_fetch(Fetch(name, NOW - 5 * MINUTE, FetchOutcome.NEW, newest=NOW - 9 * MINUTE,
                          signals=4, rows=30, took_s=1.5))  # fmt: skip
    made.save_fetch(Fetch(name, NOW - MINUTE, FetchOutcome.FAILED, error="HTTP 500", took_s=0.5))
    made.save_polling(Polling(name, NOW + MINUTE, "circuit", 6, Circuit.OPEN, news_at=NOW))
    for week in range(5):
        for span in range(28):
            few = 1 if week == 0 and span < 4 else 12
            at = NOW - week * timedelta(days=7) - (span + 1) * SPAN
            made.add_tally(Tally(name, at, 24, 4, 2, 400, 0, few, 3))
    made.save_host(Host("slow.example.org", held_until=NOW + MINUTE, open_until=NOW + MINUTE))
    made.save_spells([BlindSpell("item:urea", NOW, ("x",)), BlindSpell("country:CN", NOW, ("x",))])
    note_begin(made, NOW - 60 * MINUTE)
    note_cycle(made, NOW - 2 * MINUTE, 3.25)
    made.put("run.seen_at", (NOW - MINUTE).isoformat())
    keep_ping(made, Pinged(NOW, NOW - MINUTE, 2, "HTTP 500"))
    beat = Bulletin("bul-1", BulletinKind.HEARTBEAT, "ops", "en", NOW, "t", ())
    told = carry(beat, Receiver("ops", "console", "-"))
    made.save_bulletins([beat], [told])
    made.save_delivery(Delivery(told.id, DeliveryState.SENT, attempts=1, sent_at=NOW), NOW)
    waits = Bulletin("bul-2", BulletinKind.HEARTBEAT, "ops", "en", NOW - 9 * MINUTE, "t", ())
    made.save_bulletins([waits], [carry(waits, Receiver("ops", "console", "-"))])
    made.change_channel_state("email", "a", lambda s: s.__class__("email", "a", None, NOW, 3))
    yield made
    made.close()


def read(store: Store, home: Path) -> Samples:
    body, _ = exposition(StoreCollector(load_settings(home), store, lambda: NOW))
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in read_text(body.decode())
        for one in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_it_says_what_the_store_knows(store: Store, home: Path) -> None:
    found = read(store, home)
    source = {"source": SOURCE.name}
    assert value(found, "ews_source_state", ews_source_state="fresh", **source) == 1
    assert value(found, "ews_source_circuit", ews_source_circuit="open", **source) == 1
    assert value(found, "ews_source_fetches_total", outcome="failed", **source) == 5 * 28 * 2
    assert value(found, "ews_source_fetches_total", outcome="new", **source) == 5 * 28 * 18
    assert value(found, "ews_source_signals_total", kind="figure", **source) == 5 * 28 * 3
    assert (
        value(found, "ews_source_last_attempt_timestamp_seconds", **source)
        == (NOW - MINUTE).timestamp()
    )
    assert value(found, "ews_source_rows", **source) == 30
    assert value(found, "ews_source_took_seconds", **source) == 0.5
    assert value(found, "ews_source_new_24h", **source) == 16
    assert value(found, "ews_source_new_24h_usual", **source) == 60
    assert value(found, "ews_source_drying", **source) == 1
    assert value(found, "ews_host_held_until_timestamp_seconds", host="slow.example.org") > 0
    assert value(found, "ews_blind_subjects", kind="country") == 1
    assert value(found, "ews_outbox", state="sent") == 1
    assert value(found, "ews_outbox_oldest_seconds") == 540
    assert value(found, "ews_cycle_took_seconds") == 3.25
    assert value(found, "ews_heartbeat_last_timestamp_seconds", receiver="ops") == NOW.timestamp()
    assert value(found, "ews_sign_ok", sign="scheduler") == 1


def test_every_metric_of_the_shipped_rules_is_written(store: Store, home: Path) -> None:
    written = {name for name, _ in read(store, home)}
    asked = {
        name
        for line in RULES.splitlines()
        for name in re.findall(r"\bews_[a-z0-9_]+", line)
        if "cycle_every_s" not in line or line.strip().startswith("expr")
    }
    assert len(asked) > 10
    assert asked <= written
    assert "absent(" in RULES


def test_labels_are_few_and_never_a_text_from_outside(store: Store, home: Path) -> None:
    samples = read(store, home)
    labels = {label for _, pairs in samples for label, _ in pairs}
    assert labels <= {
        "source", "ews_source_state", "ews_source_circuit", "outcome", "kind", "bound", "host",
        "stage", "state", "status", "channel", "receiver", "sign", "version",
    }  # fmt: skip
    assert len(samples) < 60 * 400


def test_openmetrics_is_spoken_to_who_asks_for_it(store: Store, home: Path) -> None:
    settings = load_settings(home)
    client = TestClient(create_app(settings, store, clock=lambda: NOW))
    plain = client.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain; version=")
    opened_ = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert opened_.headers["content-type"].startswith("application/openmetrics-text")
    assert opened_.text.endswith("# EOF\n")
    assert len(list(read_openmetrics(opened_.text))) > 30


def test_the_file_is_whole_or_not_there(store: Store, home: Path, tmp_path: Path) -> None:
    out = tmp_path / "ews.prom"
    done = CliRunner().invoke(app, ["metrics", "--home", str(home), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert list(tmp_path.iterdir()) == [out]
    assert "ews_build_info" in out.read_text("utf-8")


def test_hosts_without_end_are_a_few_lines(tmp_path: Path) -> None:
    made = opened(tmp_path)
    with made.begin() as tx:
        for n in range(310):
            tx.save_host(Host(f"{n}.example.org", held_until=NOW + MINUTE * (n + 1)))
    held = next(one for one in hosts(made, NOW) if "held" in one.name)
    assert len(held.samples) == 300
    assert held.samples[0].labels == {"host": "309.example.org"}
    made.close()
