"""What does a template of a source.toml say of a row?

A template is text with fields in braces: `{place}`, `{a.b}` (nested), `{date/date_}` (the first
that has a value), `{depth?}` (may be missing), `{portname|lookup|slug}` (filters from left to
right). A field that is neither there nor optional makes the row unreadable.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

Row = Mapping[str, object]

FILL_IN = "FILL_IN"  # where a draft of source.toml names no field yet


class MissingField(Exception):
    """A row lacks a field that a template needs."""


_FIELD = re.compile(r"\{([^{}|?]+)(\?)?((?:\|[a-z0-9]+)*)\}")
FILTERS: dict[str, Callable[[str], str]] = {
    "slug": lambda text: slug(text),
    "lower": str.lower,
    "upper": str.upper,
    "first": lambda text: text.split(",")[0].strip(),
    "digits": lambda text: re.sub(r"\D", "", text),
    "round1": lambda text: f"{float(text):.1f}" if _is_number(text) else text,
    "round0": lambda text: f"{float(text):.0f}" if _is_number(text) else text,
    "correction": lambda text: " (correction)" if text.strip() else "",
}


def slug(text: str) -> str:
    """Lower case, ASCII, words joined by hyphens.

    >>> slug("Bab el-Mandeb Strait")
    'bab-el-mandeb-strait'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _is_number(text: str) -> bool:
    return number(text) is not None


def number(raw: object, nulls: Sequence[str] = ()) -> float | None:
    """A finite number, thousands commas allowed; None for a null mark or anything else."""
    if isinstance(raw, bool) or raw is None:
        return None
    text = str(raw).strip().replace(",", "")
    if not text or text in nulls or len(text) > 40:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def pick(row: Row, path: str) -> object:
    """The value at a dotted path, the first non-empty of `a/b`. Raises MissingField."""
    found = False
    for alternative in path.split("/"):
        value: object = row
        try:
            for part in alternative.strip().split("."):
                value = _step(value, part)
        except (KeyError, IndexError, TypeError, ValueError):
            continue
        found = True
        if value not in (None, ""):
            return value
    if not found:
        raise MissingField(path)
    return None


def _step(value: object, part: str) -> object:
    if isinstance(value, Mapping):
        return value[part]
    if isinstance(value, list) and part.isdigit():
        return value[int(part)]
    raise KeyError(part)


def render(template: str, row: Row, lookup: Mapping[str, object], nulls: Sequence[str]) -> str:
    """The template with the row's values in it. Raises MissingField."""

    def put(match: re.Match[str]) -> str:
        path, optional, filters = match.group(1), match.group(2), match.group(3)
        try:
            value = pick(row, path)
        except MissingField:
            if not optional:
                raise
            value = None
        text = as_text(value)
        text = "" if text.strip() in nulls else text
        for name in filter(None, filters.split("|")):
            text = _look_up(path, text, lookup) if name == "lookup" else FILTERS[name](text)
        return text

    return _FIELD.sub(put, template)


def _look_up(path: str, text: str, lookup: Mapping[str, object]) -> str:
    table = lookup.get(path)
    return str(table.get(text, text)) if isinstance(table, Mapping) else text


def as_text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(as_text(part) for part in value[:20])
    if value is None or isinstance(value, Mapping):
        return ""
    return str(value)[:20_000]


def template_fields(template: str) -> list[tuple[str, list[str]]]:
    """(path, filters) of each field, for the loader to check."""
    return [
        (m.group(1), [f for f in m.group(3).split("|") if f]) for m in _FIELD.finditer(template)
    ]
