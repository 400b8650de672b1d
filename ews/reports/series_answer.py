"""What does a tired reader need to know of a series first? Why, how sure, at what price, whom to tell."""

from __future__ import annotations

from ews.detectors.alarms import ADDITIVE
from ews.reports.series_names import said
from ews.reports.series_views import Found, Joined, Point, SeriesReport
from ews.reports.views import Label


def answer(found: SeriesReport) -> tuple[Label, ...]:
    """A few lines, the code of each its question: why | sure | price | tell, of the newest alarm;
    calm | price where there is none."""
    if not found.detections:
        return (_calm(found), _price(found))
    newest = found.detections[0]
    event = next((one for one in found.events if one.id == newest.event_id), None)
    return (_why(found, newest), _sure(newest), _price(found), _tell(event))


def number(value: float) -> str:
    """A figure with three digits that say something, thousands in full.

    >>> number(13884535.0), number(31.714285)
    ('13,884,535', '31.7')
    """
    return f"{value:,.0f}" if value == 0 or abs(value) >= 1000 else f"{value:.3g}"


def _why(found: SeriesReport, one: Found) -> Label:
    value, unit = number(one.value), found.series.unit
    en, ko = (said("detector", one.detector, lang) for lang in ("en", "ko"))
    up, up_ko = said("move", one.direction, "en"), said("move", one.direction, "ko")
    against = against_ko = ""
    if one.expected is not None:
        share = _share(found, one)
        against = f"{share} against {number(one.expected)} expected"
        against_ko = f"{share}, 예상 {number(one.expected)}"
    return Label(
        "why",
        f"{one.period}: {value} {unit}, {up}{against} ({en}).",
        f"{one.period}: {value} {unit}, {up_ko}{against_ko} ({ko}).",
    )


def _share(found: SeriesReport, one: Found) -> str:
    """How far off in percent; nothing where that says nothing (logarithms, deviations)."""
    if found.about.kind in ADDITIVE or not one.expected or one.expected < 0:
        return ""
    return f" {one.value / one.expected - 1:+.0%}"


def _sure(one: Found) -> Label:
    times = f"{1 / one.p:,.0f}" if one.p > 0 else "∞"
    return Label(
        "sure",
        f"When nothing happens, a value so far off comes once in {times} tests (p {one.p:.2g}); "
        f"the budget allows an alarm up to {one.alpha:.2g}.",
        f"아무 일이 없을 때 이만큼 벗어난 값은 검정 {times}번에 한 번 나옵니다(p {one.p:.2g}). "
        f"예산이 정한 문턱은 {one.alpha:.2g}입니다.",
    )


def _price(found: SeriesReport) -> Label:
    budget = found.budget
    own, own_ko = "this series is not watched now", "이 계열은 지금 감시하지 않습니다"
    if budget.tests:
        own = f"{budget.per_year:.2g} a year at most from this series"
        own_ko = f"이 계열에서는 한 해 많아야 {budget.per_year:.2g}건"
    return Label(
        "price",
        f"{budget.payer.text('en')}: false alarms accepted a year: {budget.item_set:g}; {own}.",
        f"{budget.payer.text('ko')}: 받아들이는 오경보는 한 해 {budget.item_set:g}건, {own_ko}.",
    )


def _tell(event: Joined | None) -> Label:
    if event is None:
        return Label("tell", "It became no event.", "사건이 되지 않았습니다.")
    if not event.alerts:
        return Label(
            "tell",
            f"{event.title.text('en')}: no alert, nobody was told.",
            f"{event.title.text('ko')}: 경보가 되지 않아 아무에게도 알리지 않았습니다.",
        )
    return Label(
        "tell",
        "The alert says which ministries it reaches and what to do first:",
        "어느 부처에 닿는지, 무엇부터 할지는 경보에 있습니다:",
    )


def _calm(found: SeriesReport) -> Label:
    newest = next((one for one in reversed(found.points) if one.p is not None), None)
    if newest is None:
        return Label(
            "calm",
            "No alarm, and nothing was judged yet: too little past.",
            "이상이 없습니다. 지난 값이 모자라 아직 판정하지 못했습니다.",
        )
    return Label("calm", *(_judged(newest, found, lang) for lang in ("en", "ko")))


def _judged(one: Point, found: SeriesReport, lang: str) -> str:
    value = "-" if one.value is None else f"{number(one.value)} {found.series.unit}"
    expected = "" if one.expected is None else number(one.expected)
    if lang == "ko":
        told = f", 예상 {expected}" if expected else ""
        return f"이상이 없습니다. 가장 새로 판정한 값: {one.period} {value}{told} (p {one.p:.2g})."
    told = f", expected {expected}" if expected else ""
    return f"No alarm. Newest value judged: {one.period} {value}{told} (p {one.p:.2g})."
