"""The ledger and its reliability as flat sheets for a spreadsheet program."""

from __future__ import annotations

from collections.abc import Iterable

from ews.reports import label
from ews.reports.ledger_words import BASES, CHANCES, STAGES, group_word, outcome_word, said
from ews.reports.sheet_text import written
from ews.tuning.ledger import Ledger
from ews.tuning.reliability import Bin

ENTRIES = {
    "alert": "경보", "raised_at": "발령", "type": "유형", "stage": "최고 단계", "title": "제목",
    "items": "품목", "countries": "국가", "language": "글의 언어", "rule": "규칙",
    "chance_sent": "보낸 확률", "chance_of": "확률의 종류", "outcome": "결과", "basis": "근거",
    "decided_at": "정한 때", "repeats": "같은 일의 경보",
}  # fmt: skip
BINS = {
    "bins": "구간", "outcomes": "결과", "low": "아래", "high": "위", "count": "건수",
    "said": "보낸 확률", "came": "맞은 비율", "came_low": "95% 아래", "came_high": "95% 위",
    "open": "아직 모름", "least": "모두 틀리면", "most": "모두 맞으면",
}  # fmt: skip


def entries_sheet(found: Ledger, lang: str) -> str:
    """A line for each alert of the ledger."""
    rows = (
        (
            one.alert_id, one.raised_at.isoformat(), label("type", one.type).text(lang),
            said(STAGES, one.stage, lang), one.title,
            "; ".join(label("item", code).text(lang) for code in one.items),
            "; ".join(label("country", code).text(lang) for code in one.countries),
            group_word("language", one.lang, lang), one.rule, one.chance,
            said(CHANCES, one.chance_of, lang),
            outcome_word(one.outcome, one.unconfirmed, lang), said(BASES, one.basis, lang),
            one.decided_at.isoformat() if one.decided_at else None, one.repeats,
        )
        for one in found.entries
    )  # fmt: skip
    return written(tuple(ENTRIES.values() if lang == "ko" else ENTRIES), rows)


def reliability_sheet(found: Ledger, lang: str) -> str:
    """A line for each bin: of equal widths, then of equal numbers; of all outcomes, then of those
    that a person gave."""
    rows: list[tuple[object, ...]] = []
    all_words, read_words = (
        ("모든 결과", "사람이 본 결과") if lang == "ko" else ("all", "given by a person")
    )
    kinds = ("같은 너비", "같은 건수") if lang == "ko" else ("equal width", "equal number")
    bounds = {round(one.low, 6): one for one in found.calibration.bounds}
    for words, one in (
        (all_words, found.calibration.every), (read_words, found.calibration.read),
    ):  # fmt: skip
        for bin in one.widths:
            more = bounds[round(bin.low, 6)] if words == all_words else None
            left = (more.left_open, more.least, more.most) if more else (None, None, None)
            rows.append((kinds[0], words, *_bin(bin), *left))
        rows += [(kinds[1], words, *_bin(bin), None, None, None) for bin in one.masses]
    return written(tuple(BINS.values() if lang == "ko" else BINS), rows)


def _bin(one: Bin) -> Iterable[object]:
    return one.low, one.high, one.count, one.said, one.came, *one.interval
