"""Codes to words: what an item, country, industry, ministry or event type is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

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


NO_GOODS = "9999"  # the code of freight as such


class UnknownName(NotFound):
    """No such code or name; the message offers near ones."""


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
    """Codes of that kind for what a person typed: a code, an HS code, an English or Korean name.

    UnknownName, with near names, when nothing fits.
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
    return _by_name(kind, table, wanted)


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
    names: dict[str, list[str]] = {}
    for code, known in table.items():
        for name in {str(getattr(known, "en", "")), str(getattr(known, "ko", ""))} - {""}:
            names.setdefault(name.casefold(), []).append(code)
    folded = wanted.casefold()
    if folded in names:
        return names[folded]
    starts = [c for name, codes in names.items() if name.startswith(folded) for c in codes]
    if starts and len(folded) > 1:
        return list(dict.fromkeys(starts))
    near = get_close_matches(folded, [*names, *(c.casefold() for c in table)], n=5, cutoff=0.6)
    hint = f"; near: {', '.join(near)}" if near else ""
    raise UnknownName(f"unknown {kind} {wanted!r}{hint}")


class Names:
    """The lookups that `alerts.messages` asks for: code and language in, words out."""

    def item(self, code: str, lang: str) -> str:
        return label("item", code).text(lang)

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
