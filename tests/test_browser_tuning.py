"""The tuning page in a real browser: sliders, saving, a conflict, no script, a phone, both languages.

Skipped, with the reason, where no Chromium is installed.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.tuning_home import TuningHome, open_tuning_home
from tests.web_server import served

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt install chromium")

RULE = "caution-dependent"
RAISE = f"rules.{RULE}.when.probability.raise_at"
FIELD = f'#tuning input[name="{RAISE}"]'
SLIDER = f'{FIELD} + input[type="range"]'


@dataclass
class Room:
    """A browser before the pages of a home, and all that its console said."""

    home: TuningHome
    url: str
    chromium: Any
    said: list[str] = field(default_factory=list)

    @contextmanager
    def page(self, name: str = "분석가", width: int = 1280, script: bool = True) -> Iterator[Any]:
        context = self.chromium.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=script, locale="ko-KR"
        )
        cookie = {"name": "ews_viewer", "value": self.home.session(name), "url": self.url}
        context.add_cookies([cookie])
        opened = context.new_page()
        opened.set_default_timeout(20_000)
        opened.on("console", lambda message: self.said.append(message.text))
        opened.on("pageerror", lambda err: self.said.append(str(err)))
        try:
            yield opened
        finally:
            context.close()


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    for home in open_tuning_home(tmp_path_factory.mktemp("browser")):
        with served(home.app) as url, playwright.sync_playwright() as started:
            chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            yield Room(home, url, chromium)
            chromium.close()


def figures(page: Any) -> dict[str, str]:
    """What stands in the tiles and the tables that a change moves."""
    found: dict[str, str] = page.evaluate(
        "() => Object.fromEntries(['per-day', 'caution-per-day', 'caught', 'receivers', 'diff']"
        ".map(id => [id, (document.getElementById(id)?.textContent || '').replace(/\\s+/g, ' ')]))"
    )
    return found


def test_dragging_a_slider_changes_the_numbers_and_the_plain_form_says_the_same(room: Room) -> None:
    room.said.clear()
    with room.page() as page:
        page.goto(f"{room.url}/tuning?rule={RULE}&lang=ko")
        before = figures(page)
        slider = page.locator(SLIDER)
        assert slider.get_attribute("aria-label") == "확률: 올리는 값"
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 0.55 * box["width"], middle)
        page.mouse.down()
        for part in (0.6, 0.65, 0.7, 0.75):
            page.mouse.move(box["x"] + part * box["width"], middle)
        page.mouse.up()
        value = page.locator(FIELD).input_value()
        assert 0.7 < float(value) < 0.8
        expect(page.locator("#diff code")).to_have_count(1)
        expect(page.locator("[data-part=curve]:not(.old)")).to_have_count(1)
        expect(page.locator("[data-part=loads]:not(.old)")).to_have_count(1)
        after = figures(page)
        assert after["caution-per-day"] != before["caution-per-day"]
        assert (
            f"{float(value):.2f} 이상이면 올리고"
            in page.locator("[data-says=probability]").inner_text()
        )
        assert "주의 이상" in page.locator("#status").text_content()
        address = page.url
    assert f"{RAISE}={value}" in address
    assert room.said == []
    with room.page(script=False) as plain:
        plain.goto(f"{room.url}/tuning?rule={RULE}")
        assert plain.locator("input[type=range]").count() == 0
        plain.locator(FIELD).fill(value)
        plain.locator(".go button").click()
        assert figures(plain) == after
        # The address of one who drags can be handed to one who has no script.
        plain.goto(address)
        assert figures(plain) == after


def test_a_slider_moves_by_the_keyboard_and_takes_the_other_threshold_along(room: Room) -> None:
    room.said.clear()
    with room.page() as page:
        page.goto(f"{room.url}/tuning?rule={RULE}&lang=en")
        page.locator(SLIDER).focus()
        page.keyboard.press("Home")
        assert page.locator(FIELD).input_value() == "0"
        clear = page.locator(f'#tuning input[name="{RAISE.replace("raise_at", "clear_at")}"]')
        assert clear.input_value() == "0"
        expect(page.locator("#diff code")).to_have_count(2)
        assert "of 0 or more raises it" in page.locator("[data-says=probability]").inner_text()
    assert room.said == []


def test_no_width_scrolls_sideways_and_no_page_complains(room: Room) -> None:
    room.said.clear()
    tuning = f"/tuning?rule={RULE}&{RAISE}=0.7"
    asked = ((390, "ko", (tuning, "/tuning/history", "/tuning/proposal")), (390, "en", (tuning,)),
             (1280, "en", (tuning,)))  # fmt: skip
    for width, lang, paths in asked:
        with room.page(width=width) as page:
            for path in paths:
                page.goto(f"{room.url}{path}{'&' if '?' in path else '?'}lang={lang}")
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, (path, lang, wide)
                assert page.locator("h1").count() == 1
    assert room.said == []


def test_a_change_is_saved_and_the_second_analyst_meets_a_conflict(room: Room) -> None:
    room.said.clear()
    with room.page() as page, room.page("다른분석가", script=False) as other:
        for one in (page, other):
            one.goto(f"{room.url}/tuning?rule={RULE}&{RAISE}=0.7")
        page.fill("form.save input[name=name]", "조용히")
        page.fill("form.save input[name=reason]", "너무 많음")
        # What was typed for saving stays while a slider is moved.
        page.locator(FIELD).fill("0.65")
        expect(page.locator("#diff strong")).to_have_text("0.65")
        assert page.locator("form.save input[name=reason]").input_value() == "너무 많음"
        page.locator("form.save button").click()
        assert "판 2" in page.locator("#did").inner_text()
        other.fill("form.save input[name=reason]", "밤이 시끄러움")
        other.locator("form.save button").click()
        assert "분석가" in other.locator("main").inner_text()
        assert "밤이 시끄러움" in other.locator("main").inner_text()
        assert "부딪침" in other.locator("#clashes").inner_text()
        other.locator("#mine").click()
        assert other.locator("form.save input[name=reason]").input_value() == "밤이 시끄러움"
        other.locator("form.save button").click()
        assert "판 3" in other.locator("#did").inner_text()
        other.locator("form[action^='/tuning/undo'] button").click()
        assert "판 4" in other.locator("#did").inner_text()
    last = room.home.store.ruleset()
    assert last is not None
    assert (last.version, last.by) == (4, "다른분석가")
    assert all(re.search("409|Conflict", one) for one in room.said)  # the browser's own note


def test_the_picture_in_the_docs_is_small_and_there() -> None:
    picture = Path(__file__).parents[1] / "docs" / "tuning-page.png"
    assert 0 < picture.stat().st_size < 300_000
