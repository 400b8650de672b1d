"""The picture of a series and its words: alarms ringed, gaps kept, both languages, synthetic said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from PIL import Image

from alerts.illustrations import illustrations
from alerts.sections import happened, title_of
from alerts.series_pictures import (
    BAND,
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Marks,
    _tonnes,
    series_picture,
    usual_range,
)
from alerts.series_words import TITLE, series_title
from alerts.words import phrases
from ews.detectors.expectations import expectations
from ews.detectors.fusion_evidence import evidence, title
from ews.detectors.fusion_match import Reading
from ews.model import Direction, Evidence, Observation, utc
from ews.reports import Names
from tests.alert_samples import view_of

T0 = datetime(2020, 1, 1, tzinfo=UTC)
KG = "comtrade/export-kg/CN-KR/250410"


def months(values: Sequence[float | None]) -> list[Observation]:
    return [
        Observation(KG, at, at + timedelta(days=50), value, "kg")
        for n, value in enumerate(values)
        if value is not None
        for at in [datetime(2020 + n // 12, n % 12 + 1, 1, tzinfo=UTC)]
    ]


def opened(png: bytes | None) -> Image.Image:
    assert png is not None
    return Image.open(BytesIO(png)).convert("RGB")


def near(image: Image.Image, wanted: str, box: tuple[int, int, int, int]) -> int:
    """Pixels of about that colour in a part of the picture."""
    red, green, blue = (int(wanted[n : n + 2], 16) for n in (1, 3, 5))
    part = image.crop(box).get_flattened_data()
    return sum(abs(r - red) + abs(g - green) + abs(b - blue) < 20 for r, g, b in part)  # type: ignore[misc]


PLOT = (LEFT, TOP - 20, RIGHT, BOTTOM)


def test_an_alarm_has_a_ring_where_it_happened_and_nothing_else_has() -> None:
    values = [10.0, 12.0] * 15 + [2.0] + [11.0] * 9
    without = opened(series_picture(months(values), "t", "en"))
    marked = Marks(alarms={datetime(2022, 7, 1, tzinfo=UTC)})
    ringed = opened(series_picture(months(values), "t", "en", marked))
    x = LEFT + (RIGHT - LEFT) * 30 / 39
    around = (int(x) - 40, BOTTOM - 160, int(x) + 40, BOTTOM)
    assert near(ringed, "#b42318", around) > 60 > 5 > near(without, "#b42318", around)
    elsewhere = (LEFT, TOP, int(x) - 60, BOTTOM)
    assert near(ringed, "#b42318", elsewhere) == 0


def test_missing_months_are_a_gap_in_the_line_and_in_the_band() -> None:
    whole: list[float | None] = [10.0 + n % 3 for n in range(40)]
    torn: list[float | None] = [*whole[:18], *[None] * 6, *whole[24:]]
    pictures = [opened(series_picture(months(v), "t", "ko")) for v in (whole, torn)]
    x = [LEFT + round((RIGHT - LEFT) * n / 39) for n in (18.5, 22.5)]
    hole = (x[0], TOP, x[1], BOTTOM)
    drawn = [near(p, "#0b5394", hole) for p in pictures]
    assert drawn[0] > 500
    assert drawn[1] == 0
    assert near(pictures[0], BAND, hole) > 500 > 0 == near(pictures[1], BAND, hole)


def test_the_usual_range_of_a_month_knows_only_what_came_before() -> None:
    """A later fall must not widen the band at its side."""
    calm = months([10.0 + n % 3 for n in range(40)])
    fell = months([10.0 + n % 3 for n in range(36)] + [10.0, 10.0, 10.0, 0.0])
    left = (LEFT, TOP - 20, LEFT + 500, BOTTOM)
    one, two = (opened(series_picture(o, "t", "en")) for o in (calm, fell))
    assert near(one, BAND, left) == pytest.approx(near(two, BAND, left), rel=0.02)
    assert usual_range([1.0] * 11) is None


def test_a_revised_value_takes_the_place_of_the_one_before() -> None:
    rows = months([10.0, 11.0, 500.0])
    revised = replace(rows[-1], value=12.0, available_at=rows[-1].available_at + timedelta(days=30))
    assert series_picture([*rows, revised], "t", "en") == series_picture(
        [*rows[:2], revised], "t", "en"
    )


def test_older_values_make_the_range_and_are_not_drawn() -> None:
    rows = months([10.0 + n % 3 for n in range(48)])
    since = Marks(since=datetime(2022, 1, 1, tzinfo=UTC))
    cut = opened(series_picture(rows, "t", "en", since))
    assert near(cut, BAND, (LEFT, TOP - 20, LEFT + 60, BOTTOM)) > 100, (
        "known from the first month on"
    )
    assert series_picture(rows, "t", "en", Marks(since=datetime(2023, 12, 1, tzinfo=UTC))) is None


def test_a_synthetic_series_says_so_in_amber() -> None:
    rows = months([10.0, 11.0, 12.0])
    foot = (0, BOTTOM + 80, 600, 620)
    plain, made_up = (
        opened(series_picture(rows, "t", "ko", Marks(source="comtrade", synthetic=s)))
        for s in (False, True)
    )
    assert near(made_up, "#8a5a00", foot) > 100
    assert near(plain, "#8a5a00", foot) == 0


# ------------------------------------------------------------------------------ words


def reading(series: str = KG, move: float = -0.68) -> Reading:
    way = Direction.DOWN if move < 0 else Direction.UP
    return Reading(series, 1e-5, way, move, utc("2023-12-01"), utc("2024-01-20"))


@pytest.mark.parametrize(
    ("series", "ko", "en"),
    [
        (KG, "중국→대한민국 천연흑연 수출 중량(UN 컴트레이드) -68% (2023-12, 평소 수준 대비)",
         "China→South Korea Natural graphite: export by weight (UN Comtrade) -68% (2023-12, against its usual level)"),
        ("portwatch/transits/bab-el-mandeb/-",
         "바브엘만데브 해협 통과 선박 수(IMF 포트워치) -68% (2023-12-01, 평소 수준 대비)",
         "Bab el-Mandeb Strait: ships passing (IMF PortWatch) -68% (2023-12-01, against its usual level)"),
    ],
)  # fmt: skip
def test_a_departure_reads_in_both_languages(series: str, ko: str, en: str) -> None:
    said = title(reading(series))
    items = ("natural-graphite",)
    assert series_title(said, Names(), "ko", items) == ko
    assert series_title(said, Names(), "en", items) == en


def test_a_code_that_items_share_is_named_as_a_code() -> None:
    said = title(reading("comtrade/export-kg/CN-KR/811292"))
    items = ("gallium", "germanium", "indium")
    assert "HS 811292 (갈륨, 게르마늄 +1)" in series_title(said, Names(), "ko", items)


@pytest.mark.parametrize(
    "said", ["China bans graphite exports", "a/b/c/d", "x/y", "", "흑연/수출/중국/-"]
)
def test_what_no_series_wrote_comes_back_as_it_is(said: str) -> None:
    assert series_title(said, Names(), "ko") == said


def test_every_measure_that_fusion_knows_has_words() -> None:
    for family in expectations().families.values():
        for measure in family.measures:
            assert f"series.{measure}" in phrases(), measure
            assert TITLE.fullmatch(title(reading(f"p/{measure}/CN-KR/250410"))), measure


def test_a_message_tells_the_series_in_the_readers_language() -> None:
    told = evidence(reading())
    event = replace(
        view_of().event, title=told.title, evidence=(told,), items=("natural-graphite",),
        links=(f"series:{KG}",),
    )  # fmt: skip
    view = replace(view_of(), event=event, names=Names())
    assert title_of(view, "ko").startswith("중국→대한민국 천연흑연 수출 중량")
    assert title_of(view, "en").startswith("China→South Korea Natural graphite")
    lines = [line.text for line in happened(view, "ko").lines]
    assert any("UN 컴트레이드" in line for line in lines[1:]), "who says so, by its name"
    picture = illustrations(view, "ko", months([1.0, 2.0, 3.0]))[-1]
    assert picture.title == "중국→대한민국 천연흑연 수출 중량(UN 컴트레이드)"


@pytest.mark.parametrize(
    ("facts", "says", "silent"),
    [
        ({"fulfilled": 1.0, "drop": 0.85, "text": 0.5}, ["bear out", "85% less", "alone 50%"], ["vary"]),
        ({"refuted": 1.0, "power": 0.9}, ["have not moved"], ["vary too much"]),
        ({"power": 0.3}, ["vary too much"], ["have not moved"]),
        ({"shared": 4.0, "shared_drop": 0.85}, ["4 items share"], ["85%"]),
        ({"surge": 1.7}, ["170% more"], ["less than"]),
        ({"recovered": 1.0}, ["back in their usual range"], []),
        ({"synthetic": 1.0}, ["no real figures"], []),
        ({"articles": 3.0, "groups": 2.0}, [], ["figures"]),
    ],
)  # fmt: skip
def test_what_the_figures_say_is_said_in_words(
    facts: dict[str, float], says: list[str], silent: list[str]
) -> None:
    event = replace(view_of().event, facts=facts)
    view = replace(view_of(), event=event)
    told = " ".join(line.text for line in happened(view, "en").lines)
    assert all(one in told for one in says)
    assert not any(one in told for one in silent)
    assert len(happened(view, "ko").lines) == len(happened(view, "en").lines)


def test_beside_a_text_each_series_is_named_with_its_newest_figure_and_its_day() -> None:
    newest = told_by(f"{KG} -74% (2023-12)", "2024-03-16")
    older = told_by(f"{KG} +232% (2023-11)", "2024-02-14")
    event = replace(
        view_of().event,
        evidence=(*view_of().event.evidence, older, newest),
        links=("story:sty-1", f"series:{KG}"),
        facts={"surge": 2.32, "drop": 0.74, "fulfilled": 1.0},
    )
    view = replace(view_of(), event=event, names=Names())
    lines = [line.text for line in happened(view, "ko").lines]
    (figure_line,) = [one for one in lines if "UN 컴트레이드" in one]
    assert "-74% (2023-12" in figure_line
    assert "천연흑연" in figure_line
    assert figure_line.endswith("2024-03-16 공표")
    assert not any("비축" in one for one in lines), "the surge is over: it fell since"


def test_figures_alone_say_so_and_when_they_were_published() -> None:
    price = "pinksheet/price-usd/WLD/urea"
    told = told_by(f"{price} +95% (2021-06)", "2021-07-03", price)
    event = replace(
        view_of().event,
        type="price_shock",
        title=told.title,
        items=("urea",),
        evidence=(told,),
        links=(f"series:{price}",),
        facts={"rise": 0.95},
    )
    view = replace(view_of(), event=event, names=Names())
    lines = [line.text for line in happened(view, "en").lines]
    assert lines[0].startswith("Urea: price (World Bank) +95% (2021-06")
    assert "published 2021-07-03" in lines[1]
    assert "00:00" not in lines[1], "the first of a month is a period and no time of day"
    assert any("no text has said yet" in one for one in lines)
    assert any("95% dearer" in one for one in lines)


def told_by(title: str, published: str, series: str = KG) -> Evidence:
    at = utc(published)
    provider = series.split("/")[0]
    period = utc(f"{title[-8:-1]}-01")
    return Evidence(series, provider, at, title, provider, observed_at=period)


def test_millions_of_kilograms_are_drawn_as_tonnes() -> None:
    many = [replace(one, value=one.value * 1e6, unit="kg") for one in months([1.0, 2.0])]
    assert [(one.value, one.unit) for one in _tonnes(many)] == [(1000.0, "t"), (2000.0, "t")]
    price = [replace(one, unit="USD/t") for one in months([3e6, 4e6])]
    assert _tonnes(price) == price
