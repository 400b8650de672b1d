"""Which sources are there? Every folder of scrapers/sources with a valid source.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ews.model import Frequency, Source
from scrapers.bounds import own_key, wrong_addresses, wrong_options, wrong_words
from scrapers.entries import wrong_entries
from scrapers.kinds import COMMON, KINDS, Kind
from scrapers.lists import shared_lists
from scrapers.sweeps import check_sweep
from scrapers.templates import FILTERS, template_fields

TIERS = (1, 2, 3, 4)  # ews.model.Source says what each means
GROUPS = ("news", "official", "hazard", "shipping", "statistics", "price", "policy")
REQUIRED = {
    "publisher": str, "title": str, "url": str, "kind": str, "lang": str, "group": str,
    "terms": str, "every": str, "fresh_within": str, "expect": dict, "independence": str,
    "live_tested": bool, "country": str, "tier": int,
}  # fmt: skip
OPTIONAL = {
    "authority": str, "key_env": str, "enabled": bool, "options": dict, "title_ko": str,
    "covers": list,
}  # fmt: skip
PRIVATE_TIER = 4
NAME = r"[a-z][a-z0-9_]{0,59}"  # of a source: of its folder
_CODES = {  # key: (its form, in words)
    "country": (r"[A-Z]{2}|INT", "an ISO code such as KR, EU, or INT"),
    "authority": (r"[A-Z]{2}", "an ISO code such as KR"),
    "lang": (r"[a-z]{2,3}", "a code such as ko, or mul"),
}
MAX_HOME_SOURCES = 2_000
MAX_HOME_BYTES = 32 * 1024  # of one source.toml of the home
_UNITS = {"m": 60, "h": 3600, "d": 86_400}
FREQUENCIES = tuple(str(one) for one in Frequency)
_ARTICLE = {
    "title", "text", "url", "date", "date_form", "outlet", "keep_days", "key", "scope",
}  # fmt: skip
_OBSERVATION = {
    "series", "value", "unit", "date", "date_form", "times", "keep_days",
    "frequency", "currency", "classification", "valuation", "title", "only",
    "available",
}  # fmt: skip


class CatalogError(ValueError):
    """A source.toml is wrong. The message names the file and the key."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A folder of the home that is no source, and why."""

    name: str
    error: str


def load_sources(
    environ: Mapping[str, str] = MappingProxyType({}), home: Path | None = None
) -> list[Source]:
    """All sources by name, those that are off included. Raises CatalogError for a shipped one.

    A source that ships off because it needs a key is on where `environ` has that key. With `home`
    the private ones of its folder `sources/` follow, untrusted; `home_sources` tells the broken.
    """
    shipped = _shipped(environ)
    if home is None:
        return shipped
    return [*shipped, *(with_key(one, environ) for one in home_sources(home)[0])]


def _shipped(environ: Mapping[str, str]) -> list[Source]:
    folders = sorted(
        (item for item in _root().iterdir() if item.is_dir() and not item.name.startswith("_")),
        key=lambda item: item.name,
    )
    return [with_key(read_source(folder), environ) for folder in folders]


def shipped_names() -> frozenset[str]:
    return frozenset(item.name for item in _root().iterdir() if item.is_dir())


def home_sources(home: Path) -> tuple[list[Source], list[Broken]]:
    """The private sources of a home by name, and the folders that are none: these stop nobody."""
    found: list[Source] = []
    broken: list[Broken] = []
    for name, text in home_texts(home).items():
        try:
            found.append(private_source(name, text))
        except CatalogError as error:
            broken.append(Broken(name, str(error)))
    return found, broken


def home_texts(home: Path) -> dict[str, str]:
    """source.toml of each folder of `home`/sources, by folder; "" where it cannot be read."""
    root = home / "sources"
    if not root.is_dir():
        return {}
    folders = sorted(one for one in root.iterdir() if one.is_dir() and one.name[0] not in "._")
    return {folder.name: _text_of(folder / "source.toml") for folder in folders[:MAX_HOME_SOURCES]}


