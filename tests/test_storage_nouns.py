"""Every noun comes back from the store as it went in, and is written once however often saved."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Phases
from hypothesis import strategies as st

from ews.model import (
    Act,
    ActKind,
    Alert,
    AlertChange,
    AlertState,
    Article,
    Basis,
    Bulletin,
    BulletinKind,
    BulletinPart,
    Case,
    ChangeKind,
    Delivery,
    DeliveryState,
    Detection,
    DetectorTurn,
    Direction,
    Event,
    EventStatus,
    Evidence,
    Example,
    Exposure,
    Fetch,
    FetchOutcome,
    Frequency,
    Hop,
    Host,
    Notification,
    Observation,
    Outcome,
    Person,
    Phase,
    Polling,
    Proof,
    Raw,
    Resolution,
    RouteReason,
    RuleSet,
    Series,
    Shock,
    Silence,
    Stage,
    Story,
    Suggestion,
    TaggedArticle,
    VintageBasis,
    Vulnerability,
)
from ews.storage import Store
from ews.storage.audit import broken
from ews.storage.codec import Row, from_json, to_json
from ews.storage.judgings import Judging
from ews.storage.tallies import Tally
from tests.empty_store import opened

NOW = datetime(2023, 10, 20, 9, tzinfo=UTC)
T = TypeVar("T")

st.register_type_strategy(
    datetime,
    st.integers(0, 2**52).map(
        lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    ),
)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(object, st.one_of(st.integers(), st.floats(-1, 1), st.text(max_size=5)))
# NUL cannot be kept by PostgreSQL; collection strips control characters from every text.
st.register_type_strategy(str, st.text(st.characters(codec="utf-8", exclude_characters="\0")))
st.register_type_strategy(int, st.integers(-(2**31), 2**31 - 1))

fresh_ids = itertools.count()  # the examples of a test share one store
quick = settings(
    max_examples=15,
    deadline=None,
    phases=[Phases.generate],  # shrinking costs a transaction a step
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = opened(tmp_path_factory.mktemp("nouns"))
    yield store
    store.close()


def an_event(id: str = "evt-1") -> Event:
    return Event(
        id=id, type="export_restriction", also=("price_shock",), status=EventStatus.SUSPECTED,
        phase=Phase.THREAT, probability=0.8, severity=1.5, countries=("CN",), items=("urea",),
        ports=(), chokepoints=(), firms=(), title="수출 통제", first_seen=NOW, updated_at=NOW,
        evidence=(Evidence("art-1", "a", NOW, "제목"),), detector="news", last_seen=NOW,
    )  # fmt: skip


def an_alert(id: str = "alr-1", event_id: str = "evt-1") -> Alert:
    return Alert(
        id=id, fingerprint="f", event_id=event_id, stage=Stage.CAUTION, max_stage=Stage.CAUTION,
        state=AlertState.FIRING, raised_at=NOW, updated_at=NOW, revision=1, ruleset=1, rule="r",
        reasons=("share=0.9",), type="export_restriction", countries=("CN",), items=("urea",),
        chokepoints=(), ports=(), ministries=("motie",), title="수출 통제",
    )  # fmt: skip


def an_article(id: str = "art-1") -> Article:
    return Article(id, "s", "o", "https://news.test/1", "제목", "본문", "ko", NOW, NOW)


# --------------------------------------------------------------------------- there and back


@pytest.mark.parametrize(
    "kind",
    [
        Article, Fetch, Observation, TaggedArticle, Story, Event, Shock, Exposure, Alert,
        AlertChange, Notification, Delivery, RuleSet, Silence, Person, Act, Bulletin,
        Series, Detection, DetectorTurn, Vulnerability,
    ],
)  # fmt: skip
def test_every_noun_survives_json(kind: type) -> None:
    @quick
    @given(st.from_type(kind))
    def there_and_back(noun: object) -> None:
        assert from_json(kind, to_json(noun)) == noun  # type: ignore[arg-type,type-var]

    there_and_back()


@quick
@given(article=st.from_type(Article))
def test_an_article_comes_back(store: Store, article: Article) -> None:
    article = replace(article, id=f"{next(fresh_ids)}{article.id}")
    assert store.save_articles([article]) == 1
    assert store.article(article.id) == article


@quick
@given(observation=st.from_type(Observation))
def test_an_observation_comes_back(store: Store, observation: Observation) -> None:
    observation = replace(observation, series=f"p/m/{next(fresh_ids)}/-")
    assert store.save_observations([observation]) == 1
    assert store.observations(observation.available_at, series=observation.series) == [observation]


@quick
@given(fetch=st.from_type(Fetch))
def test_a_fetch_comes_back(store: Store, fetch: Fetch) -> None:
    fetch = replace(fetch, source=f"{next(fresh_ids)}{fetch.source}")
    store.save_fetch(fetch)
    assert store.fetches(fetch.source) == [fetch] == [store.last_fetch(fetch.source)]
    newest, answered = store.newest_fetches([fetch.source, "never-asked"])
    assert newest == {fetch.source: fetch}
    failed = fetch.outcome is FetchOutcome.FAILED
    assert answered == ({} if failed else {fetch.source: fetch})


@quick
@given(tagged=st.from_type(TaggedArticle))
def test_tags_come_back(store: Store, tagged: TaggedArticle) -> None:
    tagged = replace(tagged, article_id=f"{next(fresh_ids)}{tagged.article_id}")
    store.save_articles([an_article(tagged.article_id)])
    store.save_tagged([tagged], NOW)
    assert store.tagged(tagged.article_id) == tagged


@quick
@given(story=st.from_type(Story))
def test_a_story_comes_back(store: Store, story: Story) -> None:
    store.save_stories([story])
    assert story in store.open_stories(story.last_seen)


@quick
@given(event=st.from_type(Event))
def test_an_event_comes_back(store: Store, event: Event) -> None:
    event = replace(event, id=f"{next(fresh_ids)}{event.id}")
    store.save_events([event])
    assert store.event(event.id) == event
    assert store.event_revisions(event.id) == [event]


@quick
@given(exposures=st.lists(st.from_type(Exposure), max_size=3), shocks=st.lists(st.from_type(Shock)))
def test_exposures_and_shocks_come_back_in_order(
    store: Store, exposures: list[Exposure], shocks: list[Shock]
) -> None:
    event = an_event()
    store.save_events([event])
    drawn = [replace(exposure, event_id=event.id) for exposure in exposures]
    exposures = list({one.id: one for one in drawn}.values())  # propagation makes each once
    shocks = [replace(shock, event_id=event.id) for shock in shocks]
    store.save_propagation(event, shocks, exposures)
    assert store.exposures(event_id=event.id) == exposures
    assert store.shocks(event.id) == shocks


@quick
@given(change=st.from_type(AlertChange))
def test_a_change_and_its_alert_come_back(store: Store, change: AlertChange) -> None:
    alert = replace(change.alert, id=f"{next(fresh_ids)}{change.alert.id}")
    change = replace(change, alert=alert)
    store.save_events([an_event(alert.event_id)])
    store.save_changes([change])
    assert store.changes(alert_id=alert.id) == [change]
    assert store.alert(alert.id) == alert


def test_a_noun_of_an_older_ews_without_the_new_field_comes_back_with_its_default() -> None:
    @dataclass(frozen=True)
    class Thing:
        id: str
        words: tuple[str, ...] = ()
        seen: datetime | None = None

    table = sa.Table("things", sa.MetaData(), sa.Column("id"), sa.Column("more"))
    row = Row(Thing, table)
    new = Thing("a", ("b",), NOW)
    assert row.read(tuple(row.write(new).values())) == new
    assert row.read(("a", None)) == Thing("a")


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    naive = replace(an_article("art-naive"), observed_at=datetime(2023, 1, 1))  # noqa: DTZ001
    with pytest.raises((ValueError, sa.exc.StatementError), match="without a zone"):
        store.save_articles([naive])


# --------------------------------------------------------------------------- twice is once


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Store]:
    store = opened(tmp_path)
    yield store
    store.close()


def write_everything(store: Store) -> None:
    event, alert = an_event(), an_alert()
    change = AlertChange(alert, ChangeKind.RAISED, NOW, None, "왜")
    hop = Hop("origin:CN:urea", "item:urea", "share", "비중", None, "unknown")
    exposure = Exposure(
        "evt-1", "urea", "CN", "use:urea:1", "20", ("motie",), 0.9, 0.5, 0.8, 10, None, 60, (hop,)
    )
    notification = Notification(
        Notification.make_id(alert.id, 1, "r"), alert.id, 1, ChangeKind.RAISED, "r", "console",
        "-", "ko", RouteReason.FIRST, NOW,
    )  # fmt: skip
    store.put("key", "value")
    store.save_fetch(Fetch("s", NOW, FetchOutcome.NEW))
    store.add_tally(Tally("s", NOW, turns=1))
    store.save_polling(Polling("s", NOW))
    store.save_memory("s", "{}")
    store.save_host(Host("example.org", NOW))
    store.save_raws([Raw("s", NOW, 0, "https://example.org/f", {"etag": "x"}, b"<rss/>")])
    store.save_articles([an_article()])
    store.save_observations([Observation("a/b/c/-", NOW, NOW, 1.0)])
    store.save_tagged([TaggedArticle("art-1", "m.v1", (), 0.5, None, 0.0)], NOW)
    store.mark_detected(["art-1"], NOW)
    store.save_events([event])
    store.save_propagation(event, [Shock("evt-1", "item", "item:urea", 1, 1, 1, NOW)], [exposure])
    store.mark_evaluated([event])
    store.save_changes([change])
    store.save_notifications([change], [notification])
    store.save_ruleset(RuleSet(1, "kim", "start", NOW, {"news": {"min_probability": 0.5}}))
    store.save_silence(Silence("sil-1", "kim", "drill", NOW, NOW + timedelta(1), {"type": "x"}))
    store.replace_firm_links("firm", [{"firm": "f", "item": "urea"}])
    store.add_viewer("vwr-1", "0" * 64, "firm", "firm", "", NOW)
    store.take_lease("scheduler", "me", NOW, 60)
    store.save_person(Person("per-1", "Kim", "official", NOW, slack_id="U1"), "ews", NOW)
    store.save_act(Act("act-1", ActKind.NOTE, "Kim", NOW, "cli", "alr-1", "seen"))
    part = BulletinPart("오늘", ("nothing",))
    bulletin = Bulletin("bul-1", BulletinKind.DIGEST, "r", "ko", NOW, "요약", (part,))
    carried = replace(notification, id="ntf-bul", alert_id="bul-1", bulletin="bul-1")
    store.save_bulletins([bulletin], [carried])
    proof = Proof("article", "art-1", NOW, "later report")
    store.save_resolutions([
        Resolution("res-1", "alr-1", Outcome.TRUE, NOW, Basis.REPORTS, "ews", (proof,)),
    ])  # fmt: skip
    store.save_example(Example("exa-1", "art-1", ("price_shock",), True, "act-1", NOW))
    store.save_suggestion(Suggestion("sug-1", NOW, {"news.min_probability": 0.6}, "x", {}, ()))
    store.save_case(Case("2023-x", {"name_en": "요소"}, "Kim", NOW), "Kim", NOW)
    store.save_judging(Judging(NOW, 1, ("chg-1",), ()))
    store.describe_series([Series("a/b/c/-", Frequency.MONTH, "kg", "s")])
    store.save_detections([
        Detection("a/b/c/-", "seasonal", NOW, NOW, Direction.UP, 9.0, 3.0, 5.0, 1e-5, 1e-4),
    ])  # fmt: skip
    store.save_turns([DetectorTurn("seasonal", NOW, 10, 0.001, 1)])
    store.save_vulnerabilities([Vulnerability("310210", NOW, NOW, "w", {"hhi": 0.5}, 0.4, 0.9)])


def test_everything_can_be_saved_twice_and_is_written_once(fresh: Store) -> None:
    write_everything(fresh)
    before = fresh.counts()
    write_everything(fresh)
    assert fresh.counts() == before
    kept_elsewhere = {"stories", "blind_spells", "channel_states", "exposure_revisions", "tallies"}
    assert {name for name, rows in before.items() if rows == 0} <= kept_elsewhere
    assert broken(fresh.audit_rows()) is None
    assert fresh.unpropagated() == fresh.unevaluated() == fresh.unrouted() == []
    assert fresh.integrity_check() == []


def test_the_rules_in_force_are_the_newest_that_are_not_planned_for_later(fresh: Store) -> None:
    first = RuleSet(1, "kim", "start", NOW, {})
    planned = RuleSet(2, "kim", "later", NOW, {"a": 1}, "autumn", NOW + timedelta(days=1))
    fresh.save_ruleset(first)
    fresh.save_ruleset(planned)
    assert fresh.ruleset() == planned
    assert fresh.ruleset_at(NOW + timedelta(hours=23)) == first
    assert fresh.ruleset_at(NOW + timedelta(days=1)) == planned


def test_what_was_decided_of_an_alert_is_appended_and_never_replaced(fresh: Store) -> None:
    write_everything(fresh)
    again = Resolution("res-2", "alr-1", Outcome.FALSE, NOW, Basis.FEEDBACK, "Kim", ())
    assert fresh.save_resolutions([again]) == 1
    assert fresh.save_resolutions([replace(again, outcome=Outcome.TRUE)]) == 0
    assert [one.outcome for one in fresh.resolutions({"alr-1"})] == [Outcome.TRUE, Outcome.FALSE]
    assert fresh.resolutions({"alr-9"}) == []


def test_saving_says_how_many_were_new(fresh: Store) -> None:
    articles = [an_article(f"art-{n}") for n in range(5)]
    assert fresh.save_articles(articles[:3]) == 3
    assert fresh.save_articles([*articles, articles[4]]) == 2
    assert fresh.save_articles([]) == 0


# --------------------------------------------------------------------------- what did we know?


def test_events_as_of_a_day_show_that_days_revision_and_evidence(fresh: Store) -> None:
    first = an_event()
    later = NOW + timedelta(days=1)
    more = replace(
        first, evidence=(*first.evidence, Evidence("art-2", "b", later)), last_seen=later
    )
    second = replace(
        more, revision=2, status=EventStatus.CONFIRMED, updated_at=later + timedelta(hours=1)
    )
    fresh.save_events([first])
    fresh.save_events([more])  # not material: the same revision
    fresh.save_events([second])
    assert fresh.events_as_of(NOW - timedelta(seconds=1)) == []
    assert fresh.events_as_of(later) == [first]
    assert fresh.events_as_of(later + timedelta(hours=1)) == [second]
    assert fresh.event_revisions(first.id) == [first, second]


def test_an_older_revision_never_replaces_a_newer_one(fresh: Store) -> None:
    old, new = an_event(), replace(an_event(), revision=2, title="new")
    fresh.save_events([new])
    fresh.save_events([old])
    assert fresh.event(old.id) == new


def test_alerts_as_of_a_time_stand_as_they_stood(fresh: Store) -> None:
    fresh.save_events([an_event()])
    first = an_alert()
    second = replace(first, revision=2, stage=Stage.ALERT, updated_at=NOW + timedelta(hours=2))
    fresh.save_changes([AlertChange(first, ChangeKind.RAISED, NOW, None, "new")])
    fresh.save_changes(
        [AlertChange(second, ChangeKind.STAGE_UP, NOW + timedelta(hours=2), Stage.CAUTION, "up")]
    )
    assert fresh.alerts_as_of(NOW - timedelta(seconds=1)) == []
    assert fresh.alerts_as_of(NOW + timedelta(hours=1)) == [first]
    assert fresh.alerts_as_of(NOW + timedelta(hours=2)) == [second] == fresh.open_alerts()


def test_an_old_article_keeps_the_tags_of_each_model_version(fresh: Store) -> None:
    fresh.save_articles([an_article()])
    old = TaggedArticle("art-1", "m.v1", (), 0.1, None, 0.0)
    new = replace(old, model="m.v2", p_event=0.9)
    fresh.save_tagged([old], NOW)
    fresh.save_tagged([new], NOW)
    assert fresh.tagged("art-1") == new
    assert fresh.tagged("art-1", model="m.v1") == old
    assert [tags for _, tags in fresh.undetected(NOW)] == [new]


def test_observations_show_the_vintage_known_at_that_time(fresh: Store) -> None:
    month = datetime(2023, 8, 1, tzinfo=UTC)
    first = Observation("customs/import-kg/CN-KR/310210", month, NOW, 10.0)
    revised = replace(first, available_at=NOW + timedelta(days=30), value=12.0)
    other = replace(first, series="customs/import-kg/QA-KR/310210")
    fresh.save_observations([first, revised, other])
    assert fresh.observations(NOW, series=first.series) == [first]
    assert fresh.observations(NOW + timedelta(days=30), series=first.series) == [revised]
    assert fresh.observations(NOW - timedelta(seconds=1)) == []
    assert fresh.observations(NOW, series=[first.series, other.series]) == [first, other]
    assert fresh.observations(NOW, since=month + timedelta(seconds=1)) == []
    assert fresh.series_names() == [first.series, other.series]


def test_a_rule_set_follows_the_newest_or_is_refused(fresh: Store) -> None:
    first = RuleSet(1, "kim", "start", NOW, {"news": {"min_probability": 0.5, "n": 1}})
    fresh.save_ruleset(first)
    assert fresh.ruleset() == first
    assert fresh.ruleset().digest == first.digest  # type: ignore[union-attr]
    for wrong in (replace(first, version=3), replace(first, by="lee")):
        with pytest.raises(ValueError, match="the next version is 2"):
            fresh.save_ruleset(wrong)
    second = replace(first, version=2, reason="too many")
    fresh.save_ruleset(second)
    assert (fresh.ruleset(1), fresh.ruleset(9), fresh.rulesets()) == (first, None, [first, second])


def test_delivery_states_of_the_model_are_all_known_to_the_outbox() -> None:
    assert {state.value for state in DeliveryState} == {
        "new", "trying", "sent", "ambiguous", "dead", "held",
    }  # fmt: skip


def test_values_are_read_by_day_as_they_are_read_in_full(fresh: Store) -> None:
    days = [datetime(year, 3, 1, tzinfo=UTC) for year in (1697, 1969, 1970, 2023, 2400)]
    late = datetime(2500, 1, 1, tzinfo=UTC)
    fresh.save_observations([
        Observation(f"p/m/{place}/-", day, late - timedelta(days=n), float(n), basis=basis)
        for place, basis in (("a", VintageBasis.CALENDAR), ("b", VintageBasis.RECORDED))
        for n, day in enumerate(days)
    ])  # fmt: skip
    whole, short = fresh.columns(late), fresh.columns(late, by_day=True)
    for name in ("rows", "periods", "available", "values", "calendar"):
        assert getattr(short, name).tolist() == getattr(whole, name).tolist()
