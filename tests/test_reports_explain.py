"""Why this alert, now and as of a past moment: the answer of then is the answer that was given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ews.cli import app
from ews.config import load_settings
from ews.model import (
    Act,
    ActKind,
    AlertChange,
    Article,
    ChangeKind,
    DeliveryState,
    Mention,
    MentionKind,
    Phase,
    Stage,
    Tag,
    TaggedArticle,
)
from ews.pipeline import Pipeline
from ews.reports import OPEN, OPERATOR, NotFound, Viewer, plain
from ews.reports.auditing import verify
from ews.reports.explain import explain
from ews.reports.sentences import stating
from ews.storage import Store
from ews.tuning import cases
from ews.web import create_app
from tests import faces_home
from tests.faces_home import NOW, make_home
from tests.pg_server import pg_url

ALERT, EVENT = "alr-urea0000000001", "evt-urea0000000001"
HOUR = timedelta(hours=1)


# ------------------------------------------------------------------- as of then = at that time


@pytest.fixture(scope="module")
def played(
    tmp_path_factory: pytest.TempPathFactory, pipeline_at: Callable[[Path], Pipeline]
) -> tuple[Store, list[tuple[datetime, str, object, object]]]:
    """A replay of the urea case; at each tick, what was answered of each alert: plainly, and
    as of that moment."""
    pipeline = pipeline_at(tmp_path_factory.mktemp("played"))
    since, until = date(2021, 9, 25), date(2021, 12, 1)
    signals = [s for s in cases.load("urea_2021") if since <= s.available_at.date() <= until]
    pipeline.ingest(signals)
    store, given = pipeline.store, []
    for now in sorted({s.available_at.replace(minute=0, second=0) + HOUR for s in signals}):
        pipeline.cycle(now)
        for alert in store.alerts():
            told = plain(explain(store, alert.id, viewer=OPERATOR))
            then = plain(explain(store, alert.id, viewer=OPERATOR, as_of=now))
            given.append((now, alert.id, told, then))
    return store, given


def test_the_replay_gives_answers_worth_comparing(
    played: tuple[Store, list[tuple[datetime, str, object, object]]],
) -> None:
    store, given = played
    assert len(given) > 20
    assert any(len(store.event_revisions(a.event_id)) > 1 for a in store.alerts())
    assert len(store.changes()) > len(store.alerts())
    assert store.counts()["exposure_revisions"] > 0, "paths were replaced, and kept"


def test_the_answer_as_of_a_moment_is_the_answer_that_was_given_then(
    played: tuple[Store, list[tuple[datetime, str, object, object]]],
) -> None:
    store, given = played
    for now, alert_id, _, then in given:
        later = plain(explain(store, alert_id, viewer=OPERATOR, as_of=now))
        assert later == then, (now, alert_id)


SAME = ("alert", "reasons", "deliveries", "changes", "ruleset", "thresholds", "facts", "standing",
        "acts")  # fmt: skip


def test_the_answer_as_of_a_moment_is_what_was_plainly_told_at_it(
    played: tuple[Store, list[tuple[datetime, str, object, object]]],
) -> None:
    """All that a past answer can rebuild; evidence that added nothing is not dated (docs/proof.md)."""
    _, given = played
    with_paths = 0
    for now, alert_id, told, then in given:
        assert isinstance(told, dict)
        assert isinstance(then, dict)
        for part in SAME:
            if part == "alert":
                told_alert = {**told[part], "independent_sources": 0}
                assert told_alert == {**then[part], "independent_sources": 0}, (now, alert_id)
                continue
            assert told[part] == then[part], (now, alert_id, part)
        ids = {one["signal_id"] for one in told["event"]["evidence"]}
        if told["event"]["revision"] == then["event"]["revision"]:
            assert {one["signal_id"] for one in then["event"]["evidence"]} <= ids
            assert told["exposures"] == then["exposures"], (now, alert_id)
            with_paths += bool(told["exposures"])
    assert with_paths > 10


# ------------------------------------------------------------------------------- by hand


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The database file of a home, made once."""
    folder = tmp_path_factory.mktemp("made")
    make_home(folder)
    return (folder / "ews.db").read_bytes()


