"""Series as flat sheets for a spreadsheet program: the list, one series, the budget."""

from __future__ import annotations

from ews.reports.series_names import said
from ews.reports.series_views import BudgetReport, Point, SeriesList, SeriesReport
from ews.reports.sheet_text import written

LISTED = {
    "series": "계열", "title": "이름", "frequency": "주기", "unit": "단위", "currency": "통화",
    "classification": "품목 분류", "valuation": "가격 기준", "source": "출처",
    "synthetic": "합성 자료", "oldest_period": "첫 기간", "newest_period": "최신 기간",
    "newest_value": "최신 값", "known_at": "알게 된 때", "state": "상태", "next_due": "다음 공표",
    "newest_detection": "최근 이상", "detections": "이상 건수",
    "accepted_false_alarms_a_year": "연간 허용 오경보",
}  # fmt: skip
VALUES = {
    "series": "계열", "period": "기간", "value": "값", "unit": "단위", "known_at": "알게 된 때",
    "basis": "근거", "vintage": "몇 번째 공표",
}  # fmt: skip
POINTS = {
    "series": "계열", "period": "기간", "value": "값", "first_published": "처음 공표한 값",
    "unit": "단위", "known_at": "알게 된 때", "revised": "수정됨", "expected": "예상",
    "band_low": "통상 범위 아래", "band_high": "통상 범위 위", "p": "보정 확률",
    "detector": "탐지기", "alarm": "이상",
}  # fmt: skip
ITEMS = {
    "item": "품목", "name": "이름", "watched": "관심 품목", "series": "계열 수",
    "a_year_set": "연간 허용(정한 값)", "a_year_given": "연간 허용(배분)",
    "tests_a_year": "연간 검정 수", "least_alpha": "최소 문턱 확률", "most_alpha": "최대 문턱 확률",
}  # fmt: skip
YES = {"ko": ("예", ""), "en": ("yes", "")}


def _columns(names: dict[str, str], lang: str) -> tuple[str, ...]:
    return tuple(names.values() if lang == "ko" else names)


def exact(value: float | None) -> str | None:
    """A published figure with every digit it has: 13,884,535 kg is not 1.38845e+07.

    >>> exact(13884535.0), exact(-0.1), exact(None)
    ('13884535', '-0.1', None)
    """
    return None if value is None else f"{value:.15g}"


def _yes(value: bool, lang: str) -> str:
    return YES[lang][0 if value else 1]


def list_sheet(found: SeriesList, lang: str) -> str:
    """A line for each series of the page."""
    rows = (
        (
            one.name, one.title.text(lang), said("frequency", one.frequency, lang), one.unit,
            one.currency, one.classification, one.valuation, one.source,
            _yes(one.synthetic, lang), one.oldest, one.newest, exact(one.value),
            one.available_at.isoformat() if one.available_at else None,
            said("age", one.age, lang), one.due_at.isoformat() if one.due_at else None,
            one.found_at.isoformat() if one.found_at else None, one.detections, one.allowed,
        )
        for one in found.series
    )  # fmt: skip
    return written(_columns(LISTED, lang), rows)


def vintages_sheet(found: SeriesReport, lang: str) -> str:
    """A line for each published figure, as known then."""
    rows = (
        (
            found.series.name, one.period, exact(one.value), found.series.unit,
            one.available_at.isoformat(), said("basis", one.basis, lang), one.number,
        )
        for one in found.vintages
    )  # fmt: skip
    return written(_columns(VALUES, lang), rows)


def points_sheet(found: SeriesReport, lang: str) -> str:
    """A line for each period as the detectors saw it."""
    alarms = {one.period: one.detector for one in found.detections}
    rows = (_point(found, one, alarms.get(one.period, ""), lang) for one in found.points)
    return written(_columns(POINTS, lang), rows)


def _point(found: SeriesReport, one: Point, alarm: str, lang: str) -> tuple[object, ...]:
    return (
        found.series.name, one.period, exact(one.value), exact(one.first), found.series.unit,
        one.known_at.isoformat() if one.known_at else None, _yes(one.revised, lang),
        one.expected, one.low, one.high, one.p,
        said("detector", one.detector, lang) if one.detector else "",
        said("detector", alarm, lang) if alarm else "",
    )  # fmt: skip


def budget_sheet(found: BudgetReport, lang: str) -> str:
    """A line for each item that has a budget."""
    rows = (
        (
            one.payer.code, one.payer.text(lang), _yes(one.watched, lang), one.series,
            one.per_year_set, one.per_year, one.tests_per_year, one.least_alpha, one.most_alpha,
        )
        for one in found.items
    )  # fmt: skip
    return written(_columns(ITEMS, lang), rows)