def _text_of(file: Path) -> str:
    """The text of an ordinary file; "" for what cannot be read, is too large, or never ends."""
    try:
        if not file.is_file() or file.stat().st_size > MAX_HOME_BYTES:
            return ""
        with file.open("rb") as handle:
            return handle.read(MAX_HOME_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def private_source(name: str, text: str) -> Source:
    """A source of somebody's own, untrusted, from the text of its source.toml. Raises CatalogError.

    It gives texts, not numbers (a series needs a release calendar, so it is shipped), has tier 4,
    and cannot send a secret that was not given for it to its host.
    """
    where = f"sources/{name}/source.toml"
    if not re.fullmatch(NAME, name):
        raise CatalogError(
            f"{where}: name a folder with small letters, digits and _, from a letter"
        )
    if name in shipped_names():
        raise CatalogError(f"{where}: ews ships a source of that name; name the folder otherwise")
    if not text.strip():
        raise CatalogError(
            f"{where} is missing, not UTF-8 or too large; `ews sources new` writes one"
        )
    try:
        source = source_of(name, where, _table(where, text))
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        if isinstance(error, CatalogError):
            raise
        raise CatalogError(f"{where}: a value is of another form ({str(error)[:100]})") from None
    if source.tier != PRIVATE_TIER:
        raise CatalogError(f"{where}: tier must be {PRIVATE_TIER}: it is a private source")
    if not source.independence.strip():
        raise CatalogError(
            f"{where}: independence is empty; a private source is one voice: name it"
        )
    if source.key_env not in (None, own_key(name)):
        raise CatalogError(
            f"{where}: key_env must be {own_key(name)}: a private source gets no key but its own"
        )
    if wrong := wrong_options(source.options, private=True):
        raise CatalogError(f"{where}: {wrong}")
    if "observation" in source.options or not (
        source.kind == "rss" or "article" in KINDS[source.kind].options
    ):
        raise CatalogError(
            f"{where}: a private source gives texts only; a source of series is added to "
            "scrapers/sources (docs/howto-add-a-source.md)"
        )
    return replace(source, trusted=False)


def with_key(source: Source, environ: Mapping[str, str]) -> Source:
    """The source, on when its key is there."""
    there = source.key_env is not None and environ.get(source.key_env, "").strip() != ""
    return replace(source, enabled=True) if there else source


def load_source(name: str) -> Source:
    """The source of that name. Raises CatalogError, with near names, when there is none."""
    folder = _root() / name
    if not re.fullmatch(r"[a-z0-9_]+", name) or not folder.is_dir():
        known = sorted(item.name for item in _root().iterdir() if item.is_dir())
        near = [k for k in known if name[:4] and name[:4] in k][:5] or known[:5]
        raise CatalogError(f"no source {name!r}; there are {len(known)}, e.g. {', '.join(near)}")
    return read_source(folder)


def _root() -> Traversable:
    return files("scrapers") / "sources"


def read_source(folder: Traversable) -> Source:
    """The source of one folder, checked. Raises CatalogError naming file and key."""
    where = f"{folder.name}/source.toml"
    try:
        text = (folder / "source.toml").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CatalogError(f"{where} is missing; copy one from another source") from None
    return source_of(folder.name, where, _table(where, text))


def _table(where: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CatalogError(f"{where}: not TOML: {str(error)[:200]}") from None


def source_of(name: str, where: str, table: Mapping[str, Any]) -> Source:
    """The source of that table of a source.toml, checked. Raises CatalogError naming `where`."""
    _check_keys(where, table)
    if wrong := wrong_words(table):
        raise CatalogError(f"{where}: {wrong}")
    kind = KINDS[_one_of(where, "kind", table["kind"], KINDS)]
    options = _expanded(where, table.get("options", {}))
    _check_options(where, kind, options)
    if wrong := _wrong(table, options):
        raise CatalogError(f"{where}: {wrong}")
    expect = table["expect"]
    return Source(
        name=name,
        publisher=table["publisher"],
        title=table["title"],
        url=table["url"],
        kind=table["kind"],
        lang=table["lang"],
        group=_one_of(where, "group", table["group"], GROUPS),
        terms=table["terms"],
        every_s=_seconds(where, "every", table["every"]),
        fresh_within_s=_seconds(where, "fresh_within", table["fresh_within"]),
        expect_min=expect["min"],
        expect_max=expect["max"],
        enabled=table.get("enabled", True),
        key_env=table.get("key_env"),
        independence=table["independence"],
        authority=table.get("authority"),
        live_tested=table["live_tested"],
        options=options,
        country=table["country"],
        tier=table["tier"],
        title_ko=table.get("title_ko", ""),
        covers=_covers(where, table.get("covers", [])),
    )


def _wrong(table: Mapping[str, Any], options: Mapping[str, object]) -> str:
    """What is wrong with values of a source.toml whose keys are right, in words; "" when nothing is."""
    expect = table["expect"]
    numbers = all(type(one) is int for one in expect.values())
    if set(expect) != {"min", "max"} or not numbers or not 0 <= expect["min"] <= expect["max"]:
        return "expect must read { min = N, max = M } with N <= M"
    if not table["url"].startswith(("https://", "http://")):
        return "url must begin with https:// or http://"
    if "{key}" in table["url"] and not table.get("key_env"):
        return "url has {key} but key_env is missing"
    if table["tier"] not in TIERS:
        return f"tier must be one of {', '.join(map(str, TIERS))}"
    for key, (form, example) in _CODES.items():
        if (code := table.get(key)) is not None and not re.fullmatch(form, code):
            return f"{key} must be {example}"
    return check_sweep(table["url"], options) or wrong_addresses(table["url"], options)


def _covers(where: str, subjects: list[object]) -> tuple[str, ...]:
    """Items and countries that cannot be seen without the source, beside those that its authority
    and its evidence say."""
    for one in subjects:
        if not re.fullmatch(r"item:[a-z0-9][a-z0-9-]{0,80}|country:[A-Z]{2}", str(one)):
            raise CatalogError(
                f'{where}: covers must be a list like ["item:urea", "country:CN"], not {one!r}'
            )
    return tuple(str(one) for one in subjects)


def _expanded(where: str, options: Mapping[str, object]) -> dict[str, object]:
    """The options with `"@name"` in `each` and `lookup` replaced by that list or table."""
    out = dict(options)
    for key, shelf in (("each", "lists"), ("lookup", "tables")):
        inside = options.get(key)
        if isinstance(inside, dict):
            out[key] = {name: _shared(where, shelf, value) for name, value in inside.items()}
    return out


def _shared(where: str, shelf: str, value: object) -> object:
    if not (isinstance(value, str) and value.startswith("@")):
        return value
    known = shared_lists()[shelf]
    if value[1:] not in known:
        raise CatalogError(f"{where}: {value!r} is not in lists.toml; it has {', '.join(known)}")
    return known[value[1:]]


def _check_keys(where: str, table: Mapping[str, object]) -> None:
    for key in REQUIRED:
        if key not in table:
            raise CatalogError(f"{where}: key {key!r} is missing")
    for key, value in table.items():
        kind = REQUIRED.get(key) or OPTIONAL.get(key)
        if kind is None:
            raise CatalogError(
                f"{where}: unknown key {key!r}; known: {', '.join([*REQUIRED, *OPTIONAL])}"
            )
        if not isinstance(value, kind):
            raise CatalogError(f"{where}: {key} must be a {kind.__name__}, is {value!r}")
        if kind is str and not value and key != "independence":
            raise CatalogError(f"{where}: {key} is empty")


def _one_of(where: str, key: str, value: str, known: object) -> str:
    names = list(known) if isinstance(known, dict | tuple) else []
    if value not in names:
        raise CatalogError(f"{where}: {key} {value!r} is unknown; use one of {', '.join(names)}")
    return value


def _seconds(where: str, key: str, text: str) -> int:
    found = re.fullmatch(r"(\d{1,4})([mhd])", text)
    if found is None or int(found.group(1)) == 0:
        raise CatalogError(f"{where}: {key} must read like 15m, 6h or 3d, is {text!r}")
    return int(found.group(1)) * _UNITS[found.group(2)]


def _check_options(where: str, kind: Kind, options: Mapping[str, object]) -> None:
    known = COMMON | kind.options
    for key in options:
        if key not in known:
            raise CatalogError(
                f"{where}: unknown key 'options.{key}'; this kind knows {', '.join(sorted(known))}"
            )
    for key in kind.needs:
        if key not in options:
            raise CatalogError(f"{where}: key 'options.{key}' is missing")
    if wrong := wrong_options(options):
        raise CatalogError(f"{where}: {wrong}")
    if options.get("robots") not in (None, "exempt"):
        raise CatalogError(f"{where}: options.robots may only be 'exempt'")
    if options.get("robots") == "exempt" and not options.get("robots_reason"):
        raise CatalogError(f"{where}: options.robots needs options.robots_reason beside it")
    after = options.get("after", [])
    if not isinstance(after, list) or not all((_root() / str(one)).is_dir() for one in after):
        raise CatalogError(f"{where}: options.after must be a list of sources that go first")
    zone = options.get("tz", "UTC")
    try:
        ZoneInfo(str(zone))
    except (ZoneInfoNotFoundError, ValueError):
        raise CatalogError(f"{where}: options.tz {zone!r} is no time zone") from None
    if "article" in kind.options:
        _check_templates(where, options)
    if wrong := wrong_entries(options) if "format" in kind.options else "":
        raise CatalogError(f"{where}: {wrong}")


def _check_templates(where: str, options: Mapping[str, object]) -> None:
    articles = [options["article"]] if "article" in options else []
    series = options.get("observation", [])
    series = series if isinstance(series, list) else [series]
    if not articles and not series:
        raise CatalogError(f"{where}: give options.article or options.observation")
    for part, specs, known, needs in (
        ("article", articles, _ARTICLE, {"title", "url", "date"}),
        ("observation", series, _OBSERVATION, {"series", "value", "date"}),
    ):
        for spec in specs:
            if not isinstance(spec, dict):
                raise CatalogError(f"{where}: options.{part} must be a table")
            for key in spec:
                if key not in known:
                    raise CatalogError(f"{where}: unknown key 'options.{part}.{key}'")
            for key in sorted(needs - set(spec)):
                raise CatalogError(f"{where}: key 'options.{part}.{key}' is missing")
            if "frequency" in spec:
                _one_of(where, f"options.{part}.frequency", spec["frequency"], FREQUENCIES)
            _check_filters(where, part, spec)


def _check_filters(where: str, part: str, spec: Mapping[str, object]) -> None:
    for key, template in spec.items():
        if not isinstance(template, str):
            continue
        for _, filters in template_fields(template):
            for name in filters:
                if name not in FILTERS and name != "lookup":
                    raise CatalogError(
                        f"{where}: options.{part}.{key}: unknown filter {name!r}; known: lookup, "
                        f"{', '.join(FILTERS)}"
                    )