@pytest.fixture
def store(tmp_path: Path, made: bytes) -> Iterator[Store]:
    (tmp_path / "ews.db").write_bytes(made)
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def later(store: Store) -> None:
    """A day on: the share is another, the stage rises by time-out, a person acts and closes."""
    at = NOW + timedelta(days=1)
    event = store.event(EVENT)
    alert = store.alert(ALERT)
    assert event is not None
    assert alert is not None
    moved = replace(event, revision=2, updated_at=at, severity=2.6)
    paths = [
        replace(x, share_at_risk=0.5, path=(replace(x.path[0], weight=0.5), *x.path[1:]))
        for x in store.exposures(event_id=EVENT)
    ]
    risen = replace(
        alert, stage=Stage.ALERT, max_stage=Stage.ALERT, revision=2, updated_at=at, timed_out=True,
        event_revision=2, reasons=("expected_loss=0.7",),
    )  # fmt: skip
    with store.begin() as tx:
        tx.save_events([moved])
        tx.save_propagation(moved, [], paths)
        tx.save_changes([AlertChange(risen, ChangeKind.STAGE_UP, at, Stage.CAUTION, "nobody")])
        tx.save_act(
            Act("act-1", ActKind.CLOSE, "김과장", at, "page", ALERT, "",
                {"decision": "재고 방출", "outcome": "차질 없음"})
        )  # fmt: skip
        tx.save_tagged(
            [
                TaggedArticle(
                    "art-a", "newer.v9", (Tag("sanctions", 0.99),), 0.99, Phase.ACTUAL, 2.0
                )
            ],
            at,
        )


def test_a_past_answer_has_the_stage_paths_tags_and_acts_of_then(store: Store) -> None:
    later(store)
    now = explain(store, ALERT, viewer=OPERATOR)
    then = explain(store, ALERT, viewer=OPERATOR, as_of=NOW + HOUR)
    assert (now.alert.stage, then.alert.stage) == (3, 2)
    assert now.standing is not None
    assert then.standing is not None
    assert (now.standing.timed_out, then.standing.timed_out) == (True, False)
    assert [len(now.changes), len(then.changes)] == [2, 1]
    assert [x.share_at_risk for x in then.exposures] == [0.976], "no firm's own is kept"
    assert now.exposures[0].share_at_risk == 0.5
    assert now.event is not None
    assert then.event is not None
    assert (now.event.revision, then.event.revision) == (2, 1)
    assert [e.model for e in now.event.evidence] == ["newer.v9", "lexicon.v1"]
    assert [e.model for e in then.event.evidence] == ["lexicon.v1", "lexicon.v1"]
    assert [r.revision for r in now.revisions] == [1, 2]
    assert [r.revision for r in then.revisions] == [1]
    assert [a.detail["decision"] for a in now.decisions] == ["재고 방출"]
    assert then.acts == ()
    assert [d.state for d in then.deliveries] == ["sent"]


def test_before_it_was_raised_there_was_no_alert(store: Store) -> None:
    with pytest.raises(NotFound, match="not raised yet at 2021-10-12 01:00 UTC"):
        explain(store, ALERT, as_of=NOW - HOUR)


def test_a_message_that_went_out_later_was_on_its_way_then(store: Store) -> None:
    (told,) = store.notifications(alert_id=ALERT)
    done = store.delivery(told.id)
    assert done is not None
    late = replace(told, id="ntf-late", receiver="late", at=NOW)
    with store.begin() as tx:
        tx.save_notifications([], [late])
        claimed = tx.claim(NOW + HOUR, "w", 60)
        assert claimed is not None
        tx.save_delivery(
            replace(claimed[1], state=DeliveryState.SENT, sent_at=NOW + 2 * HOUR), NOW + 2 * HOUR
        )

    def state(at: datetime) -> str:
        found = explain(store, ALERT, viewer=OPERATOR, as_of=at)
        return next(d.state for d in found.deliveries if d.receiver == "late")

    moments = [NOW, NOW + HOUR, NOW + 2 * HOUR]
    assert [state(at) for at in moments] == ["new", "trying", "sent"]
    notes = explain(store, ALERT, viewer=OPERATOR, as_of=NOW).notes
    assert "tries" in [note.code for note in notes]


def test_paths_that_were_not_kept_are_missed_aloud_not_made_up(store: Store) -> None:
    later(store)
    with store._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM exposure_revisions")
    then = explain(store, ALERT, viewer=OPERATOR, as_of=NOW)
    assert then.exposures == ()
    assert "paths" in [note.code for note in then.notes]


def test_paths_of_an_event_that_no_alert_names_are_not_kept(store: Store) -> None:
    event = store.event(EVENT)
    assert event is not None
    other = replace(event, id="evt-other")
    with store.begin() as tx:
        for revision in (1, 2, 3):
            moved = replace(other, revision=revision)
            tx.save_events([moved])
            tx.save_propagation(moved, [], [])
    assert store.counts()["exposure_revisions"] == 0


def test_postgresql_answers_the_same_of_then(tmp_path: Path, store: Store) -> None:
    with pg_url(migrated=True) as url:
        other = Store.open(tmp_path, url)
        try:
            with other.begin() as tx:
                faces_home._signals(tx)
                event = faces_home._event()
                tx.save_events([event])
                paths = faces_home._exposures(event)
                tx.save_propagation(event, [], paths)
                faces_home._alert(tx, event, paths)
            for one in (store, other):
                later(one)
            at = NOW + HOUR
            here, there = (explain(s, ALERT, viewer=OPERATOR, as_of=at) for s in (store, other))
            assert plain(here) == plain(there)
            assert there.exposures
            assert other.counts()["exposure_revisions"] == 1
            assert verify(other, other.audit_head()).ok
        finally:
            other.close()


