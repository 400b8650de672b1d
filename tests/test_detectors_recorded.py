"""The dated events, and the counting of the bench of recorded data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ews.detectors.dated import dated_events, touched
from ews.model import Detection, Direction, Frequency, Observation
from ews.storage import Store
from tests.recorded_bars import (
    Quiet,
    bab_el_mandeb,
    calm,
    counts,
    episodes,
    hidden,
    monthly,
    payer,
    window,
)
from tests.recorded_replay import Replay, Test, differences, looks, replay
from tests.recorded_series import DATA, recorded

GRAPHITE = "comtrade/export-kg/CN-KR/250410"
SUEZ = "portwatch/transits/suez/-"
BAB = "portwatch/transits/bab-el-mandeb/-"


def detection(
    series: str, period: str, direction: Direction = Direction.DOWN, found: str = "2023-12-27"
) -> Detection:
    at, known = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (period, found))
    return Detection(series, "seasonal", at, known, direction, 1.0, 2.0, 5.0, 1e-6, 1e-3)


def judged(series: str, period: str, alpha: float = 0.01, known: str = "2023-12-27") -> Test:
    frequency = Frequency.WEEK if series.startswith("portwatch") else Frequency.MONTH
    return Test(series, "seasonal", np.datetime64(period), frequency, np.datetime64(known),
                Direction.DOWN, 0.5, alpha)  # fmt: skip


# --------------------------------------------------------------------------- dated events


def test_every_dated_event_says_what_where_and_by_whom_it_was_read() -> None:
    found = dated_events()
    assert len({one.id for one in found}) == len(found) > 30
    for one in found:
        assert all((one.series, one.what_en, one.what_ko, one.source)), one.id
        assert any("가" <= letter <= "힣" for letter in one.what_ko), one.id
        assert all(pattern.count("/") == 3 for pattern in one.series), one.id


def test_the_dated_events_leave_most_months_to_be_judged() -> None:
    months = np.arange("2019-01", "2023-01", dtype="M8[M]")
    first, last = months.astype("M8[D]"), (months + 1).astype("M8[D]") - 1
    mirror = [f"comtrade/export-kg/CN-{place}/{item}" for place in ("KR", "JP", "US", "DE", "VN")
              for item in ("250410", "380110", "811292", "polysilicon", "rare-earths")]  # fmt: skip
    ships = [f"portwatch/{measure}/{place}/-" for measure in ("transits", "tanker-transits")
             for place in ("bab-el-mandeb", "suez", "hormuz", "good-hope")]  # fmt: skip
    for names in (mirror, ships):
        inside = touched(dated_events(), names, first, last)
        assert inside.mean() < 1 / 3
        assert inside.any(axis=1).all()


def test_a_dated_event_with_an_end_before_its_begin_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dated_events.csv").write_text(
        "id,series,from,until,what_en,what_ko,source,basis,kind\n"
        "x,a/b/c/d,2021-02-01,2021-01-01,a,b,c,stated,measure\n"
    )
    monkeypatch.setattr("ews.detectors.dated.files", lambda _: tmp_path)
    with pytest.raises(ValueError, match="x: until must not lie before from"):
        dated_events()


def test_a_window_counts_for_a_period_that_has_one_day_in_it() -> None:
    events = dated_events()
    assert window(events, SUEZ, np.datetime64("2021-03-17"), Frequency.WEEK) == "ever-given-2021"
    assert window(events, SUEZ, np.datetime64("2021-03-16"), Frequency.WEEK) == ""
    assert window(events, GRAPHITE, np.datetime64("2020-01-01"), Frequency.MONTH) == (
        "covid-china-2020"
    )
    assert window(events, SUEZ.replace("suez", "hormuz"), np.datetime64("2021-03-24"),
                  Frequency.WEEK) == ""  # fmt: skip


# --------------------------------------------------------------------------- counting


def test_only_mirror_and_chokepoint_tests_of_2019_to_2022_outside_windows_are_event_free() -> None:
    events = dated_events()
    assert calm(judged(GRAPHITE, "2019-03-01"), events)
    assert not calm(judged(GRAPHITE, "2020-02-01"), events)  # inside a window
    assert not calm(judged(GRAPHITE, "2023-02-01"), events)  # later
    assert not calm(judged("pinksheet/price-usd/WLD/urea", "2019-03-01"), events)
    assert not calm(judged(SUEZ, "2022-12-27"), events)  # its last day lies in 2023


def test_alarms_that_follow_one_another_in_one_direction_are_one_episode() -> None:
    alarms = [
        detection(GRAPHITE, "2019-03-01"),
        detection(GRAPHITE, "2019-04-01"),
        detection(GRAPHITE, "2019-05-01", Direction.UP),
        detection(GRAPHITE, "2019-07-01"),
        detection(SUEZ, "2019-03-02"),
        detection(SUEZ, "2019-03-09"),
        detection(SUEZ, "2019-03-23"),
    ]
    assert [alarm.period.date().isoformat() for alarm in episodes(alarms)] == [
        "2019-03-01", "2019-03-02", "2019-03-23", "2019-05-01", "2019-07-01",
    ]  # fmt: skip


def test_false_alarms_are_counted_against_the_alphas_of_event_free_tests() -> None:
    found = Replay(
        tests=[judged(GRAPHITE, month) for month in ("2019-03-01", "2019-04-01", "2020-02-01")]
        + [judged(SUEZ, "2019-03-02", 0.2)],
        detections=[detection(GRAPHITE, month) for month in ("2019-04-01", "2020-02-01")],
    )
    service, by_detector, by_item, false = counts(found, dated_events())
    assert (service.tests, service.alarms, service.episodes) == (3, 1, 1)
    assert service.expected == pytest.approx(0.22)
    assert [one.period.month for one in false] == [4]
    assert [one.what for one in by_detector] == ["seasonal"]
    assert {one.what: one.episodes for one in by_item} == {"250410": 1, "suez": 0}
    assert service.item_years == pytest.approx(3 / 12)


@pytest.mark.parametrize(
    ("episodes_", "expected", "verdict"),
    [(2, 2.5, "within"), (4, 2.5, "above, but the interval holds it"), (10, 2.5, "above")],
)
def test_more_false_alarms_than_expected_are_above_only_when_chance_cannot_say_so(
    episodes_: int, expected: float, verdict: str
) -> None:
    assert Quiet("x", 100, 1.0, expected, episodes_, episodes_).verdict == verdict


def test_the_poisson_interval_is_garwoods() -> None:
    low, high = Quiet("x", 1, 1.0, 1.0, 10, 10).interval
    assert (round(low, 3), round(high, 3)) == (4.795, 18.390)  # Garwood 1936, table 1


def test_a_chokepoint_pays_from_its_own_name_and_a_flow_from_its_code() -> None:
    assert payer(SUEZ) == "suez"
    assert payer(GRAPHITE) == "250410"


# --------------------------------------------------------------------------- bars


def test_the_bar_of_bab_el_mandeb_wants_the_first_release_and_quiet_weeks_before() -> None:
    tests = [judged(BAB, "2023-12-10", known="2023-12-20"), judged(BAB, "2023-12-17")]
    hit = detection(BAB.replace("transits", "container-transits"), "2023-12-17")
    capacity = detection(BAB.replace("transits", "capacity"), "2023-12-17")
    early = detection(capacity.series, "2023-11-12", found="2023-11-22")
    assert verdicts(tests, hit) == [True, None, True]
    assert verdicts(tests, hit, early) == [True, None, False]
    assert verdicts(tests, capacity) == [False, None, True]
    assert verdicts(tests, detection(BAB, "2023-12-24", found="2024-01-03")) == [False, None, True]


def verdicts(tests: list[Test], *alarms: Detection) -> list[bool | None]:
    return [bar.passed for bar in bab_el_mandeb(Replay(tests, list(alarms)))]


def test_a_monthly_bar_wants_the_direction_and_the_month() -> None:
    found = Replay(detections=[detection(GRAPHITE, "2023-11-01", Direction.UP)])
    assert monthly(found, GRAPHITE, Direction.UP, "2023-11", "2023-11").passed
    assert not monthly(found, GRAPHITE, Direction.DOWN, "2023-11", "2023-11").passed
    assert not monthly(found, GRAPHITE, Direction.UP, "2023-12", "2023-12").passed


def flow(place: str, month: str, tonnes: float) -> Observation:
    at = datetime.fromisoformat(month).replace(tzinfo=UTC)
    name = f"comtrade/export-kg/{place}/811292"
    return Observation(name, at, at + timedelta(days=106), tonnes * 1000)


def test_why_a_shared_code_hides_a_stop_is_told_in_its_own_figures() -> None:
    months = [f"{2021 + m // 12}-{m % 12 + 1:02}-01" for m in range(6, 32)]
    flows = [flow("CN-KR", month, 30 + 20 * (at % 2)) for at, month in enumerate(months)]
    flows += [flow("CN-JP", "2023-07-01", 20.0), flow("CN-WLD", "2023-07-01", 1e6)]
    bar, text = hidden(Replay(), flows)
    assert bar.passed is None
    assert (
        "In July 2023 China reported 50.0 t" in text
    )  # 30 to Korea, 20 to Japan; the world no more
    assert "are 28% as much" in text
    assert "stood at 50.0 t (+0%), 0.0 times" in text


# --------------------------------------------------------------------------- replay


def test_daily_prices_wait_for_the_next_release_or_a_week() -> None:
    first = datetime(2020, 1, 1, tzinfo=UTC)
    days = [Observation("eia/price-usd/brent/crude-oil", first + timedelta(days=n),
                        first + timedelta(days=n + 2), 60.0) for n in range(12)]  # fmt: skip
    ships = Observation(SUEZ, first, first + timedelta(days=6), 50.0)
    both = sorted([*days, ships], key=lambda one: one.available_at)
    at = [(now.day, len(new)) for now, new in looks(both)]
    assert at == [(3, 1), (7, 5), (14, 7)]


def test_a_replay_sees_each_release_once_and_as_it_was_then(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    first = datetime(2018, 1, 1, tzinfo=UTC)
    found = []
    for n in range(40):
        month = datetime(2018 + n // 12, n % 12 + 1, 1, tzinfo=UTC)
        size = 4e6 * float(np.exp(0.05 * rng.normal())) * (0.02 if n == 38 else 1.0)
        found.append(Observation(GRAPHITE, month, month + timedelta(days=60), size, "kg"))
    store = Store.open(tmp_path)
    told = replay(store, found, first + timedelta(days=1130), keep_every=3)
    months = [test.period for test in told.tests if test.detector == "seasonal"]
    assert len(months) == len(set(months)) == told.looks
    assert {one.period.isoformat()[:7] for one in told.detections} == {"2021-03"}
    worst = differences(store, told, {})
    assert worst["views"] == 2  # the first and the fourth look
    assert worst["values"] == worst["tails"] == 0.0
    store.close()


@pytest.mark.recorded
@pytest.mark.torture
def test_the_recorded_ships_of_bab_el_mandeb_alarm_when_the_lines_turn_away(tmp_path: Path) -> None:
    if not (DATA / "trade").is_dir():
        pytest.skip("no recorded data: set EWS_RECORDED_DATA")
    store = Store.open(tmp_path)
    until = datetime(2024, 1, 5, tzinfo=UTC)
    ships = [one for one in recorded()
             if "transits/bab-el-mandeb" in one.series and one.available_at < until]  # fmt: skip
    found = replay(store, ships, datetime(2023, 10, 1, tzinfo=UTC))
    assert [bar.passed for bar in bab_el_mandeb(found)] == [True, None, True]
    store.close()
