"""May a source.toml say that? Bounds of options, for shipped sources and, narrower, for private ones.

A private source is written by whoever may write files in the home, and its texts come from people
whom nobody chose. It must neither take keys of others along, nor memory, nor the turns of a host that
others share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import httpx2

from scrapers.conditional import fill_url

MIB = 1024 * 1024
Range = tuple[float, float]
# of a shipped source, of a private one
NUMBERS: dict[str, tuple[Range, Range]] = {
    "max_bytes": ((1024, 256 * MIB), (1024, 32 * MIB)),
    "deadline_s": ((1, 600), (1, 120)),
    "min_gap_s": ((0, 60), (1, 20)),
    "parse_s": ((1, 120), (1, 30)),
    "parse_mib": ((8, 1536), (8, 256)),
    "max_entries": ((1, 100_000), (1, 5_000)),
}
_WHOLE = ("max_bytes", "deadline_s", "parse_mib", "max_entries")
_TYPES: dict[str, type] = {
    "robots_reason": str, "key_header": str, "key_prefix": str, "post_json": str, "tz": str,
    "keep_raw": bool, "past": bool, "aggregator": bool, "text": str,
}  # fmt: skip
_LISTS: dict[str, type] = {"also_try": str, "drop_query": str, "empty_status": int}
# What asks many addresses, or without being asked to, or speaks with many voices: not for a source
# that nobody reviewed.
NOT_PRIVATE = (
    "robots", "robots_reason", "each", "per_turn", "batch", "join", "past", "after", "empty_status",
    "next", "file",
    "aggregator",  # it would be as many independent voices as it likes to name
)  # fmt: skip
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_OURS = ("host", "user-agent", "from", "cookie", "connection", "accept-encoding", "content-length",
         "transfer-encoding", "content-type")  # fmt: skip
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
    "\ufeff\U000e0000-\U000e0fff]"
)
_LINES = re.compile(r"[\n\t]")
_SHORT = 2_000  # characters of a text of source.toml that stands on pages
_CLOCK = datetime(2026, 1, 31, tzinfo=UTC)


def wrong_words(table: Mapping[str, object]) -> str:
    """Which text holds what nobody can read (controls, marks of direction), "" when none does. Titles
    and addresses stand on pages, in logs and on terminals."""
    for path, text in _texts(table, ""):
        if _UNSEEN.search(text) or (not path.startswith("options") and _LINES.search(text)):
            return f"{path} holds a control character or a mark that cannot be seen"
        if len(text) > _SHORT and not path.startswith("options"):
            return f"{path} is longer than {_SHORT:,} characters"
    return ""


def one_line(text: str) -> str:
    """The text as `wrong_words` lets it stand.

    >>> one_line("a\\nb\\x1b[31m")
    'a b[31m'
    """
    return _UNSEEN.sub("", " ".join(text.split()))[:_SHORT]


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inside in value.items():
            yield f"{path or 'the'} keys", str(name)
            yield from _texts(inside, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list | tuple):
        for inside in value:
            yield from _texts(inside, path)


def wrong_options(options: Mapping[str, object], private: bool = False) -> str:
    """What is wrong with the options that every kind knows, in words; "" when nothing is."""
    for name in NOT_PRIVATE if private else ():
        if name in options:
            return f"options.{name} is not for a private source"
    for name, bounds in NUMBERS.items():
        least, most = bounds[private]
        if name in options and not _number(options[name], name in _WHOLE, (least, most)):
            return f"options.{name} must be a number from {least:,} to {most:,}"
    for name, kind in _TYPES.items():
        if not isinstance(options.get(name, kind()), kind):
            return f"options.{name} must be a {kind.__name__}"
    for name, kind in _LISTS.items():
        many = options.get(name, [])
        if not isinstance(many, list) or not all(type(one) is kind for one in many):
            return f"options.{name} must be a list of {kind.__name__}"
    return _wrong_header(options)


def _number(value: object, whole: bool, bounds: Range) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return False
    return bounds[0] <= value <= bounds[1]  # never true of NaN


def _wrong_header(options: Mapping[str, object]) -> str:
    name = options.get("key_header")
    if isinstance(name, str) and (not _HEADER.fullmatch(name) or name.lower() in _OURS):
        return f"options.key_header {name[:60]!r} is no header that a key may stand in"
    return ""


def wrong_addresses(url: str, options: Mapping[str, object]) -> str:
    """Why an address, or a text with dates that is sent, cannot be used; "" when all can."""
    also = options.get("also_try", [])
    for one in [url, *(also if isinstance(also, list) else [])]:
        if wrong := _wrong_address(str(one)):
            return wrong
    form = options.get("form")
    sent = [options.get("post_json"), *(form.values() if isinstance(form, Mapping) else [])]
    return next(filter(None, (_filled(str(text or ""))[1] for text in sent)), "")


def _wrong_address(url: str) -> str:
    filled, wrong = _filled(url)
    if wrong:
        return wrong
    try:  # what is left in braces is filled in from lists (options.each)
        parts = httpx2.URL(re.sub(r"\{\w{1,40}\}", "x", filled))
    except (httpx2.InvalidURL, ValueError) as error:
        return f"an address cannot be used: {str(error)[:80]}"
    if parts.scheme not in ("http", "https") or not parts.host:
        return "an address must begin with https:// or http:// and name a host"
    if parts.userinfo:
        return "an address holds a user name; use key_env"
    return ""


def _filled(text: str) -> tuple[str, str]:
    """The text with its dates, or why a date in it cannot be."""
    try:
        return fill_url(text, _CLOCK, "key"), ""
    except (OverflowError, ValueError):
        return "", "a date in braces lies too far away"


def own_key(name: str) -> str:
    """The one environment variable that a private source may name: a key given for it alone.

    >>> own_key("port_news")
    'SOURCE_KEY_PORT_NEWS'
    """
    return f"SOURCE_KEY_{name.upper()}"