@pytest.mark.parametrize(
    ("viewer", "acts", "by"),
    [
        (OPERATOR, 1, "lee"),
        (Viewer("official", person="park"), 1, "lee"),
        (Viewer("firm", "표본상사", person="choi"), 0, ""),
        (OPEN, 0, ""),
    ],
)
def test_who_did_what_is_for_those_who_work_here(
    store: Store, viewer: Viewer, acts: int, by: str
) -> None:
    alert = store.alert(ALERT)
    assert alert is not None
    with store.begin() as tx:
        tx.save_act(Act("act-1", ActKind.NOTE, "lee", NOW, "cli", ALERT, "called the importer"))
        taken = replace(alert, revision=2, holder="lee")
        tx.save_changes(
            [AlertChange(taken, ChangeKind.ACKNOWLEDGED, NOW, Stage.CAUTION, "", by="lee")]
        )
    found = explain(store, ALERT, viewer=viewer)
    assert len(found.acts) == acts
    assert found.changes[-1].by == by


def test_command_api_and_page_give_the_same_past_answer(tmp_path: Path) -> None:
    make_home(tmp_path)
    store = Store.open(tmp_path)
    later(store)
    told = CliRunner().invoke(
        app, ["explain", ALERT, "--as-of", "2021-10-12T03:00Z", "--json", "--home", str(tmp_path)]
    )
    assert told.exit_code == 0, told.output
    site = create_app(load_settings(tmp_path), store, viewer=OPERATOR,
                      clock=lambda: NOW + timedelta(days=9))  # fmt: skip
    asks = TestClient(site)
    answered = asks.get(f"/api/v1/alerts/{ALERT}/explain?as_of=2021-10-12T03:00Z")
    assert json.loads(told.stdout) == answered.json()
    html = asks.get(f"/alerts/{ALERT}/why?as_of=2021-10-12T03:00Z&lang=en").text
    assert "97.6 %" in html
    assert "50.0 %" not in html
    assert "재고 방출" in asks.get(f"/alerts/{ALERT}/why").text
    assert asks.get(f"/api/v1/alerts/{ALERT}/explain?as_of=2021-10-11").status_code == 404
    assert asks.get(f"/api/v1/alerts/{ALERT}/explain?as_of=soon").status_code == 400
    assert asks.get(f"/alerts/{ALERT}/why?as_of=2031-01-01").status_code == 400
    code = CliRunner().invoke(
        app, ["explain", ALERT, "--as-of", "2021-10-11", "--home", str(tmp_path)]
    )
    assert code.exit_code == 1
    store.close()


# ------------------------------------------------------------------------------ the sentence


def article(title: str, text: str) -> Article:
    return Article("art-1", "s", "Wire", "", title, text, "en", NOW, NOW)


def tagged(one: Article, *words: tuple[str, str]) -> TaggedArticle:
    whole = f"{one.title}\n{one.text}"
    mentions = tuple(
        Mention(
            MentionKind.ITEM, code, 1.0, whole.rindex(word), whole.rindex(word) + len(word), word
        )
        for word, code in words
    )
    return TaggedArticle("art-1", "m", (), 0.9, None, 1.0, mentions)


def test_the_sentence_is_the_one_that_names_most_of_what_the_event_is_about() -> None:
    one = article("Export checks", "It rained. Ships with urea wait off Busan! Nickel fell, too.")
    marks = tagged(one, ("urea", "urea"), ("Busan", "busan"), ("Nickel", "nickel"))
    assert stating(one, marks)[0] == "Ships with urea wait off Busan!"
    assert stating(one, marks, ["nickel"])[0] == "Nickel fell, too."
    assert [m.code for m in stating(one, marks)[1]] == ["urea", "busan"]


def test_a_korean_sentence_is_found_and_one_without_a_stop_too() -> None:
    one = article("요소 수출 제한", "장마가 끝났다. 중국이 요소 수출을 막았다.\n끝")
    assert stating(one, tagged(one, ("요소 수출을", "urea")))[0] == "중국이 요소 수출을 막았다."
    bare = article("t", "urea stops")
    assert stating(bare, tagged(bare, ("urea", "urea")))[0] == "urea stops"


def test_a_body_that_names_nothing_gives_no_sentence() -> None:
    one = article("urea stops", "It rained.")
    in_title = TaggedArticle(
        "art-1", "m", (), 0.9, None, 1.0, (Mention(MentionKind.ITEM, "urea", 1.0, 0, 4, "urea"),)
    )
    assert stating(one, in_title) == ("", ())
    assert stating(one, None) == ("", ())
    assert stating(article("t", ""), in_title) == ("", ())
