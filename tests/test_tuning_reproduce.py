"""A past alert is made again bit for bit: by the rules, a person, silence or the clock."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import copytree

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from alerts.life import ActRefused, apply, sight
from alerts.routes import parse_routes
from alerts.rulebook import shipped_ruleset
from ews.cli import app
from ews.config import load_settings
from ews.judging import NETWORK, code_version, judge
from ews.model import Act, ActKind, AlertChange, ChangeKind, Event, Phase
from ews.pipeline import Pipeline
from ews.reports import OPERATOR, Names, Viewer
from ews.storage import Store, schema
from ews.storage.codec import to_json
from ews.telling import tell
from ews.tuning import cases
from ews.tuning.past import Past
from ews.tuning.replay import replay
from ews.tuning.reproduce import Again, NotFound, Reproduced, reproduce
from ews.web import create_app
from graph import Network
from nlp.classifier import Classifier
from tests.alert_samples import NOW, urea_event, urea_exposure

RULES = shipped_ruleset(datetime(2000, 1, 1, tzinfo=UTC))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ROUTES = parse_routes("""
[[receiver]]
name = "산업부"
channel = "console"
address = "-"
quiet = "22:00-07:00"
people = ["김", "이"]
ack_within_min = { "주의" = 30 }
digests = ["17:30"]
""")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the rules as shipped, to be copied: making the tables costs more than a history."""
    folder = tmp_path_factory.mktemp("empty")
    made = Store.open(folder)
    made.save_ruleset(RULES)
    made.close()
    return folder


@pytest.fixture
def store(empty: Path, tmp_path: Path) -> Iterator[Store]:
    copytree(empty, tmp_path, dirs_exist_ok=True)
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def happens(store: Store, event: Event) -> None:
    store.save_events([event])
    paths = [replace(urea_exposure(n), event_id=event.id) for n in (1, 2)]
    store.save_propagation(event, [], paths)


def again(store: Store, network: Network | None = None) -> list[Reproduced]:
    changes = store.changes()
    making = Again(Past.of(store, changes), network)
    return [making.of(change) for change in changes]


def wrong(found: Sequence[Reproduced]) -> list[Reproduced]:
    return [one for one in found if one.equal is not True]


# ------------------------------------------------------------------ whatever happened, in any order


STEPS = st.tuples(
    st.sampled_from(["report", "report", "report", "rules", "act", "sight", "wait"]),
    st.integers(0, 2),  # which event, which alert
    st.sampled_from([0.04, 0.35, 0.6, 0.95]),
    st.sampled_from([0.4, 1.2, 2.4]),
    st.sampled_from([timedelta(minutes=1), HOUR, 7.5 * HOUR, DAY, 35 * DAY]),
)
Step = tuple[str, int, float, float, timedelta]
ACTS: tuple[tuple[ActKind, dict[str, str]], ...] = (
    (ActKind.ACKNOWLEDGE, {}), (ActKind.SIGN_OFF, {}), (ActKind.REFUSE, {}),
    (ActKind.CLEAR, {}), (ActKind.HAND_OVER, {"to": "이"}),
    (ActKind.FALSE_ALARM, {"reason": "opinion"}),
    (ActKind.CLOSE, {"decision": "비축 방출", "outcome": "차질 없음"}),
)  # fmt: skip


