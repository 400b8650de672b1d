"""Rows of a stress test: numbers of graph.stress with names, and the basis of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import isinf

import numpy as np

from ews.reports.names import label
from ews.reports.outlook_rows import alternative_line
from ews.reports.outlook_views import AlternativeLine
from ews.reports.standing import network
from ews.reports.stress_views import OtherSupplier, RingLine, StockNeed, StopLine, StrainLine
from ews.reports.views import Label
from graph.alternatives import UNTOUCHED, Alternative, alternative_origins
from graph.cycles import LockingCycle
from graph.declarations import OTHERS
from graph.firm_sources import FirmSupply, Row, Source, shipped, struck, unsaid
from graph.firms import BomLine, FirmLink, firm_slug
from graph.network import origin
from graph.one_company import Together
from graph.reference import ITEMS, PORTS
from graph.stress import HELPED, Stock, Strain

ORIGINS = 3  # other origins shown of one source
WORST = ("stated", "computed", "inferred", "assumed", "unknown")  # of several the last counts


class Words:
    """What the firm calls its firms, suppliers and parts."""

    def __init__(
        self,
        firms: Mapping[str, Label],
        links: Sequence[FirmLink],
        boms: Sequence[BomLine],
        alike: Sequence[Together] = (),
    ) -> None:
        self._firms, self._alike = firms, [set(one.names) for one in alike]
        every: list[FirmLink | BomLine] = [*links, *boms]
        self._suppliers = {firm_slug(one.supplier): one.supplier for one in reversed(every)}
        self._items = {one.part: one.item for one in every if one.part and one.item}

    def good(self, code: str) -> Label:
        """A part or item; a part with the item that it is of."""
        if code in ITEMS:
            return label("item", code)
        if code.startswith("hs:"):
            return Label(code, f"HS {code[3:]}", f"HS {code[3:]}")
        item = self._items.get(code, "")
        if item in ITEMS:
            named = label("item", item)
            return Label(code, f"{code} ({named.en})", f"{code} ({named.ko})")
        return Label(code, code, code)

    def node(self, name: str) -> Label:
        """A node of the firm's supply graph."""
        kind, _, rest = name.partition(":")
        code, _, good = rest.partition(":")
        if kind == "firm":
            return self._firms.get(rest, Label(rest, rest, rest))
        if kind == "part":
            return Label(name, good, good)
        if kind == "supplier":
            called = self._suppliers.get(code, code)
            return Label(name, called, called)
        if code == OTHERS:
            return Label(name, "suppliers not said", "밝히지 않은 공급처")
        named = label("country", code)
        return Label(name, f"{named.en} (supplier not said)", f"{named.ko} (공급사 미상)")

    def maybe_same(self, one: str, other: str) -> bool:
        """Whether two suppliers may be one company."""
        return any({one, other} <= names for names in self._alike)

    def source(self, one: Source) -> Label:
        if one.kind in ("country", "chokepoint"):
            return label(one.kind, one.code)
        if one.kind == "port":
            return _ports(one.code)
        if one.kind == "part":
            return self.good(one.code)
        said = " = ".join(one.names) if one.names else one.code
        return Label(one.code, said, said)


def _ports(code: str) -> Label:
    """Ports that goods of one country may load at: which one is not known."""
    codes = code.split("+")
    first = label("port", codes[0])
    if len(codes) == 1:
        return Label(code, first.en, first.ko)
    country = label("country", PORTS[codes[0]].country)
    return Label(
        code,
        f"port in {country.en}: one of {len(codes)}, such as {first.en}",
        f"{country.ko} 항만 {len(codes)}곳 중 하나 ({first.ko} 등)",
    )


def strain_line(supply: FirmSupply, one: Strain, words: Words) -> StrainLine:
    """One source as a row."""
    a, source = supply.arrays, one.source
    part = struck(supply, source)
    links = np.flatnonzero(part > 0)
    rows = [supply.rows[int(e)] for e in links]
    # A part made in the firm comes from no row of a supplier, but its need stands in the bill.
    lines = [line for line in supply.boms if line.part == source.code]
    said: Sequence[Row] = lines if source.kind == "made" else rows
    goods = {a.items[int(a.group_item[a.link_group[e]])] for e in links}
    held = _held(supply)
    group = next((g for g in np.unique(a.link_group[links])
                  if a.items[int(a.group_item[g])] == one.binding), None)  # fmt: skip
    way = source.kind in ("chokepoint", "port")
    return StrainLine(
        kind=source.kind,
        what=words.source(source),
        names=source.names,
        confidence=source.confidence,
        share=one.share,
        share_basis="assumed" if way else "inferred" if source.kind == "company"
        else "stated" if source.kind in ("part", "made") else _worst(map(_share_basis, rows)),
        survive_days=_finite(one.survive_days),
        looked_days=one.looked_days,
        best_survive_days=_finite(one.best_survive_days),
        recover_days=one.recover_days,
        recover_basis=one.recover_basis,
        lost_days=one.lost_days,
        lost_share=one.lost_days / one.recover_days,
        all_lost_days=one.all_lost_days,
        value_basis=_value_basis(supply),
        index=one.index,
        exposed=one.survive_days < one.recover_days and one.all_lost_days > 0,
        stops=tuple(StopLine(words.node(name), lost) for name, lost in one.stops),
        binding=words.good(one.binding) if one.binding else None,
        stock_days=None if group is None else float(a.group_stock[group]),
        stock_basis=_stock_basis(goods, held) if not one.binding
        else _stock_basis({one.binding}, held),
        cover_days=one.cover_days,
        lead_basis=_worst(
            "stated" if source.kind == "made" or (row is not None and row.lead_days is not None)
            else "assumed" for row in said
        ),
        need_basis=_worst(
            "stated" if row is not None and row.essential is not None else "assumed" for row in said
        ),
        stocks=tuple(_stocks(one.stocks, held, words)),
        move_share=one.move_share,
        helped=one.helped,
        others=tuple(_other(other, words, source.names) for other in one.others),
        origins=_origins(one, rows),
        synthetic=any(isinstance(row, FirmLink) and row.synthetic for row in rows),
    )  # fmt: skip


