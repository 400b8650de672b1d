"""Texts of sources that nobody vouches for: read and shown with that mark, and counted nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ews.cli import app
from ews.config import load_settings
from ews.model import Article, Event, Phase, SourceState, Story, StoryMember
from ews.pipeline import Pipeline
from ews.reports import OPEN, OPERATOR
from ews.reports.collection import source_lines
from ews.reports.explain import explain
from ews.storage import Store
from ews.tuning import cases
from ews.web import create_app
from scrapers import load_source
from tests import faces_home
from tests.faces_home import NOW, make_home

TITLE = "<b>Rumour</b> of more urea trouble"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Store, str]]:
    """The alert of the faces, its event told by a story that has an unverified text beside it."""
    told = replace(faces_home._event(), links=("story:sty-1",))
    monkeypatch.setattr(faces_home, "_event", lambda: told)
    alert, _ = make_home(tmp_path)
    store = Store.open(tmp_path)
    member = StoryMember(
        "art-rumour", "own", "Port gossip", TITLE, "https://gossip.example.org/1", "en", NOW, NOW,
        0.9, 1.0, Phase.ACTUAL, states=False,
    )  # fmt: skip
    late = replace(member, article_id="art-later", available_at=NOW + timedelta(days=9))
    store.save_stories([
        Story("sty-1", "export_restriction", NOW, NOW, 1, (), (), {}, {}, {}, {}, {}, {}, {},
              unverified=(member, late))
    ])  # fmt: skip
    yield tmp_path, store, alert
    store.close()


def test_it_is_shown_beside_the_evidence_to_those_who_work_here(
    home: tuple[Path, Store, str],
) -> None:
    _, store, alert = home
    told = explain(store, alert, viewer=OPERATOR).event
    assert told is not None
    assert [one.signal_id for one in told.unverified] == ["art-rumour", "art-later"]
    assert not {"art-rumour", "art-later"} & {one.signal_id for one in told.evidence}
    assert told.independent_sources == len({one.independence for one in told.evidence})
    plain = explain(store, alert, viewer=OPEN).event
    assert plain is not None
    assert plain.unverified == ()


def test_a_past_answer_knows_only_what_had_come(home: tuple[Path, Store, str]) -> None:
    _, store, alert = home
    for days, known in ((1, ["art-rumour"]), (20, ["art-rumour", "art-later"])):
        then = NOW + timedelta(days=days)
        told = explain(store, alert, viewer=OPERATOR, as_of=then).event
        assert told is not None
        assert [one.signal_id for one in told.unverified] == known


@pytest.mark.parametrize(
    ("lang", "mark"), [("ko", "확인되지 않은 출처"), ("en", "Unverified sources")]
)
def test_a_terminal_marks_it(home: tuple[Path, Store, str], lang: str, mark: str) -> None:
    folder, _, alert = home
    words = ["explain", alert, "--home", str(folder), "--lang", lang]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert mark in done.stdout
    assert "Port gossip" in done.stdout


def test_the_page_marks_it_and_shows_no_markup_of_it(home: tuple[Path, Store, str]) -> None:
    folder, store, alert = home
    client = TestClient(
        create_app(load_settings(folder), store, viewer=OPERATOR), base_url="http://localhost"
    )
    text = client.get(f"/alerts/{alert}?lang=en").text
    assert "unverified source: not counted" in text
    assert "<b>Rumour" not in text


def test_nobody_is_blind_for_a_private_source_that_is_silent(home: tuple[Path, Store, str]) -> None:
    _, store, _ = home
    source = load_source("bbc_world")
    for trusted in (True, False):
        (line,) = source_lines(store, NOW, [replace(source, trusted=trusted)])
        assert line.state == SourceState.NEVER.value
        assert line.blind is trusted


def test_a_private_address_is_shown_without_its_query(home: tuple[Path, Store, str]) -> None:
    _, store, _ = home
    source = replace(load_source("bbc_world"), url="https://e.org/feed?token=mine")
    private, shipped = (
        source_lines(store, NOW, [replace(source, tier=tier)])[0].url for tier in (4, 2)
    )
    assert (private, shipped) == ("https://e.org/feed", source.url)


@pytest.mark.torture
def test_a_whole_case_makes_the_same_events_with_and_without_unverified_texts(
    tmp_path: Path, pipeline_at: Callable[[Path], Pipeline]
) -> None:
    """Every text of the urea case again from a private source, some before the newsroom has it."""
    since, until = date(2021, 9, 25), date(2021, 11, 15)
    signals = [s for s in cases.load("urea_2021") if since <= s.available_at.date() <= until]
    texts = [one for one in signals if isinstance(one, Article)]
    copies = [
        replace(one, id=f"art-{n:016x}", source="own", outlet="own", independence="own",
                available_at=one.available_at + timedelta(minutes=(n % 7 - 3) * 40), trusted=False)
        for n, one in enumerate(texts)
    ]  # fmt: skip
    ends: list[list[Event]] = []
    for name, more in (("without", []), ("with", copies)):
        pipeline = pipeline_at(tmp_path / name)
        pipeline.ingest([*signals, *more])
        for day in range((until - since).days + 1):
            now = signals[0].available_at.replace(hour=23, minute=59) + timedelta(days=day)
            pipeline.cycle(now)
        ends.append(sorted(pipeline.store.events(), key=lambda one: one.id))
        assert pipeline.store.alerts()
    assert len(ends[0]) > 3
    assert ends[0] == ends[1]