class History:
    """Plays steps over a store, as the pipeline would."""

    def __init__(self, store: Store) -> None:
        self.store, self.now, self.acts = store, NOW, 0

    def play(self, step: Step) -> None:
        what, which, probability, severity, later = step
        self.now += later
        if what == "report":
            self.report(which, probability, severity)
        elif what == "rules":
            newest = self.store.ruleset()
            assert newest is not None
            self.store.save_ruleset(replace(newest, version=newest.version + 1))
        elif what == "act":
            self.act(which + int(severity * 2))
        elif what == "sight":
            self.sight()
        ruleset = self.store.ruleset()
        assert ruleset is not None
        judge(self.store, ruleset, self.now)
        tell(self.store, ROUTES, Names(), self.now)

    def report(self, which: int, probability: float, severity: float) -> None:
        """An event of its own, one of the same happening, or a further word on one."""
        id_ = f"evt-{which}"
        before = self.store.event(id_)
        place = ("CN",) if which < 2 else ("QA",)
        happens(self.store, urea_event(
            id=id_, probability=probability, severity=severity, countries=place,
            revision=before.revision + 1 if before else 1,
            first_seen=before.first_seen if before else self.now,
            updated_at=self.now, last_seen=self.now,
            phase=Phase.EASING if severity < 1 else Phase.ACTUAL,
        ))  # fmt: skip

    def act(self, number: int) -> None:
        for alert in self.store.alerts()[:1]:
            kind, detail = ACTS[number % len(ACTS)]
            self.acts += 1
            done = Act(f"act-{self.acts}", kind, "김", self.now, "page", alert.id, "까닭", detail)
            try:
                change = apply(alert, done, self.now)
            except ActRefused:
                continue
            if change is not None:
                self.store.save_changes([change])
            self.store.save_act(done)

    def sight(self) -> None:
        firing = self.store.open_alerts()
        blind = [one.blind_since is None for one in firing]
        found = [sight(one, turn, self.now) for one, turn in zip(firing, blind, strict=True)]
        self.store.save_changes([one for one in found if one is not None])