def ring_line(one: LockingCycle, words: Words) -> RingLine:
    """A ring of sole suppliers as a row."""
    members = tuple(words.node(name) for name in one.names)
    return RingLine(members, one.stock_days, one.round_days, one.recovers_from)


def _finite(value: float) -> float | None:
    return None if isinf(value) else value


# --------------------------------------------------------------------------- bases


def _worst(bases: Iterable[str]) -> str:
    return max(bases, key=WORST.index, default="unknown")


def _share_basis(row: Row) -> str:
    if isinstance(row, FirmLink):
        if row.share is None and row.spend is None:
            return "assumed"
        return "computed" if row.share is None or "declarations" in row.source else "stated"
    return "assumed" if row is not None and not row.supplier else "stated"


def _held(supply: FirmSupply) -> frozenset[str]:
    """Goods whose stock the firm stated."""
    said = {name for one in supply.stocks for name in (one.item, one.part) if name}
    said |= {one.part or one.item for one in supply.links if one.stock_days is not None}
    every: list[FirmLink | BomLine] = [*supply.links, *supply.boms]
    said |= {one.part for one in every if one.part and one.item in said}
    return frozenset(said)


def _stock_basis(goods: Iterable[str], held: frozenset[str]) -> str:
    return _worst("stated" if good in held else "assumed" for good in goods)


def _value_basis(supply: FirmSupply) -> str:
    """One product or firm weighs the whole; several weigh by the amounts that were stated."""
    if len(supply.serving) < 2:
        return "stated"
    known = all(line.price_usd is not None for line in supply.boms)
    known = known and (bool(supply.boms) or all(one.spend is not None for one in supply.links))
    return "computed" if known else "assumed"


# --------------------------------------------------------------------------- what would help


def _stocks(stocks: Sequence[Stock], held: frozenset[str], words: Words) -> Iterable[StockNeed]:
    """One row for what several products take of one part, where they need alike."""
    alike: dict[tuple[str, float, float | None], list[str]] = {}
    for one in stocks:
        enough = None if one.enough_days is None else round(one.enough_days, 1)
        alike.setdefault((one.item, one.now_days, enough), []).append(one.buyer)
    for (item, now, enough), buyers in alike.items():
        users = tuple(words.node(buyer) for buyer in buyers)
        basis = "stated" if item in held else "assumed"
        yield StockNeed(words.good(item), users, now, basis, enough)


def _other(one: Alternative, words: Words, down: Sequence[str]) -> OtherSupplier:
    who = words.node(one.who)
    return OtherSupplier(
        who=who,
        share=one.share.value or 0.0,
        lead_days=one.transit_days.value,
        lead_basis=one.transit_days.basis,
        qualification_days=one.qualification_days.value,
        qualification_basis=one.qualification_days.basis,
        own_loss=one.own_loss.value,
        maybe_same=any(words.maybe_same(who.text("ko"), name) for name in down),
    )


def _origins(one: Strain, rows: Sequence[Row]) -> tuple[AlternativeLine, ...]:
    """Other origins that sell the item to Korea, where the source is a place or sits in one."""
    if one.source.kind in ("part", "made") or one.all_lost_days == 0:
        return ()
    found = []
    for item in sorted({row.item for row in rows if row is not None and row.item in ITEMS}):
        places = sorted({shipped(row)[0] for row in rows if row is not None and row.item == item})
        for other in _other_origins(one.source.kind, one.source.code, item, tuple(places))[
            :ORIGINS
        ]:
            found.append(alternative_line(item, other))
    return tuple(found)


