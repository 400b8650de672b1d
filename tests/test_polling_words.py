"""Why a source is asked when it is, in both languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import scrapers.schedule
from ews.model import Circuit, Polling
from ews.reports.polling_words import WHY, trouble_words, why_words


def test_every_reason_that_a_plan_can_have_has_words_in_both_languages() -> None:
    code = Path(scrapers.schedule.__file__).read_text("utf-8")
    lines = [line for line in code.splitlines() if "why" in line]
    reasons = {word for line in lines for word in re.findall(r'"([a-z-]+)"', line)}
    assert reasons == set(WHY)
    for reason in reasons:
        korean, english = (why_words(Polling("s", why=reason), lang) for lang in ("ko", "en"))
        assert re.search("[가-힣]", korean)
        assert not re.search("[가-힣]", english)


@pytest.mark.parametrize(("lang", "said"), [("ko", "고치십시오"), ("en", "correct url")])
def test_a_source_that_moved_or_fails_on_says_so(lang: str, said: str) -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    moved = Polling("s", moved_to="https://new.example/", moved_at=now)
    assert said in trouble_words(moved, lang)[0]
    assert "https://new.example/" in trouble_words(moved, lang)[0]
    failing = Polling("s", failures=7, circuit=Circuit.OPEN)
    assert "7" in trouble_words(failing, lang)[0]
    assert trouble_words(Polling("s"), lang) == []
