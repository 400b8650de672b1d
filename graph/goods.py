"""What is this HS6 code, who in Korea uses it or makes it, and which ministry should hear of it?

Names and industries are those of Korea's statutory tariff nomenclature and its KSIC table (HS 2017)
and of the UN nomenclature (HS 2022), shortened (docs/vulnerability.md). A use that was read
(graph/data/uses.csv) is `stated`; an industry or ministry that we conclude from the industry
that makes the good is `inferred`, and never shown as stated.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from graph.facts import Use, rows, split
from graph.reference import INDUSTRIES, ITEMS, MINISTRIES, USES

STATED, INFERRED = "stated", "inferred"


@dataclass(frozen=True, slots=True)
class Good:
    """One HS6 code. `ko` is "" for the codes that are new in HS 2022."""

    hs: str
    revisions: tuple[str, ...]  # HS revisions that have the code: 2017, 2022
    ko: str
    en: str
    makers: tuple[
        str, ...
    ]  # KSIC 10 codes of the industries that make it; () when not in the table

    def name(self, lang: str) -> str:
        """Its name in Korean ("ko") or English; English where it has no Korean one.

        The Korean tariff often says only how a code differs from its neighbours ("in powder"):
        then the name of our item that means the same goes before it.
        """
        if lang != "ko" or not self.ko:
            return self.en
        own = _own_names().get(self.hs, "")
        return self.ko if own in self.ko else f"{own} ({self.ko})"


@dataclass(frozen=True, slots=True)
class Industry:
    ksic: str
    ko: str
    en: str  # the ISIC 4 class that it belongs to
    role: str  # uses | makes
    basis: str  # stated | inferred


@dataclass(frozen=True, slots=True)
class Informed:
    """A ministry that should hear of an item, and on what that rests."""

    ministry: str  # a key of graph.reference.MINISTRIES
    basis: str  # stated | inferred
    reason: str  # the use, or what the ministry has to do with the industry


@dataclass(frozen=True, slots=True)
class Domestic:
    """What an HS6 code is for in Korea. Empty parts are not known, not none."""

    hs: str
    uses: tuple[Use, ...]  # of our items with this code, each with its own basis
    industries: tuple[Industry, ...]
    ministries: tuple[Informed, ...]  # stated before inferred


def _goods() -> dict[str, Good]:
    return {
        row["hs"]: Good(
            row["hs"],
            ("2017", "2022") if row["revision"] == "both" else (row["revision"],),
            row["name_ko"],
            row["name_en"],
            split(row["ksic"]),
        )
        for row in rows("hs6.csv")
    }


@cache
def goods() -> Mapping[str, Good]:
    """Every HS6 code of HS 2017 and HS 2022, by code.

    >>> goods()["310210"].makers
    ('20311',)
    """
    return MappingProxyType(_goods())


@cache
def _ksic() -> dict[str, tuple[str, str]]:
    return {row["ksic"]: (row["name_ko"], row["isic_en"]) for row in rows("ksic.csv")}


@cache
def _ministry_rows() -> dict[str, tuple[tuple[str, ...], str]]:
    table = {
        row["prefix"]: (split(row["ministries"]), row["reason"])
        for row in rows("ksic_ministries.csv")
    }
    unknown = {name for names, _ in table.values() for name in names} - set(MINISTRIES)
    if unknown:
        raise ValueError(f"ksic_ministries.csv names {sorted(unknown)}, not in ministries.csv")
    return table


@cache
def _own_names() -> dict[str, str]:
    """Korean names of the items of ours that mean the whole of one code and nothing else.

    That is so when it is their only code, no other item's only code, and its English name holds
    every word of theirs.
    """
    single = [item for item in ITEMS.values() if len(item.hs) == 1]
    owners = Counter(item.hs[0] for item in single)
    found: dict[str, str] = {}
    for item in single:
        good = goods().get(item.hs[0]) if owners[item.hs[0]] == 1 else None
        if good and _words(item.en) <= _words(good.en):
            found[good.hs] = item.ko
    return found


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


@cache
def ministries_of(ksic: str) -> tuple[tuple[str, ...], str]:
    """(ministries, reason) inferred for an industry: the longest prefix of the table that fits.

    >>> ministries_of("20311")
    (('mafra', 'motir'), 'fertilisers are used on farms')
    """
    for length in range(len(ksic), 1, -1):
        if ksic[:length] in _ministry_rows():
            return _ministry_rows()[ksic[:length]]
    return (), ""


@cache
def watched_codes() -> frozenset[str]:
    """HS6 codes that a watched item of ours has, or whose chapter or heading it has."""
    prefixes = tuple(hs for item in ITEMS.values() if item.watched for hs in item.hs)
    return frozenset(code for code in goods() if code.startswith(prefixes))


def makers_of(code: str) -> tuple[tuple[str, ...], str]:
    """(KSIC codes, basis) of the industries that make the good.

    A code that is new in HS 2022 has no row; then those of its subheading or heading, or the
    commonest of its chapter, as inferred.
    """
    good = goods().get(code)
    if good and good.makers:
        return good.makers, STATED
    for length in (5, 4):
        if near := _makers_under(code[:length]):
            return tuple(sorted(near)), INFERRED
    return tuple(ksic for ksic, _ in _makers_under(code[:2]).most_common(1)), INFERRED


def _makers_under(prefix: str) -> Counter[str]:
    return _makers_by_prefix().get(prefix, Counter())


@cache
def _makers_by_prefix() -> dict[str, Counter[str]]:
    table: dict[str, Counter[str]] = {}
    for code, good in goods().items():
        for length in (2, 4, 5):
            table.setdefault(code[:length], Counter()).update(good.makers)
    return table


@cache
def _items_by_code() -> dict[str, list[str]]:
    """HS code as our items give it (2 to 6 digits) -> items, in the order of the table."""
    table: dict[str, list[str]] = {}
    for item in ITEMS.values():
        for hs in item.hs:
            table.setdefault(hs, []).append(item.id)
    return table


@cache
def uses_of(code: str) -> Domestic:
    """Domestic uses, industries and ministries of an HS6 code, each stated or inferred.

    A use counts when the item has the code itself, or a heading or chapter that holds it.

    >>> [(m.ministry, m.basis) for m in uses_of("851810").ministries]
    [('motir', 'inferred')]
    """
    held = _items_by_code()
    items = dict.fromkeys(item for n in range(6, 1, -1) for item in held.get(code[:n], ()))
    uses = tuple(use for item in items for use in USES.get(item, ()))
    makers, basis = makers_of(code)
    return Domestic(code, uses, _industries(uses, makers, basis), _informed(uses, makers))


def _industries(uses: tuple[Use, ...], makers: tuple[str, ...], basis: str) -> tuple[Industry, ...]:
    found: dict[tuple[str, str], Industry] = {}
    for use in sorted(uses, key=lambda use: use.basis != STATED):
        if use.ksic:
            ko, en = _ksic_names(use.ksic)
            row = Industry(use.ksic, ko, en, "uses", STATED if use.basis == STATED else INFERRED)
            found.setdefault((use.ksic, "uses"), row)
    for ksic in makers:
        ko, en = _ksic_names(ksic)
        found[ksic, "makes"] = Industry(ksic, ko, en, "makes", basis)
    return tuple(found.values())


def _ksic_names(ksic: str) -> tuple[str, str]:
    own = INDUSTRIES.get(ksic)  # its English names are better, where it has them
    return (own.ko, own.en) if own else _ksic().get(ksic, (ksic, ksic))


def _informed(uses: tuple[Use, ...], makers: tuple[str, ...]) -> tuple[Informed, ...]:
    found: dict[str, Informed] = {}
    for use in sorted(uses, key=lambda use: use.ministry_basis != STATED):
        basis = STATED if use.ministry_basis == STATED else INFERRED
        for name in use.ministries:
            found.setdefault(name, Informed(name, basis, use.en))
    for ksic in makers:
        names, reason = ministries_of(ksic)
        for name in names:
            found.setdefault(name, Informed(name, INFERRED, reason))
    return tuple(sorted(found.values(), key=lambda row: row.basis != STATED))
