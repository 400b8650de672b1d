"""What is a series called, and what do its detectors, states and units read as? In both languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from alerts.series_words import series_title
from ews.measuring.codes import codes_of, items_by_code
from ews.model import series_parts
from ews.reports.names import Names, UnknownName, find
from ews.reports.views import Label
from ews.storage.series_list import Word
from graph.goods import goods
from graph.reference import CHOKEPOINTS, COUNTRIES, ITEMS, PORTS

LONGEST = 40  # letters of a good's name; the tariff's own run to hundreds
MOST_CODES = 800  # that one word of a search may mean: more says nothing
LEAST = 2  # letters of a word that is looked up among names

DETECTORS = {
    "seasonal": ("계절 예측과의 차이", "seasonal"),
    "change_point": ("수준 변화", "change point"),
    "stockpiling": ("조치 전 비축", "stock-building"),
    "stopped": ("거래 중단", "stopped trade"),
    "concentration": ("집중도 급변", "concentration jump"),
    "mirror_gap": ("양국 통계 차이", "mirror gap"),
    "nb_cusum": ("음이항 누적합", "negative-binomial CUSUM"),
    "ears-c1": ("EARS C1 (비교용)", "EARS C1 (baseline)"),
    "ears-c2": ("EARS C2 (비교용)", "EARS C2 (baseline)"),
    "ears-c3": ("EARS C3 (비교용)", "EARS C3 (baseline)"),
}
AGES = {
    "on_time": ("제때", "on time"),
    "due": ("나올 때가 됨", "due"),
    "late": ("늦음", "late"),
    "stale": ("오래됨: 이 계열로는 아무것도 보이지 않음", "stale: blind here"),
    "silent": ("통계는 나왔으나 이 계열의 값은 없음", "the report came without it"),
    "ended": ("끝난 계열", "ended"),
    "unknown": ("공표 일정 모름", "no release calendar"),
}
FREQUENCIES = {
    "D": ("일", "daily"), "W": ("주", "weekly"), "M": ("월", "monthly"), "Q": ("분기", "quarterly"),
    "A": ("연", "yearly"),
}  # fmt: skip
BASES = {"recorded": ("수집 기록", "recorded"), "calendar": ("공표 일정", "by the calendar")}
MOVES = {"up": ("증가", "up"), "down": ("감소", "down")}
STATUSES = {
    "suspected": ("의심", "suspected"),
    "corroborated": ("교차 확인", "corroborated"),
    "confirmed": ("확인", "confirmed"),
    "closed": ("종료", "closed"),
    "dismissed": ("기각", "dismissed"),
}
OUTCOMES = {"real": ("사실", "real"), "false": ("오경보", "false alarm"), "open": ("미정", "open")}
GROUNDS = {
    "recorded": ("실제 기록", "recorded series"),
    "synthetic": ("합성 계열", "synthetic series"),
    "recorded, synthetic": ("실제 기록과 합성 계열", "recorded and synthetic series"),
    "other measures": ("다른 종류의 계열", "series of other measures"),
    "assumed": ("가정", "assumed"),
}
TABLES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "detector": DETECTORS, "age": AGES, "frequency": FREQUENCIES, "basis": BASES, "move": MOVES,
    "status": STATUSES, "outcome": OUTCOMES, "grounds": GROUNDS,
}  # fmt: skip


def said(table: str, code: str, lang: str) -> str:
    """The word of a code; a code without one is shown as it is, never hidden."""
    ko, en = TABLES[table].get(code, (code, code))
    return ko if lang == "ko" else en


class _Goods(Names):
    """Items by their own name; a bare HS code by the name of the good in the tariff."""

    def item(self, code: str, lang: str) -> str:
        own = items_by_code().get(code, ())
        if code in ITEMS or (code not in goods() and len(own) != 1):
            return super().item(code, lang)
        # A code of one item of ours is called as the item; the tariff's own words run to hundreds.
        name = super().item(own[0], lang) if len(own) == 1 else goods()[code].name(lang)
        return f"{clipped(name)} (HS {code})"


def clipped(name: str) -> str:
    """The name, cut after a word where it is too long.

    >>> clipped("Graphite; natural, in powder or in flakes, whatever its use")
    'Graphite; natural, in powder or in…'
    """
    if len(name) <= LONGEST:
        return name
    head = name[:LONGEST].rsplit(" ", 1)[0]
    return head.rstrip(" ,;.…") + "…"


NAMES = _Goods()
WORLD = Label("WLD", "world", "세계")


def series_label(name: str) -> Label:
    """A series in words.

    >>> series_label("portwatch/transits/suez/-").en
    'Suez Canal: ships passing (IMF PortWatch)'
    """
    return Label(name, *(series_title(name, NAMES, lang) for lang in ("en", "ko")))


def item_codes(text: str) -> tuple[tuple[str, ...], str]:
    """(codes under which series may have the item, an HS chapter or heading that they begin with)
    for what a person typed: an item, an HS code of 2 to 6 digits, or a name in either language.
    UnknownName, with near names, when nothing fits.

    >>> item_codes("요소")[0], item_codes("31.02")
    (('urea', '310210'), ((), '3102'))
    """
    wanted = text.strip()
    digits = wanted.replace(".", "")
    if digits.isdigit():
        if len(digits) < 6:
            return (), digits
        return _with_items(digits[:6]), ""
    try:
        ids = find("item", wanted)
    except UnknownName:
        found = tuple(_named(wanted.casefold()))
        if not found:
            raise
        return found, ""
    return tuple(dict.fromkeys(code for one in ids for code in codes_of(one))), ""


def _with_items(code: str) -> tuple[str, ...]:
    own = (one.id for one in ITEMS.values() if code in codes_of(one.id))
    return tuple(dict.fromkeys((code, *own)))


def search_word(text: str) -> Word:
    """What one word of a search may mean: a part of the series' name, an item, a place."""
    wanted = text.casefold()
    if len(wanted) < LEAST:
        return Word(text)
    return Word(
        text,
        tuple(dict.fromkeys(_named(wanted)))[:MOST_CODES],
        tuple(code for table in (CHOKEPOINTS, PORTS) for code in _of(table, wanted)),
        tuple(_of(COUNTRIES, wanted)),
    )