@settings(max_examples=8, deadline=None)
@given(st.lists(STEPS, min_size=4, max_size=10))
def test_every_change_of_any_history_is_made_again_to_the_byte(
    empty: Path, tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    store = Store.open(copytree(empty, tmp_path_factory.mktemp("history") / "home"))
    history = History(store)
    history.play(("report", 0, 0.95, 2.4, HOUR))
    for step in steps:
        history.play(step)
    found = again(store)
    assert found
    assert wrong(found) == []
    assert {one.inputs for one in found if one.decided_by == "rules"} == {"kept"}
    store.close()


def test_such_a_history_has_changes_of_every_origin(store: Store) -> None:
    history = History(store)
    history.now = datetime(2021, 10, 12, 13, tzinfo=UTC)  # ten at night in Korea
    for step in (
        ("wait", 0, 0.6, 0.4, HOUR), ("report", 0, 0.6, 1.2, HOUR),
        ("wait", 0, 0.6, 0.4, 7.5 * HOUR), ("act", 0, 0.6, 0.4, HOUR),
        ("sight", 0, 0.6, 0.4, HOUR), ("report", 1, 0.95, 2.4, DAY),
        ("wait", 0, 0.6, 0.4, 35 * DAY),
    ):  # fmt: skip
        history.play(step)
    found = again(store)
    assert wrong(found) == []
    assert {one.decided_by for one in found} == {"rules", "person", "sight", "clock"}


# ------------------------------------------------------------------------------- a recorded case


@pytest.fixture(scope="module")
def played(
    tmp_path_factory: pytest.TempPathFactory, pipeline_at: Callable[[Path], Pipeline]
) -> Store:
    """The urea case through the real pipeline, with the days after which alerts end."""
    pipeline = pipeline_at(tmp_path_factory.mktemp("again"))
    signals = [s for s in cases.load("urea_2021") if s.available_at.date() < date(2021, 10, 20)]
    replay(pipeline, signals, date(2021, 9, 25), date(2021, 11, 20))
    return pipeline.store


def test_every_change_of_a_replay_is_made_again_with_its_paths(
    played: Store, network: Network
) -> None:
    found = again(played, network)
    assert len(found) > 5
    assert wrong(found) == []
    assert {"raised", "resolved"} <= {one.kind for one in found}
    paths = [one.paths for one in found if one.paths is not None]
    assert sum(held.tried for held in paths) > 2
    assert all(held.same == held.tried for held in paths)
    assert all("other_network" not in one.notes for one in found)


def test_the_model_of_then_gives_the_tags_of_then_to_the_byte(
    played: Store, classifier: Classifier
) -> None:
    raised = next(one for one in played.changes() if one.kind is ChangeKind.RAISED)
    making = Again(
        Past.of(played, played.changes()), None,
        lambda version: classifier if version == classifier.version else None,
    )  # fmt: skip
    held = making.of(raised).tags
    assert held is not None
    assert held.tried == held.same > 0
    assert held.missing == 0
    assert held.by == (classifier.version,)
    none = Again(making.past, None, lambda version: None).of(raised).tags
    assert none is not None
    assert (none.tried, none.missing) == (0, held.tried)


def test_what_an_older_ews_did_not_keep_is_put_together_again_and_said(
    played: Store, network: Network, tmp_path: Path
) -> None:
    older = _copy(played, tmp_path)
    with older.begin() as tx, tx._write() as connection:
        connection.execute(sa.delete(schema.judgings))
    found = again(older, network)
    ruled = [one for one in found if one.decided_by == "rules"]
    assert {one.inputs for one in ruled} == {"rebuilt"}
    assert all("rebuilt" in one.notes for one in ruled)
    equal = sum(one.equal is True for one in found)
    assert equal >= 0.9 * len(found)
    older.close()


def _copy(store: Store, folder: Path) -> Store:
    other = Store.open(folder)
    with store._read() as connection, other.begin() as tx, tx._write() as target:
        for table in schema.metadata.sorted_tables:
            rows = [dict(row._mapping) for row in connection.execute(sa.select(table))]
            if rows:
                target.execute(sa.insert(table), rows)
    return other


# --------------------------------------------------------------------------- what comes out wrong


def _raised(store: Store) -> AlertChange:
    happens(store, urea_event(probability=0.95, severity=2.0))
    judge(store, RULES, NOW)
    (change,) = store.changes()
    return change


def _rewrite(store: Store, change: AlertChange, edit: Callable[[dict[str, object]], None]) -> None:
    """What was kept of the turn, changed behind our back."""
    (kept,) = store.judgings(change.at)
    plain = json.loads(to_json(kept))
    edit(plain)
    packed = zlib.compress(json.dumps(plain).encode())
    with store.begin() as tx, tx._write() as connection:
        connection.execute(sa.update(schema.judgings).values(given=packed))


def test_evidence_that_was_changed_afterwards_gives_another_alert_and_names_the_fields(
    store: Store,
) -> None:
    change = _raised(store)

    def other(plain: dict[str, object]) -> None:
        reports = plain["reports"]
        assert isinstance(reports, list)
        reports[0]["event"]["title"] = "다른 제목"

    _rewrite(store, change, other)
    (found,) = again(store)
    assert found.equal is False
    assert [d.field for d in found.differences] == ["alert.title"]
    assert "다른 제목" in found.differences[0].computed
    assert "unexplained" in found.notes


def test_another_code_is_named_as_such(store: Store) -> None:
    change = _raised(store)
    _rewrite(store, change, lambda plain: plain.update(code="older"))
    (found,) = again(store)
    assert found.equal is True
    assert found.notes == ("other_code",)


def test_a_record_of_an_older_ews_is_held_by_the_fields_that_it_has(store: Store) -> None:
    _raised(store)
    with store.begin() as tx, tx._write() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_no_update")
        (body,) = connection.scalars(
            sa.select(schema.audit.c.body).where(schema.audit.c.kind == "change")
        )
        plain = json.loads(body)
        del plain["alert"]["chance"]
        older = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
        connection.execute(
            sa.update(schema.audit).where(schema.audit.c.kind == "change").values(body=older)
        )
    (found,) = again(store)
    assert found.equal is True
    assert "older_record" in found.notes


def test_the_audit_is_the_record_not_the_table(store: Store) -> None:
    change = _raised(store)
    other = replace(change.alert, title="다른 제목")
    with store.begin() as tx, tx._write() as connection:
        connection.execute(sa.update(schema.alert_changes).values(alert=to_json(other)))
    (found,) = again(store)
    assert found.equal is True, "what the audit holds comes out again; the table was changed"


def test_an_event_that_would_raise_nothing_gives_no_change(store: Store) -> None:
    change = _raised(store)

    def nothing(plain: dict[str, object]) -> None:
        reports = plain["reports"]
        assert isinstance(reports, list)
        reports[0]["event"]["probability"] = 0.01

    _rewrite(store, change, nothing)
    (found,) = again(store)
    assert [(d.field, d.recorded, d.computed) for d in found.differences] == [
        ("change", "raised", "none")
    ]


def test_without_its_rule_set_or_act_it_cannot_be_tried_and_says_why(store: Store) -> None:
    change = _raised(store)
    _rewrite(store, change, lambda plain: plain.update(ruleset=9))
    (found,) = again(store)
    assert found.equal is None
    assert "rule set 9" in found.why
    act = Act("act-1", ActKind.ACKNOWLEDGE, "김", NOW + HOUR, "page", change.alert.id)
    taken = apply(change.alert, act, act.at)
    assert taken is not None
    store.save_changes([taken])
    newest = reproduce(store, None, change.alert.id)
    assert newest.equal is None
    assert "act" in newest.why


def test_the_versions_of_network_and_code_are_kept_with_a_turn(store: Store) -> None:
    store.put(NETWORK, "abc")
    (kept,) = store.judgings(_raised(store).at)
    assert (kept.network, kept.code, kept.ruleset) == ("abc", code_version(), 1)
    assert len(kept.code) == 12
    assert store.judgings_bytes() > 100


def test_a_firms_own_path_is_not_kept_with_a_turn(store: Store) -> None:
    event = urea_event(probability=0.95, severity=2.0)
    store.save_events([event])
    own = replace(urea_exposure(3), event_id=event.id, firm="secret-co")
    store.save_propagation(event, [], [replace(urea_exposure(1), event_id=event.id), own])
    judge(store, RULES, NOW)
    (kept,) = store.judgings(NOW)
    assert [one.firm for one in kept.reports[0].exposures] == [None]
    assert wrong(again(store)) == []


def test_a_change_that_does_not_exist_is_not_found(store: Store) -> None:
    change = _raised(store)
    with pytest.raises(NotFound, match="no such change"):
        reproduce(store, None, change.alert.id, revision=7)
    with pytest.raises(NotFound):
        reproduce(store, None, change.alert.id, as_of=NOW - HOUR)
    assert reproduce(store, None, change.alert.id, revision=1, as_of=NOW).equal


# ------------------------------------------------------------------------------------ two faces


def test_command_and_api_give_the_same_answer(store: Store, tmp_path: Path) -> None:
    alert = _raised(store).alert
    ask = ["reproduce", alert.id[:8], "--home", str(tmp_path)]
    told = CliRunner().invoke(app, [*ask, "--json"])
    assert told.exit_code == 0, told.output
    site = create_app(load_settings(tmp_path), store, viewer=OPERATOR, clock=lambda: NOW + HOUR)
    answered = TestClient(site).get(f"/api/v1/alerts/{alert.id}/reproduce")
    assert json.loads(told.stdout) == answered.json()
    assert answered.json()["equal"] is True
    missing = TestClient(site).get(f"/api/v1/alerts/{alert.id}/reproduce?revision=9")
    assert missing.status_code == 404
    other = create_app(load_settings(tmp_path), store, viewer=Viewer("official"),
                       clock=lambda: NOW + HOUR)  # fmt: skip
    assert TestClient(other).get(f"/api/v1/alerts/{alert.id}/reproduce").status_code == 403


def test_the_command_says_equal_not_equal_or_cannot_be_tried_by_its_exit_code(
    store: Store, tmp_path: Path
) -> None:
    change = _raised(store)
    run, home = CliRunner().invoke, ["--home", str(tmp_path), "--lang", "en"]
    equal = run(app, ["reproduce", "--all", *home])
    assert equal.exit_code == 0, equal.output
    assert "1 of 1 changes are equal" in equal.stdout
    _rewrite(store, change, lambda plain: plain.update(reports=[]))
    other = run(app, ["reproduce", change.alert.id, *home])
    assert other.exit_code == 1
    assert "Not equal" in other.stdout
    _rewrite(store, change, lambda plain: plain.update(ruleset=9))
    assert run(app, ["reproduce", change.alert.id, *home]).exit_code == 2
    assert run(app, ["reproduce", *home]).exit_code == 2
    assert run(app, ["reproduce", "alr-none", *home]).exit_code == 1
