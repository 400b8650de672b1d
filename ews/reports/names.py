"""Codes to words: what an item, country, industry, ministry or event type is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache

from alerts.series_words import series_title
from ews.measuring.codes import items_by_code
from ews.reports.viewer import NotFound
from ews.reports.views import Label
from graph.reference import (
    CHOKEPOINTS,
    COUNTRIES,
    INDUSTRIES,
    ITEMS,
    MINISTRIES,
    PORTS,
    USES,
    items_by_hs,
)
from nlp.taxonomy import TYPES

TABLES: Mapping[str, Mapping[str, object]] = {
    "item": ITEMS,
    "country": COUNTRIES,
    "chokepoint": CHOKEPOINTS,
    "port": PORTS,
    "industry": INDUSTRIES,
    "ministry": MINISTRIES,
    "type": TYPES,
}


NEAR = 5  # near names offered
NO_GOODS = "9999"  # the code of freight as such


KINDS_KO = {
    "item": "품목", "country": "국가", "chokepoint": "해협·운하", "port": "항만",
    "industry": "산업", "ministry": "부처", "type": "사건 유형",
}  # fmt: skip


class UnknownName(NotFound):
    """No such code or name; the message offers near ones. `ko` says the same in Korean."""


def label(kind: str, code: str) -> Label:
    """The names of a code. A code the tables lack is shown as it is, never hidden."""
    if kind == "use":
        unknown = code.endswith(":unknown")
        spare = Label(code, "use unknown", "용도 미상") if unknown else Label(code, code, code)
        return USE_NAMES.get(code) or spare
    known = TABLES.get(kind, {}).get(code)
    if known is None:
        return Label(code, code, code)
    return Label(code, str(getattr(known, "en", code)), str(getattr(known, "ko", code)))


def labels(kind: str, codes: Iterable[str]) -> tuple[Label, ...]:
    return tuple(label(kind, code) for code in codes)


def node_label(node: str) -> Label:
    """The names of a network node, such as `origin:CN:urea` or `use:urea:1`."""
    kind, _, code = node.partition(":")
    if kind == "origin":
        country, _, item = code.partition(":")
        one, two = label("country", country), label("item", item)
        return Label(node, f"{two.en} from {one.en}", f"{one.ko}산 {two.ko}")
    named = label(kind, node if kind == "use" else code)
    return Label(node, named.en, named.ko)


USE_NAMES = {use.id: Label(use.id, use.en, use.ko) for uses in USES.values() for use in uses}


def find(kind: str, text: str) -> list[str]:
    """Codes of that kind for what a person typed: a code, an HS code, an English or Korean name,
    its beginning, or a part of one name only.

    UnknownName, with near names, when nothing fits.

    >>> find("port", "KRPUS"), find("industry", "화물"), find("country", "중국")
    (['busan'], ['49301'], ['CN'])
    """
    table = TABLES[kind]
    wanted = text.strip()
    if kind == "item" and wanted.replace(".", "").isdigit():
        return _items_of_hs(wanted.replace(".", ""))
    for code in table:
        if code.casefold() == wanted.casefold():
            return [code]
    if kind == "industry" and wanted.isdigit():
        starts = [code for code in table if code.startswith(wanted)]
        if starts:
            return starts
    if kind == "port" and (port := _by_locode(wanted)):
        return [port]
    return _by_name(kind, table, wanted)


def _by_locode(text: str) -> str | None:
    """The port of a UN/LOCODE, written with or without its space."""
    wanted = text.replace(" ", "").upper()
    codes = {port.unlocode.replace(" ", ""): code for code, port in PORTS.items()}
    return codes.get(wanted) if wanted else None


def _items_of_hs(code: str) -> list[str]:
    """Items whose code begins with the asked one, or that it narrows. The pseudo-items of freight
    answer to their own code only: no goods have it."""
    if len(code) < 4:
        raise UnknownName(f"HS code {code} is too wide; give 4 or 6 digits, such as 3102 or 310210")
    if code == NO_GOODS:
        return [item.id for item in ITEMS.values() if NO_GOODS in item.hs]
    found = [item.id for item in items_by_hs(code) if NO_GOODS not in item.hs]
    if not found:
        raise UnknownName(f"no item with HS code {code}; give one of the {len(ITEMS)} items by "
                          "name, or the first 4 digits")  # fmt: skip
    return found


def _by_name(kind: str, table: Mapping[str, object], wanted: str) -> list[str]:
    names = _codes_by_name(kind)
    folded = wanted.casefold()
    if folded in names:
        return list(names[folded])
    long_enough = len(folded) >= (2 if _korean(folded) else 3)
    starts = [c for name, codes in names.items() if name.startswith(folded) for c in codes]
    if starts and len(folded) > 1:
        return list(dict.fromkeys(starts))
    inside = dict.fromkeys(c for name, codes in names.items() if folded in name for c in codes)
    if len(inside) == 1 and long_enough:
        return list(inside)
    near = inside if inside and long_enough else _near(folded, table, names)
    raise UnknownName(
        f"unknown {kind} {wanted!r}{_offered(kind, near, 'en')}",
        f"{KINDS_KO[kind]}: ‘{wanted}’에 맞는 이름이 없습니다{_offered(kind, near, 'ko')}",
    )


@cache
def _codes_by_name(kind: str) -> dict[str, list[str]]:
    """Codes of every name of that kind; the reference data does not change while it runs."""
    names: dict[str, list[str]] = {}
    for code, known in TABLES[kind].items():
        for name in {str(getattr(known, "en", "")), str(getattr(known, "ko", ""))} - {""}:
            names.setdefault(name.casefold(), []).append(code)
    return names


def _korean(text: str) -> bool:
    return any("가" <= char <= "힣" for char in text)


def _near(
    folded: str, table: Mapping[str, object], names: Mapping[str, Sequence[str]]
) -> Iterable[str]:
    """Codes whose name is spelt alike, or that shares a part of some length with what was typed."""
    codes = {code.casefold(): code for code in table}
    close = get_close_matches(folded, [*names, *codes], n=NEAR, cutoff=0.6)
    found = [c for name in close for c in (names.get(name) or [codes[name]])]
    if not found:
        least = 2 if _korean(folded) else 4
        parts = [folded[at : at + least] for at in range(len(folded) - least + 1)]
        shared = {n: sum(part in n for part in parts) for n in names if not n.isspace()}
        best = sorted((n for n in shared if shared[n]), key=lambda n: (-shared[n], len(n)))
        found = [c for name in best[:NEAR] for c in names[name]]
    return dict.fromkeys(found)


def _offered(kind: str, near: Iterable[str], lang: str) -> str:
    """The near names with their codes, as the end of a sentence."""
    told = [f"{label(kind, code).text(lang)} ({code})" for code in list(near)[:NEAR]]
    return f"; {'비슷한 이름' if lang == 'ko' else 'near'}: {', '.join(told)}" if told else ""


class Names:
    """The lookups that `alerts.messages` asks for: code and language in, words out."""

    def item(self, code: str, lang: str) -> str:
        """An HS6 code is called by the items of ours that it holds."""
        own = () if code in ITEMS else items_by_code().get(code, ())
        if not own:
            return label("item", code).text(lang)
        named = [label("item", one).text(lang) for one in own]
        if len(named) == 1:
            return named[0]
        more = f" +{len(named) - 2}" if len(named) > 2 else ""
        return f"HS {code} ({', '.join(named[:2])}{more})"

    def country(self, code: str, lang: str) -> str:
        return label("country", code).text(lang)

    def chokepoint(self, code: str, lang: str) -> str:
        return label("chokepoint", code).text(lang)

    def port(self, code: str, lang: str) -> str:
        return label("port", code).text(lang)

    def industry(self, code: str, lang: str) -> str:
        return label("industry", code).text(lang)

    def ministry(self, code: str, lang: str) -> str:
        return label("ministry", code).text(lang)

    def type(self, code: str, lang: str) -> str:
        return label("type", code).text(lang)

    def use(self, code: str, lang: str) -> str:
        return label("use", code).text(lang)


def told(row: object, lang: str) -> str:
    """The title of an alert or of evidence: of a series in the reader's words, else as it was told.

    `row` has a `title`, and may have the `items` that it is about (codes or labels).
    """
    items = [str(getattr(one, "code", one)) for one in getattr(row, "items", ())]
    return series_title(str(getattr(row, "title", "")), Names(), lang, items)
