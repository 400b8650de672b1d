"""Fixed English phrases of the tables and the model in Korean, and the heading of a report.

The figures come with words: which part of an item, which period, which list, on what grounds a
shock is assumed. Those words are ours, so they are told in the reader's language; what a source
wrote (its title, its address) stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from ews.reports.exposure import ExposureReport
from ews.reports.outlook_views import DayBand, PathLine, PathStep
from ews.reports.views import HopLine, Label, percent

UNDECIDED = 0.45, 0.55  # of draws without a shortage
WEIGHED = ("origin:", "country:", "chokepoint:", "port:", "supplier:")  # hops that have a share

LISTS = {
    "EU-critical": ("EU 핵심 원자재", "EU critical raw materials"),
    "EU-strategic": ("EU 전략 원자재", "EU strategic raw materials"),
    "KR-33-critical-minerals": ("핵심광물 33종(한국)", "Korea's 33 critical minerals"),
    "KR-10-strategic-minerals": ("10대 전략 핵심광물(한국)", "Korea's 10 strategic minerals"),
    "CN-export-control": ("중국 수출통제 품목", "China's export controls"),
    "KR-8-industry-projects": (
        "8대 산업 공급망 선도사업 품목(한국)", "Korea's 8 supply-chain projects",
    ),
    "JP-specified": ("일본 특정중요물자", "Japan's specified critical goods"),
    "KR-economic-security": ("경제안보품목(한국)", "Korea's economic-security items"),
    "KR-managed-2023-12": (
        "공급망 관리 품목(한국, 2023년 12월)", "Korea's managed items, December 2023",
    ),
    "KR-emergency-supply": ("긴급수급조정 품목(한국)", "Korea's emergency supply items"),
}  # fmt: skip

SCOPES = {
    "industrial and vehicle": "산업용·차량용",
    "ingot": "잉곳",
    "cathodes": "전기동(음극)",
    "all kinds": "전 종류",
    "narrow HS scope": "좁은 HS 범위",
    "wide HS scope": "넓은 HS 범위",
    "unwrought, scrap, powder": "괴·스크랩·분말",
    "wrought": "가공품",
    "lump, billet, grain": "괴·빌릿·입상",
    "metal for lead-acid batteries": "납축전지용 금속",
    "green beans": "생두",
    "high-purity etching gas": "식각용 고순도 가스",
    "other than ferro-niobium": "페로니오븀 제외",
    "fertiliser": "비료용",
    "food grade": "식품용",
    "other": "기타",
    "with gallium": "갈륨 포함",
    "semiconductor grade": "반도체용",
    "radiata pine": "라디아타소나무",
    "semiconductor input": "반도체 원료",
    "pellets and chips": "펠릿·칩",
    "55 % silicon or less": "규소 55 % 이하",
    "other unwrought": "기타 괴",
    "kaolin, other": "기타 고령토",
    "other kaolinic clay, not calcined": "기타 고령토질 점토(하소하지 않은 것)",
    "unwrought, other": "기타 괴",
    "for water treatment": "수처리용",
    "metal and oxides": "금속과 산화물",
    "lithium salt of NCM oxide": "NCM 산화물의 리튬염",
    "with anode materials": "음극재 포함",
    "battery use": "배터리용",
    "with manganese sulphate": "황산망간 포함",
    "with indium": "인듐 포함",
    "with germanium": "게르마늄 포함",
    "with scrap": "스크랩 포함",
    "manganese products": "망간 제품",
    "with cobalt sulphate": "황산코발트 포함",
    "all cathode precursors": "양극재 전구체 전체",
    "specific gravity 0.847-0.855": "비중 0.847~0.855",
    "chicken": "닭고기",
    "fresh": "신선",
    "raw cane sugar": "원당",
    "kaolin, not calcined": "고령토(하소하지 않은 것)",
}

PERIOD_WORDS = {
    "(not stated)": "(출처에 시점 없음)",
    "(year not shown)": "(출처에 연도 없음)",
    "(typical year)": "(통상적인 해)",
}

# On what grounds a shock is assumed, and why a hop is believed.
GROUNDS = {
    "a licence or inspection regime stops most shipments for about a quarter "
    "(urea 2021 and graphite 2023 in docs/reference-network.md)":
        "허가제·검사제로 선적 대부분이 약 한 분기 동안 막힘(2021년 요소·2023년 흑연 사례)",
    "hits sales abroad first; supply to Korea moves little":
        "해외 판매가 먼저 타격을 받고 한국 조달은 거의 움직이지 않음",
    "part of the trade finds another way": "거래 일부는 다른 길을 찾음",
    "rules take effect slowly": "규정은 서서히 효력을 냄",
    "a part of a country is hit": "한 나라의 일부가 피해를 입음",
    "one plant among many": "여러 공장 가운데 한 곳",
    "one firm, port or railway, some weeks": "기업·항만·철도 한 곳, 몇 주 동안",
    "one maker's product": "한 제조사의 제품",
    "one maker leaves": "한 제조사가 사라짐",
    "one firm, about two weeks": "기업 한 곳, 약 2주 동안",
    "cargo is late rather than lost": "화물이 없어지지 않고 늦어짐",
    "makers ration": "제조사가 물량을 배정함",
    "dearer, not absent": "비싸지지만 없어지지는 않음",
    "type without a profile": "자료가 없는 유형",
    "an event in Korea itself": "국내에서 일어난 사건",
    "no origin named": "공급국이 언급되지 않음",
    "named with the route; no origin of it is known to pass":
        "항로와 함께 언급되었으나 이 길을 지나는 공급국은 알려지지 않음",
    "the text names no item": "글에 품목이 언급되지 않음",
    "deliveries within Korea": "국내 배송",
    "block": "통항 차단",
    "detour": "우회",
    "open-sea": "공해상",
    "what-if": "가정해 보기",
    "match of item and industry is the analyst's": "품목과 산업의 연결은 분석자의 판단",
    "sum of the shares above; the route is assumed by geography":
        "위 비중의 합. 항로는 지리로 가정",
    "by geography; sailing days are our round assumption, order of weeks":
        "항로는 지리로 가정, 항해 일수는 어림잡은 가정(주 단위)",
    "sells today": "지금 거래 중",
}  # fmt: skip
KINDS = {
    "assumed": "가정", "inferred": "추정", "observed": "관측", "supposed": "가정해 넣음",
    "stated": "출처에 명시",
}  # fmt: skip
PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"detour of (\S+) days \((\w+)\) over (\S+) days"),
        lambda m: f"우회로 {m[1]}일({KINDS.get(m[2], m[2])})을 {m[3]}일에 나눔",
    ),
    (
        re.compile(r"(\S+) measured a drop of (\S+)"),
        lambda m: f"탐지기 {m[1]}이(가) {m[2]} 감소를 관측",
    ),
    (
        re.compile(r"what-if; (\S+) of the country's cargo is assumed to go by the port"),
        lambda m: f"가정해 보기. 그 나라 화물의 {m[1]}가 이 항만을 지난다고 가정",
    ),
)


def grounds(text: str, lang: str) -> str:
    """The basis of a shock, or the citation of a hop, in the reader's language.

    >>> grounds("inferred: an event in Korea itself; assumed: makers ration", "ko")
    '추정: 국내에서 일어난 사건; 가정: 제조사가 물량을 배정함'
    >>> grounds("USGS, https://example.org/a", "ko")
    'USGS, https://example.org/a'
    """
    if lang != "ko":
        return text
    kind, colon, rest = text.partition(": ")
    if colon and kind in KINDS:
        return f"{KINDS[kind]}: {grounds(rest, lang)}"
    if whole := _ground(text):
        return whole
    if "; assumed" in text:
        first, _, rest = text.partition("; assumed")
        return f"{grounds(first, lang)}; 가정{f': {grounds(rest[2:], lang)}' if rest else ''}"
    parts = text.split("; ")
    told = [_ground(part) for part in parts]
    return "; ".join(map(str, told)) if all(told) else text


def _ground(text: str) -> str | None:
    if text in GROUNDS or text in KINDS:
        return GROUNDS.get(text) or KINDS[text]
    for pattern, said in PATTERNS:
        if found := pattern.fullmatch(text):
            return said(found)
    return None


def scope(text: str, lang: str) -> str:
    """The part of an item that a figure is of."""
    return SCOPES.get(text, text) if lang == "ko" else text


def period(text: str, lang: str) -> str:
    """A period as a source gives it.

    >>> period("2021 (not stated)", "ko"), period("2019-01..05", "ko"), period("MY2014/15", "ko")
    ('2021 (출처에 시점 없음)', '2019-01..05', '2014/15 양곡연도')
    """
    if lang != "ko":
        return text
    for en, ko in PERIOD_WORDS.items():
        text = text.replace(en, ko)
    return re.sub(r"^MY(\d{4}/\d{2})", r"\1 양곡연도", text)


def list_name(code: str, lang: str) -> str:
    """What a public list of items is called."""
    ko, en = LISTS.get(code, (code, code))
    return ko if lang == "ko" else en


def heading(report: ExposureReport, lang: str) -> str:
    """What a report is of; of an event its type, items and places, not a title from a feed."""
    said = event_words(report, report.asked, lang) if report.kind == "event" else ""
    return said or _names(report.about, lang)


def event_words(report: ExposureReport, event_id: str, lang: str) -> str:
    """An event of a report by its type, items and places; "" for one that it does not hold."""
    event = next((e for e in report.events if e.id == event_id), None)
    if event is None:
        return ""
    where = event.chokepoints + event.ports + event.countries
    said = (event.type.text(lang), _names(event.items[:3], lang), _names(where[:3], lang))
    return " · ".join(part for part in said if part)


def original_title(report: ExposureReport) -> str:
    """The title that the newest source gave an event; "" for other questions."""
    return report.about[0].en if report.kind == "event" and report.about else ""


NOTHING = {
    "country": Label(
        "nothing",
        "No share of Korea's imports from there was read: what depends on it is not known.",
        "이 나라에서 오는 수입 비중을 읽은 것이 없어, 무엇이 이 나라에 기대는지 알 수 없습니다.",
    ),
    "port": Label(
        "nothing",
        "No import of Korea's is known to be loaded there. The tables hold ports of loading "
        "abroad by geography; what arrives at a port of Korea was not read.",
        "이 항만에서 실려 오는 수입이 알려지지 않았습니다. 표는 지리로 가정한 해외 선적항만 "
        "다루며, 국내 항만에 무엇이 들어오는지는 읽은 자료가 없습니다.",
    ),
    "chokepoint": Label(
        "nothing",
        "No import of Korea's with a figure is known to pass there.",
        "비중이 알려진 수입 가운데 이곳을 지나는 것이 없습니다.",
    ),
}


def nothing_read(report: ExposureReport) -> Label | None:
    """What to say when a place was asked about and no figure of it was read."""
    return None if report.shares else NOTHING.get(report.kind)


def _names(labels: tuple[Label, ...], lang: str) -> str:
    return ", ".join(label.text(lang) for label in labels)


def undecided(first: DayBand) -> bool:
    """Whether a shortage comes in about half of the draws, so that a median day says little."""
    return UNDECIDED[0] <= first.never <= UNDECIDED[1]


def weight(hop: HopLine, lang: str) -> str:
    """The weight of a hop; "-" for a hop that has none, such as from a use to its ministry."""
    if hop.weight is None and not hop.source.code.startswith(WEIGHED):
        return "-"
    return percent(hop.weight, lang)


def steps_of(paths: Iterable[PathLine]) -> tuple[PathStep, ...]:
    """The hops of all paths, each once, felt from its first to its last day on any path."""
    found: dict[tuple[str, str], PathStep] = {}
    for step in (one for path in paths for one in path.steps):
        key = step.source.code, step.target.code
        same = found.get(key, step)
        found[key] = replace(
            same,
            felt_from=min(same.felt_from, step.felt_from),
            felt_to=max(same.felt_to, step.felt_to),
        )
    return tuple(found.values())