def _named(wanted: str) -> Iterator[str]:
    """Codes of items and goods with a name that has `wanted` in it."""
    for id_, names in _item_names().items():
        if wanted in names:
            yield from codes_of(id_)
    for code, names in _good_names().items():
        if wanted in names:
            yield code


def _of(table: Mapping[str, object], wanted: str) -> Iterator[str]:
    for code, one in table.items():
        names = (str(getattr(one, "en", "")), str(getattr(one, "ko", "")))
        if any(name.casefold().startswith(wanted) for name in names):
            yield code


@cache
def _item_names() -> dict[str, str]:
    return {one.id: f"{one.id}\n{one.en}\n{one.ko}".casefold() for one in ITEMS.values()}


@cache
def _good_names() -> dict[str, str]:
    return {code: f"{one.en}\n{one.ko}".casefold() for code, one in goods().items()}


def payer(name: str) -> str:
    """Whose budget pays for a series: its item, else its place (ews.measuring.monitored)."""
    _, _, place, item = series_parts(name)
    return item if item != "-" else place


def payer_label(code: str) -> Label:
    """The name of an item, HS code, chokepoint, port or country that a budget is of."""
    if code == WORLD.code:
        return WORLD
    for table in (ITEMS, CHOKEPOINTS, PORTS, COUNTRIES):
        one = table.get(code)
        if one is not None:
            return Label(code, str(getattr(one, "en", code)), str(getattr(one, "ko", code)))
    return Label(code, NAMES.item(code, "en"), NAMES.item(code, "ko"))