@cache
def _other_origins(
    kind: str, code: str, item: str, places: tuple[str, ...]
) -> tuple[Alternative, ...]:
    """Those that the same blow leaves alone, best first. What is known of no firm: only places and items go in."""
    net = network()
    hit = {
        "country": [f"country:{code}"],
        "chokepoint": [f"chokepoint:{code}"],
        "port": [f"port:{port}" for port in code.split("+")],
    }.get(kind, [origin(place, item) for place in places if place])
    struck_nodes = {node: 1.0 for node in hit if node in net or node.startswith("origin:")}
    found = alternative_origins(net, item, struck_nodes)
    away = [one for one in found if one.who not in places or kind == "chokepoint"]
    return tuple([one for one in away if (one.own_loss.value or 0.0) <= UNTOUCHED][:ORIGINS])


SAID = {  # words of graph.naming
    "what they do is said of one only": "하는 일은 한쪽에만 적힘",
    "what they do differs": "하는 일이 다름",
    "where is said of one only": "지역은 한쪽에만 적힘",
    "where differs": "지역이 다름",
    "names of plain words only": "흔한 말로만 된 이름",
    "scripts that no table joins": "글자가 달라 견줄 수 없음",
    "the same lei": "LEI가 같음",
    "the same corporate_number": "법인등록번호가 같음",
    "the same business_number": "사업자등록번호가 같음",
}


def why_label(why: str) -> Label:
    """Why two names may be one company, in both languages.

    >>> why_label("brands 97% alike; where differs").ko
    '이름의 핵심이 97% 같음; 지역이 다름'
    """
    parts = [
        SAID.get(part) or re.sub(r"^brands (.+) alike$", r"이름의 핵심이 \1 같음", part)
        for part in why.split("; ")
    ]
    return Label("why", why, "; ".join(parts))


# --------------------------------------------------------------------------- what is missing


def missing(supply: FirmSupply | None, sources: int) -> Iterable[Label]:
    """What the rows do not say, and what was taken instead."""
    if supply is None:
        yield Label("sources", "No suppliers and no parts were given, so nothing can be held down: "
                    "import links, declarations or a bill of materials",
                    "공급처와 부품 자료가 없어 시험할 것이 없습니다. 공급 링크, 수입신고, 부품표 중 하나를 넣어 주십시오")  # fmt: skip
        return
    count = unsaid(supply)
    rows = count["rows"]
    told = {
        "bom": (count["bom"],
                "No bill of materials: each good bought is taken to be needed for all output",
                "부품표가 없어, 사는 물건마다 없으면 전체 생산이 멈춘다고 보았습니다"),
        "stock": (count["stock"],
                  f"{count['stock']} of {count['goods']} goods have no stock stated: taken as 0 days",
                  f"물건 {count['goods']}가지 중 {count['stock']}가지는 재고가 없어 0일로 보았습니다"),
        "share": (count["share"],
                  f"{count['share']} of {len(supply.links)} links have neither share nor amount: "
                  "what is left over was spread evenly",
                  f"공급 링크 {len(supply.links)}건 중 {count['share']}건은 비중도 금액도 없어 남는 몫을 고르게 나눴습니다"),
        "lead": (count["lead"],
                 f"{count['lead']} of {rows} rows have no lead time: days at sea were assumed",
                 f"{rows}건 중 {count['lead']}건은 조달 기간이 없어 항해 일수를 가정했습니다"),
        "way": (count["way"],
                f"{count['way']} of {rows} rows have no lead time and no known way by sea: 0 days on the way",
                f"{rows}건 중 {count['way']}건은 조달 기간도 항로도 몰라, 오는 데 0일이라고 보았습니다"),
        "essential": (count["essential"],
                      f"{count['essential']} of {rows} rows do not say whether production stops "
                      "without the part: it was assumed to",
                      f"{rows}건 중 {count['essential']}건은 필수 여부가 없어, 없으면 생산이 멈춘다고 보았습니다"),
        "amount": (count["amount"] if len(supply.serving) > 1 else 0,
                   "Amounts or prices are missing: how much each product weighs in the whole is assumed",
                   "금액이나 단가가 빠져 있어, 제품마다의 무게는 가정입니다"),
        "supplier": (count["supplier"],
                     f"{count['supplier']} of {rows} rows name no supplier: they count under their country only",
                     f"{rows}건 중 {count['supplier']}건은 공급사 이름이 없어 나라로만 셉니다"),
        "country": (count["country"],
                    f"{count['country']} of {rows} rows name no country: they count under no country or way",
                    f"{rows}건 중 {count['country']}건은 나라가 없어 어느 나라·항로에도 들지 않습니다"),
    }  # fmt: skip
    for code, (number, en, ko) in told.items():
        if number:
            yield Label(code, en, ko)
    if sources > HELPED:
        yield Label("helped", f"Stocks and moved shares were looked for of the {HELPED} worst of "
                    f"{sources} sources only", f"필요한 재고와 조달처 전환 비중은 {sources}곳 중 나쁜 {HELPED}곳만 구했습니다")  # fmt: skip
