"""Event types: what a text may report. `TYPES` is read from `nlp/taxonomy.toml` once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files

KINDS = ("cause", "effect")
GROUPS = ("policy", "route_conflict", "production", "market")


@dataclass(frozen=True, slots=True)
class EventType:
    """One type: its names, its place in the taxonomy and its usual severity (0..3)."""

    name: str
    en: str
    ko: str
    kind: str  # cause | effect
    group: str  # policy | route_conflict | production | market
    definition: str
    severity: float

    def label(self, lang: str) -> str:
        return self.ko if lang == "ko" else self.en


def read_types(text: str) -> dict[str, EventType]:
    """Types by name, in file order. ValueError names the type and what is wrong with it."""
    types: dict[str, EventType] = {}
    for name, fields in tomllib.loads(text).items():
        try:
            type_ = EventType(name=name, **fields)
        except TypeError as error:
            raise ValueError(f"taxonomy.toml [{name}]: {error}") from error
        if type_.kind not in KINDS or type_.group not in GROUPS or not 0 <= type_.severity <= 3:
            raise ValueError(
                f"taxonomy.toml [{name}]: kind must be one of {KINDS}, group one of {GROUPS}, "
                "severity 0..3"
            )
        types[name] = type_
    return types


TYPES: dict[str, EventType] = read_types(
    files("nlp").joinpath("taxonomy.toml").read_text(encoding="utf-8")
)
NAMES: tuple[str, ...] = tuple(TYPES)
