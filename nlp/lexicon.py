"""Keyword rules, "lexicon.v1": the honest baseline, and the fallback when weights are missing.

The rules are data (`nlp/lexicon.toml`). They read Korean and English; other scripts are tried with
both sets. A hit's probability is the precision its rule showed on the training rows.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from ews.model import Phase
from nlp.taxonomy import NAMES, TYPES

DROP_HEAD = 90  # characters of the text in which a `drop` word counts
THREAT_FACTOR, EASING_FACTOR = 0.8, 0.4  # of a type's usual severity
KOREAN = re.compile(r"[가-힣]")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Compiled rules, each a (Korean, English) pair of patterns."""

    drop: tuple[re.Pattern[str], re.Pattern[str]]
    types: Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]]
    precision: Mapping[str, float]
    phases: Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]]
    directions: Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]]


def compiled(rule: Mapping[str, list[str]]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile("|".join(rule["ko"])), re.compile("|".join(rule["en"]), re.IGNORECASE)


def read_lexicon(text: str) -> Lexicon:
    """Rules from TOML text. ValueError when a type of the taxonomy has no rule."""
    tree = tomllib.loads(text)
    missing = [name for name in NAMES if name not in tree]
    if missing:
        raise ValueError(f"lexicon.toml has no rule for {', '.join(missing)}; add a table each")
    return Lexicon(
        drop=compiled(tree["drop"]),
        types={name: compiled(tree[name]) for name in NAMES},
        precision={name: float(tree[name]["precision"]) for name in NAMES},
        phases={name: compiled(rule) for name, rule in tree["phase"].items()},
        directions={name: compiled(rule) for name, rule in tree["direction"].items()},
    )


@lru_cache(maxsize=1)
def shipped() -> Lexicon:
    return read_lexicon(files("nlp").joinpath("lexicon.toml").read_text(encoding="utf-8"))


def side(text: str) -> int:
    """0 for the Korean patterns, 1 for the English ones."""
    return 0 if KOREAN.search(text) else 1


def types_in(text: str) -> tuple[str, ...]:
    """Types whose rule matches, in taxonomy order; none when the head looks like market or sport
    talk."""
    rules, which = shipped(), side(text)
    if rules.drop[which].search(text[:DROP_HEAD]):
        return ()
    return tuple(name for name in NAMES if rules.types[name][which].search(text))


def phase_in(text: str) -> Phase:
    """Easing words win over threat words; without either the text reports something actual."""
    rules, which = shipped(), side(text)
    for name in ("easing_or_aftermath", "threat_or_proposed"):
        if rules.phases[name][which].search(text):
            return Phase(name)
    return Phase.ACTUAL


def direction_in(text: str) -> str | None:
    """ "up" or "down" for the price word that comes first, None without one."""
    rules, which = shipped(), side(text)
    found = {name: rule[which].search(text) for name, rule in rules.directions.items()}
    places = {name: match.start() for name, match in found.items() if match}
    return min(places, key=lambda name: places[name]) if places else None


def severity_of(types: tuple[str, ...], phase: Phase) -> float:
    """Expected severity 0..3: the heaviest type's usual one, less for threats and easing."""
    if not types:
        return 0.0
    usual = max(TYPES[name].severity for name in types)
    if phase is Phase.EASING:
        return min(1.0, usual * EASING_FACTOR)
    return min(2.0, usual * THREAT_FACTOR) if phase is Phase.THREAT else usual
