"""Names of suppliers that may be one company: suggested with a confidence, never taken as known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from graph.naming import (
    SAME,
    Company,
    business_number_ok,
    corporate_number_ok,
    lei_ok,
    parts_of,
    romanised,
    same_company,
)

UNSURE = 0.6  # from which a pair is worth a look, though it is not taken together


@dataclass(frozen=True, slots=True)
class Together:
    """Names that may be one company, with the least confidence by which they hang together."""

    names: tuple[str, ...]
    confidence: float
    why: str
    same: bool  # sure enough to be held down together


@dataclass(frozen=True, slots=True)
class Known:
    """A supplier that may be a company that is known by another name."""

    name: str
    company: str  # its code
    known_as: str
    confidence: float
    why: str


def company_of(text: str) -> Company:
    """A supplier's cell as a company: identifiers in it whose check digits hold, and the name.

    >>> company_of("Samsung Electronics (124-81-00998)").business_number
    '124-81-00998'
    >>> company_of("Works LEI 5493006MHB84DD0ZWV18")
    Company(name='Works', lei='5493006MHB84DD0ZWV18', business_number='', corporate_number='')
    """
    lei = _first(r"\b[0-9A-Z]{18}[0-9]{2}\b", text, lei_ok)
    corporate = _first(r"\b[0-9]{6}-[0-9]{7}\b", text, corporate_number_ok)
    business = _first(r"\b[0-9]{3}-[0-9]{2}-[0-9]{5}\b", text, business_number_ok)
    name = text
    for found in (lei, corporate, business):
        name = name.replace(found, "") if found else name
    if name != text:
        name = re.sub(r"\bLEI\b|사업자등록번호|법인등록번호", "", name)
        name = re.sub(r"[(\[]\s*[:#]?\s*[)\]]", "", name).strip(" ,:;/-")
    return Company(name or text, lei, business, corporate)


def _first(pattern: str, text: str, ok: object) -> str:
    assert callable(ok)
    return next((one for one in re.findall(pattern, text) if ok(one)), "")


def together(names: Iterable[str]) -> list[Together]:
    """Groups of names that may be one company, the surest first; pairs that are only likely after.

    Names are compared where their brands begin alike, else not at all (identifiers always are).

    >>> [(one.names, one.same) for one in together(["LG화학", "LG Chem, Ltd.", "Hanwha Corp"])]
    [(('LG Chem, Ltd.', 'LG화학'), True)]
    """
    every = sorted(set(names))
    companies = {name: company_of(name) for name in every}
    root = {name: name for name in every}
    sure: dict[str, tuple[float, str]] = {}
    likely: list[Together] = []
    for one, other in _pairs(companies):
        match = same_company(companies[one], companies[other])
        if match.confidence >= SAME:
            a, b = _root(root, one), _root(root, other)
            kept = [sure[end] for end in (a, b) if end in sure]
            root[b] = a
            sure[a] = min([*kept, (match.confidence, match.why)])
        elif match.confidence >= UNSURE:
            likely.append(Together((one, other), match.confidence, match.why, False))
    groups: dict[str, list[str]] = {}
    for name in every:
        groups.setdefault(_root(root, name), []).append(name)
    found = [
        Together(tuple(members), *sure[head], True)
        for head, members in groups.items()
        if len(members) > 1
    ]
    apart = [one for one in likely if _root(root, one.names[0]) != _root(root, one.names[1])]
    return sorted(found + apart, key=lambda one: (not one.same, -one.confidence, one.names))


def _root(root: dict[str, str], name: str) -> str:
    while root[name] != name:
        name = root[name]
    return name


def _pairs(companies: Mapping[str, Company]) -> list[tuple[str, str]]:
    """Pairs worth comparing: the same sign of brand to begin with, or an identifier each."""
    begins: dict[str, list[str]] = {}
    for name, company in companies.items():
        for sign in _signs(company):
            begins.setdefault(sign, []).append(name)
    return sorted({
        (one, other)
        for members in begins.values()
        for at, one in enumerate(members)
        for other in members[at + 1 :]
    })  # fmt: skip


def _signs(company: Company) -> set[str]:
    """By what a name is looked up: how its brand begins, and that it has an identifier."""
    signs = {_brand_sign(company.name)}
    if any((company.lei, company.business_number, company.corporate_number)):
        signs.add("identified")
    return signs


@lru_cache(50_000)
def _brand_sign(name: str) -> str:
    """Kept: every answer about suppliers looks up the same companies again."""
    return romanised(parts_of(name).brand)[:2] or "-"


def known_as(
    names: Iterable[str], known: Mapping[str, Sequence[str]], least: float = SAME
) -> list[Known]:
    """Suppliers that may be a known company (code -> its names), the surest first.

    >>> [(one.name, one.company) for one in known_as(["(주)포스코"], {"posco": ["POSCO", "포스코"]})]
    [('(주)포스코', 'posco')]
    """
    begins: dict[str, list[tuple[str, str]]] = {}
    for code, called in known.items():
        for name in called:
            for sign in _signs(Company(name)):
                begins.setdefault(sign, []).append((code, name))
    found = []
    for name in sorted(set(names)):
        company = company_of(name)
        near = [pair for sign in _signs(company) for pair in begins.get(sign, ())]
        matches = [(same_company(company, Company(other)), code, other) for code, other in near]
        best = max(matches, key=lambda one: (one[0].confidence, one[2]), default=None)
        if best is not None and best[0].confidence >= least:
            found.append(Known(name, best[1], best[2], best[0].confidence, best[0].why))
    return sorted(found, key=lambda one: (-one.confidence, one.name))
