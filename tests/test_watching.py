"""Computing vulnerability: once a day when figures are new, from one provider an item, as of any day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.bulletins import bulletin_message
from alerts.digests import digest
from alerts.routes import parse_routes
from ews.model import Receiver
from ews.reports.aggregates import LEAST as HOUSE
from ews.reports.names import Names
from ews.storage import Store
from ews.telling import tell
from ews.telling.unwatched import TOLD, newest_unwatched, unwatched_part
from ews.watching import compute, figures, groups_at, months_of, turn, watch_daily
from ews.watching.declared import LEAST, shares_of
from graph.firms import FirmLink
from tests.alert_samples import urea_event
from tests.watch_home import CODES, NAMED, NEWEST, NOW, keep, made_up, say, year

DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def test_it_is_computed_once_a_day_and_only_when_a_figure_is_new(store: Store) -> None:
    assert turn(store, NOW - 2 * DAY).rows == 0  # nothing to compute from
    keep(store, made_up())
    first = watch_daily(store, NOW)
    assert first is not None
    assert first.rows == 13 * len(CODES)  # the newest month and a year back
    assert watch_daily(store, NOW) is None  # the same day
    assert watch_daily(store, NOW + DAY) is None  # nothing new
    say(store, "synthetic/import-usd/CN-KR/310210", [("2024-03", 9e9)], "2024-05-21")
    assert watch_daily(store, NOW + DAY) is None  # it looked today
    again = watch_daily(store, NOW + 2 * DAY)
    assert again is not None
    assert [f"{m:%Y-%m}" for m in again.months["synthetic"]] == ["2023-04", "2024-03", "2024-04"]
    urea = store.vulnerabilities(NEWEST, ["310210"])[0]
    assert urea.facts["top_partner"] == "CN"
    assert float(urea.facts["import_usd"]) > 9e9


def test_a_value_still_to_come_is_computed_when_it_is_known(store: Store) -> None:
    keep(store, made_up())
    say(store, "synthetic/import-usd/CN-KR/310210", [("2024-04", 9e9)], "2024-05-25")
    assert watch_daily(store, NOW) is not None
    before = store.vulnerabilities(NEWEST, ["310210"])[0]
    assert watch_daily(store, NOW + 6 * DAY) is not None
    after = store.vulnerabilities(NEWEST, ["310210"])[0]
    assert float(after.facts["import_usd"]) > float(before.facts["import_usd"]) + 8e9


def test_an_old_day_gives_what_was_said_then_and_the_same_figures_the_same_digits(
    store: Store, tmp_path: Path
) -> None:
    keep(store, made_up())
    turn(store, NOW)
    said = store.vulnerabilities(NEWEST)
    say(store, "synthetic/import-usd/CN-KR/310210", [("2024-03", 9e9)], "2024-06-10")
    turn(store, NOW + 30 * DAY)
    now = store.vulnerabilities(NEWEST, ["310210"])[0]
    then = next(row for row in said if row.item == "310210")
    assert now.indices != then.indices
    recomputed = sorted(compute(store, NOW, NEWEST), key=lambda row: row.item)
    assert recomputed == sorted(said, key=lambda row: row.item)
    other = Store.open(tmp_path / "other")
    try:
        keep(other, made_up(), seed=5)
        assert sorted(compute(other, NOW, NEWEST), key=lambda row: row.item) == recomputed
    finally:
        other.close()


def test_months_are_the_newest_those_compared_and_all_that_were_missed() -> None:
    first = months_of(NEWEST, None)
    assert (len(first), first[0], first[-1]) == (13, datetime(2023, 4, 1, tzinfo=UTC), NEWEST)
    late = months_of(NEWEST, datetime(2024, 1, 1, tzinfo=UTC))
    assert [f"{month:%Y-%m}" for month in late] == [
        "2023-04", "2024-01", "2024-02", "2024-03", "2024-04",
    ]  # fmt: skip


def test_customs_go_before_comtrade_and_are_never_mixed_with_it(store: Store) -> None:
    for country, value in (("CN", 80.0), ("VN", 20.0), ("WLD", 100.0)):
        say(store, f"customs/import-usd/{country}-KR/310210", year(value))
    for country, value in (("JP", 500.0), ("WLD", 500.0)):
        say(store, f"comtrade/import-usd/{country}-KR/310210", year(value))
        say(store, f"comtrade/import-usd/{country}-KR/250410", year(value))
    found = {row.item: row for row in compute(store, NOW)}
    assert found["310210"].facts["provider"] == "customs"
    assert found["310210"].facts["partners"] == "CN 0.800;VN 0.200"
    assert found["250410"].facts["provider"] == "comtrade"


def test_partners_exports_stand_in_and_say_so_and_their_parts_are_no_shares(store: Store) -> None:
    for country, value in (("CN", 80.0), ("VN", 20.0)):
        say(store, f"comtrade/export-usd/{country}-KR/310210", year(value))
    say(store, "census/export-usd/CN-KR/310210", year(999.0))  # the same trade told once more
    (row,) = compute(store, NOW)
    assert row.facts["provider"] == "mirror"
    assert row.facts["import_usd"] == "1200"
    assert "top-share" not in row.indices  # two reporters are not the world
    assert row.facts["partners"] == "CN;VN"  # and nothing is a share of them
    assert "top_partner" not in row.facts
    assert row.score is None


def test_partners_are_shares_of_the_reported_total_also_when_their_past_is_not_read(
    store: Store,
) -> None:
    for country, value in (("CN", 80.0), ("VN", 20.0), ("WLD", 100.0)):
        for measure, factor in (("usd", 1.0), ("kg", 2.0)):
            name = f"customs/import-{measure}/{country}-KR/310210"
            say(store, name, year(value * factor, months=60))
    short = compute(store, NOW)
    summaries = [one for one in map(figures.part_of, store.summaries()) if one]
    every = figures.read(store, summaries, NOW, 90)
    (whole,) = figures.grouped(every)
    (brief,) = groups_at(store, NOW)
    assert len(brief.trade.import_usd.value) < len(whole.trade.import_usd.value)
    assert short == [
        replace(row, facts={**row.facts, "provider": "customs"})
        for row in figures_rows(whole)
    ]  # fmt: skip


def figures_rows(group: figures.Group) -> list[object]:
    from graph.vulnerability import read_weights, vulnerabilities

    return list(vulnerabilities(group.trade, read_weights(), group.newest, NOW))


def test_a_month_that_is_half_in_is_not_the_newest(store: Store) -> None:
    for n, code in enumerate(NAMED):
        last = "2024-04" if n == 0 else "2024-03"
        say(store, f"customs/import-usd/CN-KR/{code}", year(5.0, last))
    (group,) = groups_at(store, NOW)
    assert f"{group.newest:%Y-%m}" == "2024-03"


def test_made_up_figures_stand_apart_from_real_ones(store: Store) -> None:
    keep(store, made_up())
    for country, value in (("CN", 80.0), ("WLD", 100.0)):
        say(store, f"customs/import-usd/{country}-KR/310210", year(value))
    rows = {row.item: row for row in compute(store, NOW)}
    assert rows["310210"].facts["provider"] == "customs"
    assert not rows["310210"].synthetic
    assert "substitution" not in rows["310210"].indices  # made-up exports are not read
    assert rows["250410"].synthetic


def owners(sole: int, split: int) -> list[FirmLink]:
    """Firms of as many owners with one supplier, and with two."""
    alone = [FirmLink(f"a{n}/x", "A", "urea", "CN", 1.0, f"s{n}") for n in range(sole)]
    return alone + [
        FirmLink(f"b{n}/x", "B", "urea", "CN", 0.5, who) for n in range(split) for who in "st"
    ]


def test_no_share_of_sole_sources_tells_of_one_firm() -> None:
    assert LEAST == HOUSE
    assert shares_of(owners(3, 2)) == {"310210": (6, 10)}
    assert shares_of(owners(2, 2)) == {}  # four owners
    assert shares_of(owners(9, 0)) == {}  # all of them: each is known
    assert shares_of(owners(9, 1)) == {}  # all but one: the one knows
    made = [replace(link, synthetic=True) for link in owners(3, 2)]
    assert shares_of(made) == {}


def test_the_digest_tells_of_blind_spots_once_a_month_to_those_who_see_everything(
    store: Store,
) -> None:
    keep(store, made_up())
    # Brewery machines come from China alone from April on, at twice the price.
    for country in ("US", "DE", "JP", "CN", "VN", "IT"):
        value = 1.0 if country != "CN" else 4e8
        say(store, f"synthetic/import-usd/{country}-KR/843840", [("2024-04", value)], "2024-05-16")
    turn(store, NOW)
    line = newest_unwatched(store)
    assert line is not None
    assert (line.month, line.count, line.synthetic) == ("2024-04", 1, True)
    desk = Receiver("desk", "console", "-", "ko")
    with store.begin() as tx:
        (part,) = unwatched_part(tx, desk, "https://ews.example")
        assert unwatched_part(tx, desk, "") == ()  # once
        (english,) = unwatched_part(tx, replace(desk, name="lab", lang="en"), "")
        assert unwatched_part(tx, replace(desk, name="x", ministries=("motir",)), "") == ()
    assert part.lines[0].startswith(
        "[합성 자료] 2024-04: 지켜보지 않는 품목 1개의 취약성이 올랐습니다"
    )
    assert "843840" in part.lines[0]
    assert english.lines[0].startswith("[synthetic] 2024-04: 1 items that nobody watches grew")
    assert part.links == ("https://ews.example/watch/blind-spots",)
    bulletin = digest(desk, NOW - DAY, NOW, (), (), Names(), NOW, "", (part,))
    assert part.lines[0] in bulletin_message(bulletin).text
    assert "lab" in (store.get(TOLD) or "")


def test_a_round_of_telling_puts_the_line_into_one_digest_a_month(store: Store) -> None:
    keep(store, made_up())
    say(store, "synthetic/import-usd/CN-KR/843840", [("2024-04", 4e8)], "2024-05-16")
    turn(store, NOW)
    daily = parse_routes(
        '[[receiver]]\nname = "desk"\nchannel = "console"\naddress = "-"\ndigests = ["08:30"]\n'
    )
    said = []
    for day in range(3):
        tell(store, daily, Names(), NOW + day * DAY)
        ids = [note.bulletin for note in store.notifications() if note.bulletin]
        said.append([
            "843840" in line for id_ in ids if (made := store.bulletin(id_))
            for part in made.parts for line in part.lines
        ])  # fmt: skip
    assert [sum(lines) for lines in said] == [1, 1, 1]  # the first day's, and no more
    assert len(said[2]) > len(said[0])  # though digests went on


def test_partner_risk_and_sole_sources_are_those_known_then(store: Store) -> None:
    keep(store, made_up(), "customs")
    seen = NOW - 3 * DAY
    store.save_events(
        [urea_event(countries=("CL", "CN", "VN"), first_seen=seen, updated_at=seen, last_seen=seen)]
    )
    for n, link in enumerate(owners(3, 2)[:3] + owners(3, 2)[3::2]):
        other = replace(link, supplier="t") if link.share == 0.5 else link
        rows = [link.to_row()] + ([other.to_row()] if other is not link else [])
        store.replace_firm_rows(link.firm.partition("/")[0], "links", rows, "", seen + n * DAY / 10)
    (now,) = (row for row in compute(store, NOW) if row.item == "310210")
    (then,) = (row for row in compute(store, NOW - 4 * DAY) if row.item == "310210")
    assert 0 < now.indices["partner-risk"] < 1
    assert now.indices["sole-source"] == 0.6
    assert {"partner-risk", "sole-source"} <= set(then.facts["unknown"].split(";"))
    assert now.coverage == pytest.approx(then.coverage + 0.10)
