"""Why a source is asked when it is, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import scrapers.schedule
from ews.reports.source_words import WHY, why_next


def test_every_reason_that_a_plan_can_have_has_words_in_both_languages() -> None:
    code = Path(scrapers.schedule.__file__).read_text("utf-8")
    lines = [line for line in code.splitlines() if "why" in line]
    reasons = {word for line in lines for word in re.findall(r'"([a-z-]+)"', line)}
    assert reasons == set(WHY)
    for reason in reasons:
        korean, english = (why_next(reason, lang) for lang in ("ko", "en"))
        assert re.search("[가-힣]", korean)
        assert not re.search("[가-힣]", english)
