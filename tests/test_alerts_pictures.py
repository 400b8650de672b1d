"""Pictures: readable, within the size, with no firm's name and whatever the path holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from alerts import illustrations as illustrating
from alerts.illustrations import illustrated, illustrations
from alerts.paper import HEIGHT, PAD, WIDTH, fitted
from alerts.pictures import COLUMNS, ROWS, path_picture, path_steps
from alerts.series_pictures import series_picture
from ews.model import ChangeKind, Hop, Observation
from ews.reports import Names
from tests.alert_samples import change, notification, urea_exposure, view_of
from tests.hostile import HOSTILE

FONTS = Path(__file__).parents[1] / "alerts" / "fonts"
T0 = datetime(2023, 9, 1, tzinfo=UTC)


def opened(png: bytes | None) -> Image.Image:
    assert png is not None
    return Image.open(BytesIO(png)).convert("RGB")


def ink(image: Image.Image, box: tuple[int, int, int, int]) -> int:
    """Dark pixels in a part of the picture."""
    return sum(image.crop(box).convert("L").histogram()[:128])


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_path_is_drawn_within_the_size_and_inside_its_margins(lang: str) -> None:
    image = opened(path_picture(replace(view_of(), names=Names()), lang))
    assert image.width <= WIDTH
    assert image.height <= HEIGHT
    assert ink(image, (PAD, 20, WIDTH - PAD, 140)) > 1000, "a heading"
    right = image.crop((WIDTH - PAD + 4, 0, WIDTH, image.height))
    assert set(right.get_flattened_data()) == {(255, 255, 255)}, "nothing runs out of the paper"


def test_the_steps_go_from_the_supplier_to_the_ministries_with_their_shares() -> None:
    view = replace(view_of(), names=Names())
    steps = path_steps(view, urea_exposure(1), "ko")
    assert [one.kind for one in steps] == ["country", "item", "use", "industry", "ministry"]
    assert (steps[0].name, steps[1].name, steps[1].share) == ("중국", "요소", "97.6 %")
    assert steps[-1].name.startswith("국토교통부")


def test_a_share_that_nobody_read_is_marked_unknown() -> None:
    path = (Hop("origin:CN:urea", "item:urea", "", "", None, "unknown"),)
    steps = path_steps(view_of(), urea_exposure(1, path=path), "en")
    assert (steps[1].share, steps[1].known) == ("unknown", False)


def test_a_firms_name_is_never_drawn() -> None:
    path = (
        Hop("origin:CN:urea", "supplier:canary-works", "", "", 0.4, "stated"),
        Hop("supplier:canary-works", "firm:canary/secret", "", "", 0.9, "stated"),
        Hop("firm:canary/secret", "item:urea", "", "", None, "unknown"),
    )
    view = view_of(exposures=(urea_exposure(1, path=path),))
    steps = path_steps(view, view.exposures[0], "en")
    assert "canary" not in str(steps)
    assert [one.kind for one in steps] == ["country", "item", "ministry"], "nor an empty box for it"
    own = urea_exposure(1, firm="canary/secret")
    assert path_picture(view_of(exposures=(own,)), "ko") is None, (
        "a firm's own exposure: no picture"
    )


def test_without_a_path_there_is_no_picture() -> None:
    assert path_picture(view_of(exposures=()), "ko") is None
    assert (
        path_picture(view_of(exposures=(urea_exposure(1, path=(), ministries=()),)), "ko") is None
    )


def test_five_hundred_hops_keep_their_beginning_and_end() -> None:
    path = tuple(Hop(f"item:n{n}", f"item:n{n + 1}", "", "", 0.1, "stated") for n in range(500))
    view = view_of(exposures=(urea_exposure(1, path=path),))
    steps = path_steps(view, view.exposures[0], "en")
    assert len(steps) == COLUMNS * ROWS
    assert (steps[0].name, steps[-1].kind) == ("n0", "ministry")
    assert "…" in steps[-3].name
    assert opened(path_picture(view, "en")).height <= HEIGHT


@settings(max_examples=8, deadline=None)
@given(
    text=st.one_of(st.sampled_from(HOSTILE), st.text(max_size=300)),
    lang=st.sampled_from(["ko", "en"]),
)
def test_whatever_names_and_titles_hold_the_picture_stays_in_its_frame(
    text: str, lang: str
) -> None:
    path = (
        Hop(f"origin:{text}:x", f"item:{text}", text, text, 0.5, text, text, text),
        Hop(f"item:{text}", f"use:{text}", "", "", None, ""),
    )
    view = view_of(exposures=(urea_exposure(1, item=text, path=path, ministries=(text,)),))
    image = opened(path_picture(view, lang))
    assert (image.width, image.height <= HEIGHT) == (WIDTH, True)
    series = [Observation("s", T0 + timedelta(days=n), T0, n, text) for n in range(3)]
    assert opened(series_picture(series, text, lang)).size == (WIDTH, 620)


# ------------------------------------------------------------------------------ the series


def observed(*values: float) -> list[Observation]:
    return [
        Observation("p/m/x/-", T0 + timedelta(days=n), T0, v, "ships") for n, v in enumerate(values)
    ]


def test_a_falling_series_falls_on_the_picture() -> None:
    image = opened(series_picture(observed(*[80.0] * 40, *[20.0] * 40), "Transits", "en"))
    blue = [(x, y) for x in range(170, 1040, 10) for y in range(110, 531)
            if (p := image.getpixel((x, y))) and p[2] > 100 and p[0] < 60]  # type: ignore[index]  # fmt: skip
    left = [y for x, y in blue if x < 400]
    right = [y for x, y in blue if x > 800]
    assert max(left) < min(right), "higher values stand higher"


@pytest.mark.parametrize(
    "values", [[], [1.0], [float("nan"), float("inf"), 1.0]], ids=["none", "one", "one that is one"]
)
def test_fewer_than_two_values_are_no_series(values: list[float]) -> None:
    assert series_picture(observed(*values), "t", "ko") is None


@pytest.mark.parametrize(
    "values",
    [[0.0, 0.0], [-5.0, -5.0], [1e300, -1e300], [1e-300, 2e-300], [float("nan"), 1.0, 2.0]],
)
def test_odd_values_are_drawn(values: list[float]) -> None:
    assert opened(series_picture(observed(*values), "t", "ko")).width == WIDTH


# ------------------------------------------------------------------------------ with messages


def test_pictures_go_with_what_is_new_to_channels_that_show_them() -> None:
    slack = notification()
    assert illustrated(slack)
    assert not illustrated(replace(slack, channel="console"))
    assert not illustrated(replace(slack, edit=True))
    assert not illustrated(replace(slack, change=ChangeKind.UPDATED))
    both = illustrations(view_of(), "ko", observed(3.0, 2.0, 1.0))
    assert [one.name for one in both] == ["path.png", "series.png"]
    assert all(len(one.png) < 100_000 for one in both)


def test_a_picture_that_fails_is_left_out_and_the_other_stays(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> bytes:
        raise ValueError("a picture")

    monkeypatch.setattr(illustrating, "path_picture", broken)
    assert [p.name for p in illustrations(view_of(change()), "ko", observed(1.0, 2.0))] == [
        "series.png"
    ]
    assert "path.png could not be drawn" in caplog.text


# ------------------------------------------------------------------------------ the font


def test_the_font_holds_korean_latin_and_the_signs_that_messages_use() -> None:
    size = 0
    for name in ("ews-sans-regular.otf", "ews-sans-semibold.otf"):
        font = TTFont(FONTS / name)
        known = set(font.getBestCmap())
        syllables = [bytes([a, b]).decode("euc-kr") for a in range(0xB0, 0xC9)
                     for b in range(0xA1, 0xFF)]  # fmt: skip
        assert len(syllables) == 2350
        wanted = {*"".join(syllables), *map(chr, range(0x21, 0x7F)), *"→←·…—‘’“”×≥≤%①"}
        assert not {c for c in wanted if ord(c) not in known}
        family = font["name"].getDebugName(16)
        assert family == "Ews Sans KR", "the licence reserves the name Pretendard"
        size += (FONTS / name).stat().st_size
    assert size <= 1_200_000
    assert "SIL OPEN FONT LICENSE" in (FONTS / "OFL.txt").read_text("utf-8")


def test_words_are_made_smaller_before_they_are_cut() -> None:
    from PIL import ImageDraw

    draw = ImageDraw.Draw(Image.new("RGB", (10, 10)))
    assert fitted(draw, "요소", 200, 2, 28) == (["요소"], 28)
    lines, size = fitted(draw, "아주 긴 이름 " * 20, 200, 2, 28)
    assert (len(lines), size, lines[-1].endswith("…")) == (2, 20, True)
