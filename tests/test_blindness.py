"""What cannot be seen is blind and never calm: since when, who is told, once, and when it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from alerts.routes import Routes
from alerts.rulebook import BlindLimits, RuleError, load_document, read_blind
from ews.blindness import (
    EVERYTHING,
    BlindSpell,
    Feed,
    Watch,
    believed_until,
    follows,
    gone_dark,
    informants,
    keep,
    look,
    main_origins,
    sights,
    spells,
    step,
    watch_over,
)
from ews.cli import app
from ews.cli.blind import table_row
from ews.cli.output import output
from ews.config import load_settings
from ews.model import (
    Alert,
    AlertChange,
    AlertState,
    Article,
    BulletinKind,
    ChangeKind,
    Event,
    EventStatus,
    Evidence,
    Fetch,
    FetchOutcome,
    Observation,
    Phase,
    Receiver,
    RouteReason,
    Source,
    SourceState,
    Stage,
)
from ews.reports import Names
from ews.reports.blind import CountryLine, SilentSource, board_states
from ews.reports.views import Label
from ews.storage import Store
from ews.web import create_app
from scrapers import load_sources
from tests.empty_store import opened

NOW = datetime(2026, 1, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LIMITS = BlindLimits(after=DAY, quorum=0.5, evidence=timedelta(days=180))
BASE = replace(load_sources()[0], every_s=900, fresh_within_s=86_400, expect_min=1, enabled=True)
ITEMS = ("urea", "graphite")


def a_source(name: str, independence: str = "", authority: str | None = None) -> Source:
    return replace(
        BASE, name=name, title=f"T {name}", independence=independence, authority=authority
    )


def feed(name: str, silent_for: timedelta | None = None, group: str = "") -> Feed:
    """A source that speaks, or that has been silent for so long."""
    if silent_for is None:
        return Feed(a_source(name, group), SourceState.FRESH, NOW + DAY)
    return Feed(a_source(name, group), SourceState.FAILING, NOW - silent_for)


def watch(*feeds: Feed, of: dict[str, tuple[str, ...]] | None = None, now: datetime = NOW) -> Watch:
    known = {subject: frozenset(names) for subject, names in (of or {}).items()}
    return Watch({f.source.name: f for f in feeds}, known, LIMITS, NOW - 100 * DAY, now)


def an_alert(*items: str, blind_since: datetime | None = None) -> Alert:
    return Alert(
        id="alt-1", fingerprint="f", event_id="evt-1", stage=Stage.CAUTION, max_stage=Stage.CAUTION,
        state=AlertState.FIRING, raised_at=NOW - DAY, updated_at=NOW - DAY, revision=3, ruleset=1,
        rule="r", reasons=(), type="export_restriction", countries=("CN",), items=items,
        chokepoints=(), ports=(), ministries=(), title="t", blind_since=blind_since,
    )  # fmt: skip


# --------------------------------------------------------------------------- since when


def test_a_source_is_believed_until_its_data_are_too_old_or_its_last_answer() -> None:
    good = Fetch("s", NOW, FetchOutcome.NEW, newest=NOW - 5 * HOUR)
    assert believed_until(BASE, SourceState.STALE, good) == NOW + 19 * HOUR
    assert believed_until(BASE, SourceState.FAILING, good) == NOW
    assert believed_until(BASE, SourceState.NEVER, None) is None
    dateless = replace(good, newest=None)
    storms, news = (replace(BASE, expect_min=0, group=one) for one in ("hazard", "news"))
    assert believed_until(storms, SourceState.STALE, dateless) == NOW + DAY
    # a query to the news that stays empty: since it last brought a text, if it ever did
    assert believed_until(news, SourceState.STALE, dateless, NOW - 3 * DAY) == NOW - 2 * DAY
    assert believed_until(news, SourceState.STALE, dateless) is None


def test_it_is_dark_from_the_moment_the_quorum_was_lost() -> None:
    three = [feed("a"), feed("b", 3 * HOUR), feed("c", 7 * HOUR)]
    dark = gone_dark(three, 0.5, NOW - 100 * DAY)
    assert dark is not None
    assert dark.since == NOW - 3 * HOUR, "with c alone silent, two of three still spoke"
    assert dark.silent == ("b", "c")
    assert gone_dark(three[:2], 0.5, NOW - DAY) is None, "one of two is half"
    assert gone_dark([], 0.5, NOW - DAY) is None, "no source, no judgement"


def test_many_sources_of_one_newsroom_are_one_voice() -> None:
    one_house = [feed(f"k{n}", 5 * HOUR, group="korea.kr") for n in range(6)]
    assert gone_dark([*one_house, feed("a"), feed("b")], 0.5, NOW - DAY) is None
    spoken = [*one_house[1:], feed("k9", group="korea.kr")]
    assert gone_dark([*spoken, feed("b", HOUR)], 0.5, NOW - DAY) is None, "one of the house speaks"


def test_nothing_is_dark_for_longer_than_it_is_watched() -> None:
    dark = gone_dark([feed("a", 50 * DAY), feed("b", 60 * DAY)], 0.5, NOW - DAY)
    assert dark is not None
    assert dark.since == NOW - DAY


def test_an_item_is_judged_by_its_own_sources_and_by_all() -> None:
    lost = [feed("a", 2 * HOUR), feed("b", 3 * HOUR)]
    others = [feed(f"o{n}") for n in range(6)]
    seen = watch(*lost, *others, of={"item:urea": ("a", "b"), "item:helium": ("a",)})
    assert seen.dark("item:urea") is not None
    assert seen.dark("item:helium") is None, "one source of its own is too few to judge by"
    assert seen.dark("item:graphite") is None
    assert seen.dark(EVERYTHING) is None
    blackout = watch(*lost, *others[:1])
    assert blackout.dark("item:graphite") == blackout.dark(EVERYTHING) is not None


# --------------------------------------------------------------------------- what depends on what


def test_an_item_depends_on_authorities_evidence_and_series() -> None:
    sources = [a_source("kr", authority="KR"), a_source("cn", authority="CN"),
               a_source("us", authority="US"), a_source("eu", authority="EU"), a_source("wire")]  # fmt: skip
    found = informants(
        sources, {"item:urea": ["wire"], "country:CN": ["wire"]},
        [("310210", "prices"), ("-", "index"), ("2804", "customs")], NOW,
    )  # fmt: skip
    assert "CN" in main_origins("urea", NOW)
    assert {"kr", "cn", "wire", "prices"} <= found["item:urea"]
    assert not {"eu", "index", "customs"} & found["item:urea"]
    assert found["country:CN"] == {"cn", "wire"}
    assert {"kr", "us"} <= found["item:helium"]  # Qatar, the United States
    assert "cn" not in found["item:helium"]


def test_the_limits_are_rules_and_wrong_ones_are_refused() -> None:
    assert read_blind(load_document()) == read_blind({}) == LIMITS
    for wrong in ({"quorum": 0}, {"quorum": 1.5}, {"after_hours": -1}, {"hours": 3}):
        with pytest.raises(RuleError, match="blind"):
            read_blind({"blind": wrong})


# --------------------------------------------------------------------------- spells


def test_a_spell_is_told_once_after_the_limit_and_its_end_once() -> None:
    of = {"item:urea": ("a", "b")}
    others = [feed(f"o{n}") for n in range(6)]

    def after(hours: int, lasting: tuple[BlindSpell, ...], *two: Feed) -> tuple[object, ...]:
        moved = watch(*two, *others, of=of, now=NOW + hours * HOUR)
        turn = spells(moved, lasting, ITEMS)
        return turn.spells, turn.blind, turn.seeing

    lost = (feed("a", HOUR), feed("b", 2 * HOUR))
    began, told, _ = after(0, (), *lost)
    (spell,) = began
    assert (spell.subject, spell.since, told) == ("item:urea", NOW - HOUR, ())
    assert after(20, (spell,), *lost) == ((), (), ()), "nothing new before the limit"
    (kept,), (blind,), _ = after(24, (spell,), *lost)
    assert kept == blind == replace(spell, told_at=NOW + 24 * HOUR)
    assert after(40, (kept,), *lost) == ((), (), ()), "told once"
    (ended,), _, (seeing,) = after(41, (kept,), feed("a"), feed("b"))
    assert ended == seeing
    assert ended.ended_at == NOW + 41 * HOUR
    (quiet,), _, said = after(2, (spell,), feed("a"), feed("b"))
    assert quiet.ended_at is not None
    assert said == (), "nobody was told of it, so nobody is told of its end"


def test_a_blackout_is_one_spell_and_not_one_for_each_item() -> None:
    turn = spells(watch(feed("a", 2 * DAY), feed("b", 2 * DAY), feed("c")), ())
    assert [spell.subject for spell in turn.blind] == [EVERYTHING]
    assert len(turn.spells) == 1


# --------------------------------------------------------------------------- alerts


def test_a_firing_alert_goes_blind_after_the_limit_and_sees_again() -> None:
    of = {"item:urea": ("a", "b")}
    others = [feed(f"o{n}") for n in range(6)]
    young = watch(feed("a", HOUR), feed("b", HOUR), *others, of=of)
    assert sights(young, [an_alert("urea")]) == []
    old = watch(feed("a", 2 * DAY), feed("b", 2 * DAY), *others, of=of)
    (change,) = sights(old, [an_alert("urea"), an_alert("helium")])
    assert change.kind is ChangeKind.BLIND
    assert change.alert.blind_since == NOW
    assert sights(old, [change.alert]) == [], "said once"
    assert sights(young, [change.alert]) == [], "not seeing before it can be seen"
    (back,) = sights(watch(feed("a"), feed("b"), *others, of=of), [change.alert])
    assert back.kind is ChangeKind.SEEING
    assert back.alert.blind_since is None


def test_an_alert_of_many_items_is_blind_when_half_of_them_are() -> None:
    lost = [feed("a", 2 * DAY), feed("b", 2 * DAY)]
    seen = watch(*lost, *(feed(f"o{n}") for n in range(6)), of={"item:urea": ("a", "b")})
    assert sights(seen, [an_alert("urea", "helium", "neon")]) == []
    assert len(sights(seen, [an_alert("urea", "helium")])) == 1


# --------------------------------------------------------------------------- receivers


def test_a_spell_goes_to_who_depends_on_the_item_and_to_operators() -> None:
    who = {
        "all": Receiver("all", "console", "-"),
        "by use": Receiver("by use", "console", "-", ministries=("mcee",)),
        "by item": Receiver("by item", "console", "-", items=("activated-carbon",)),
        "by sector": Receiver("by sector", "console", "-", sectors=("36",)),
        "other item": Receiver("other item", "console", "-", items=("helium",)),
        "other sector": Receiver("other sector", "console", "-", sectors=("99",)),
        "operator": Receiver("operator", "console", "-", items=("helium",), operator=True),
    }
    told = {name for name, one in who.items() if follows(one, "item:activated-carbon")}
    assert told == {"all", "by use", "by item", "by sector", "operator"}
    assert all(follows(one, EVERYTHING) for one in who.values())


def test_one_bulletin_names_all_that_a_receiver_depends_on_in_its_language() -> None:
    of = {"item:urea": ("a", "b"), "item:helium": ("a", "b")}
    old = watch(feed("a", 2 * DAY), feed("b", 2 * DAY), *(feed(f"o{n}") for n in range(6)), of=of)
    routes = Routes((
        Receiver("both", "console", "-", lang="en", items=("urea", "helium")),
        Receiver("one", "console", "-", lang="ko", items=("urea",)),
        Receiver("none", "console", "-", items=("neon",)),
    ))  # fmt: skip
    done = step(old, (), [], routes, Names())
    assert [(b.receiver, b.kind) for b in done.bulletins] == [
        ("both", BulletinKind.BLIND), ("one", BulletinKind.BLIND),
    ]  # fmt: skip
    both, one = done.bulletins
    assert len(both.parts[0].lines) == 2
    assert both.parts[1].lines == (f"{BASE.publisher}: T a, {BASE.publisher}: T b",)
    assert one.parts[0].lines == ("요소: 2026-01-18 09:00부터",)
    assert {n.reason for n in done.notifications} == {RouteReason.BULLETIN}
    assert [n.bulletin for n in done.notifications] == [both.id, one.id]
    assert step(old, done.spells, [], routes, Names()).bulletins == ()
    back = watch(feed("a"), feed("b"), *(feed(f"o{n}") for n in range(6)), of=of)
    lines = [b.parts[0].lines for b in step(back, done.spells, [], routes, Names()).bulletins]
    assert lines[1] == ("요소: 2026-01-18 09:00부터 2026-01-20 09:00까지 보이지 않았습니다.",)


# --------------------------------------------------------------------------- in the store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = opened(tmp_path)
    yield made
    made.close()


def answer(store: Store, source: Source, at: datetime, good: bool = True) -> None:
    outcome = FetchOutcome.NEW if good else FetchOutcome.FAILED
    store.save_fetch(
        Fetch(source.name, at, outcome, newest=at if good else None, permanent=not good)
    )


def board(store: Store, sources: list[Source], now: datetime = NOW) -> dict[str, str]:
    return {line.item.code: line.state for line in board_states(store, now, sources).lines}


def test_a_store_without_live_fetches_is_not_watched_and_not_blind(store: Store) -> None:
    seen = board_states(store, NOW, [a_source("a")])
    assert (seen.watched, seen.blind) == (False, False)
    assert {line.state for line in seen.lines} == {"unwatched"}
    assert look(store, [a_source("a")], LIMITS, NOW) is None
    assert step(None, (), [], Routes(()), Names()).spells == ()


def test_the_board_is_calm_only_while_the_sources_speak(store: Store) -> None:
    sources = [a_source(name) for name in "abc"]
    for source in sources:
        answer(store, source, NOW)
    assert set(board(store, sources).values()) == {"calm"}
    for source in sources[:2]:
        answer(store, source, NOW + HOUR, good=False)
    lost = board_states(store, NOW + HOUR, sources)
    assert {line.state for line in lost.lines} == {"blind"}
    assert lost.since == NOW
    assert [one.name for one in lost.silent] == ["a", "b"]
    stopped = board_states(store, NOW + 9 * DAY, sources)
    assert stopped.blind, "ews itself stood still: nobody looked"
    assert {line.told for line in stopped.lines} == {True}


def test_an_item_with_an_alert_is_alerting_and_says_that_it_is_blind_too(store: Store) -> None:
    event = Event("evt-1", "export_restriction", (), EventStatus.CONFIRMED, Phase.ACTUAL, 0.9, 2.0,
                  ("CN",), ("urea",), (), (), (), "t", NOW, NOW, (), "news")  # fmt: skip
    store.save_events([event])
    store.save_changes([AlertChange(an_alert("urea"), ChangeKind.RAISED, NOW, None, "r")])
    source = a_source("a")
    answer(store, source, NOW - 9 * DAY)
    (line,) = [one for one in board_states(store, NOW, [source]).lines if one.item.code == "urea"]
    assert (line.state, line.blind, line.alerts) == ("alerting", True, ("alt-1",))


def test_who_gave_evidence_is_read_from_the_events_of_half_a_year(store: Store) -> None:
    text = Article("art-1", "wire", "Wire", "https://w.test/1", "t", "", "en", NOW, NOW)
    value = Observation("pinksheet/price-usd/WLD/310210", NOW, NOW, 1.0, source="prices")
    store.save_articles([text])
    store.save_observations([value])
    evidence = tuple(Evidence(one, "g", NOW) for one in (text.id, value.series, "art-gone"))
    event = Event("evt-1", "export_restriction", (), EventStatus.CONFIRMED, Phase.ACTUAL, 0.9, 2.0,
                  ("CN",), ("urea",), (), (), (), "t", NOW, NOW, evidence, "news")  # fmt: skip
    old = replace(event, id="evt-2", items=("helium",), updated_at=NOW - 300 * DAY)
    store.save_events([event, old])
    found = store.informants(NOW - 180 * DAY)
    assert found == {"item:urea": {"wire", "prices"}, "country:CN": {"wire", "prices"}}
    more = [replace(value, series=name) for name in ("p/price-usd/KR/310210", "p/q/KR/280429")]
    store.save_observations([*more, replace(value, series="p/price-usd/JP/310210", source="")])
    assert store.item_sources() == [("280429", "prices"), ("310210", "prices")]


def test_a_step_is_kept_whole_and_the_next_look_goes_on_from_it(store: Store) -> None:
    sources = [a_source("a"), a_source("b")]
    for source in sources:
        answer(store, source, NOW - 3 * DAY)
    routes = Routes((Receiver("desk", "console", "-", lang="en"),))
    seen = look(store, sources, LIMITS, NOW)
    done = step(seen, store.blind_spells(), [], routes, Names())
    with store.begin() as tx:
        keep(tx, done)
    (spell,) = store.blind_spells()
    assert (spell.subject, spell.told_at) == (EVERYTHING, NOW)
    assert spell.since == NOW - 2 * DAY, "a day after the last answer it could not be believed"
    claimed = store.claim(NOW, "me", 60)
    assert claimed is not None
    told = store.bulletin(claimed[0].bulletin or "")
    assert told is not None
    assert told.kind is BulletinKind.BLIND
    again = step(look(store, sources, LIMITS, NOW), store.blind_spells(), [], routes, Names())
    assert (again.spells, again.bulletins) == ((), ())
    for source in sources:
        answer(store, source, NOW + HOUR)
    back = step(look(store, sources, LIMITS, NOW + HOUR), store.blind_spells(), [], routes, Names())
    with store.begin() as tx:
        keep(tx, back)
    assert [b.kind for b in back.bulletins] == [BulletinKind.SEEING]
    assert store.blind_spells() == []
    assert len(store.blind_spells(over=True)) == 1


def test_the_stage_looks_once_a_minute_tells_once_and_leaves_a_replay_alone(store: Store) -> None:
    sources = [a_source("a"), a_source("b")]
    for source in sources:
        answer(store, source, NOW - 3 * DAY)
    event = Event("evt-1", "export_restriction", (), EventStatus.CONFIRMED, Phase.ACTUAL, 0.9, 2.0,
                  ("CN",), ("urea",), (), (), (), "t", NOW, NOW, (), "news")  # fmt: skip
    store.save_events([event])
    store.save_changes([AlertChange(an_alert("urea"), ChangeKind.RAISED, NOW, None, "r")])
    routes = Routes((Receiver("desk", "console", "-", lang="en"),))

    def wrote(at: datetime, live: list[Source] = sources) -> int:
        return watch_over(store, live, routes, Names(), {}, at)

    assert wrote(NOW, live=[]) == 0
    assert store.blind_spells() == []
    assert wrote(NOW) == 2, "the alert goes blind, and the desk is told"
    assert [alert.blind_since for alert in store.open_alerts()] == [NOW]
    assert wrote(NOW + HOUR) == 0
    for source in sources:
        answer(store, source, NOW + HOUR)
    assert wrote(NOW + HOUR + timedelta(seconds=30)) == 0, "not twice in a minute"
    assert wrote(NOW + 2 * HOUR) == 2
    assert [alert.blind_since for alert in store.open_alerts()] == [None]


def test_the_command_and_the_api_say_what_is_blind_and_that_a_demo_is_not_watched(
    tmp_path: Path,
) -> None:
    def ews(*words: str) -> Result:
        return CliRunner().invoke(app, ["blind", *words, "--home", str(tmp_path)])

    opened(tmp_path).close()
    quiet = ews("--lang", "en")
    assert quiet.exit_code == 0
    assert "Nothing was ever fetched live here" in quiet.output
    store = Store.open(tmp_path)
    store.save_fetch(Fetch(load_sources()[0].name, NOW, FetchOutcome.NEW, newest=NOW))
    shown = ews("--json")
    assert shown.exit_code == 1
    said = json.loads(shown.output)
    assert (said["watched"], said["blind"]) == (True, True)
    assert {line["state"] for line in said["lines"]} == {"blind"}
    assert "blind since" in ews("--lang", "en").output
    client = TestClient(create_app(load_settings(tmp_path), store))
    answered = client.get("/api/v1/blind").json()
    assert answered["since"] == said["since"].replace("+00:00", "Z")
    assert len(answered["lines"]) == len(said["lines"])
    assert len(client.get("/api/v1/blind?every=true").json()["lines"]) > len(said["lines"])
    store.close()


def test_a_country_of_which_no_source_of_its_own_speaks_is_not_called_calm() -> None:
    gone = SilentSource("q", "q", "failing", None, "q")
    line = CountryLine(Label("QA", "Qatar", "카타르"), "calm", None, False, 1, (gone,))
    assert table_row(output("en", False), line, "Qatar")[0] == "seen by others only"
    assert table_row(output("ko", False), line, "카타르")[0] == "다른 출처로만 봄"
    assert table_row(output("en", False), replace(line, sources=2), "Qatar")[0] == "calm"
