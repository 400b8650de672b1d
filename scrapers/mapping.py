"""How does one row of a source become signals? By the templates of its source.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files

from ews.model import (
    Article,
    Frequency,
    Observation,
    Series,
    Source,
    VintageBasis,
)
from scrapers.errors import SourceError
from scrapers.periods import first_day
from scrapers.templates import FILL_IN, MissingField, Row, as_text, number, pick, render
from scrapers.text import canonical_url, clean_text, guess_lang, parse_date

Signal = Article | Observation

TITLE_CHARS = 300
TEXT_CHARS = 1500
# Fields that our own readers put into a row when the source dates its vintages.
KNOWN = "@known"  # datetime: when the value became known; else it is now
BASIS = "@basis"  # VintageBasis of that date
RECORDED = VintageBasis.RECORDED
FUTURE = timedelta(days=1)  # a date further ahead than this is a slip of the pen


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one body holds. `rows` counts what was read before any filter of ours."""

    signals: list[Signal]
    rows: int
    newest: datetime | None  # newest date inside the data, not later than a day from now
    said: str = ""  # something odd that did not stop us
    ttl_s: int = 0  # seconds the source asks us to wait
    series: list[Series] = field(default_factory=list)  # what the observations' series are
    memory: str | None = None  # what the kind remembers until its next turn; None: as before
    refused: str = ""  # why the body is not believed: the turn failed, what is remembered is kept


# --------------------------------------------------------------------------- rows -> signals


@dataclass
class _Tally:
    signals: dict[str, Signal] = field(default_factory=dict)
    series: dict[str, tuple[datetime, Series]] = field(default_factory=dict)
    newest: datetime | None = None
    missing: dict[str, int] = field(default_factory=dict)


def map_rows(source: Source, rows: Sequence[Row], now: datetime) -> Parsed:
    """The rows as signals, each once. SourceError when most rows lack a field (format changed)."""
    options = source.options
    capped = list(rows)[: _whole(options.get("max_entries"), 5000)]
    tally = _Tally()
    wanted = [row for row in capped if not _dropped(row, _table(options, "drop"))]
    articles = [spec for spec in [options.get("article")] if isinstance(spec, Mapping)]
    series = [spec for spec in listed(options.get("observation")) if isinstance(spec, Mapping)]
    for row in wanted:
        try:
            for spec in articles:
                _add_article(source, spec, row, now, tally)
            for spec in series:
                _add_observation(source, spec, row, now, tally)
        except MissingField as error:
            tally.missing[str(error)] = tally.missing.get(str(error), 0) + 1
    for name, count in tally.missing.items():
        if name == FILL_IN:
            known = ", ".join(repr(str(field)[:40]) for field in list(wanted[0])[:12])
            raise SourceError(
                f"{source.name}: FILL_IN still stands in source.toml: write the name of a field "
                f"there; a row has {known}"
            )
        if count * 2 > len(wanted):
            raise SourceError(
                f"{source.name}: field {name!r} is missing in {count} of {len(wanted)} rows; the "
                "format has changed, compare sample and source.toml with a fresh answer"
            )
    said = ", ".join(f"{n} rows without {name!r}" for name, n in sorted(tally.missing.items()))
    if len(rows) > len(capped):
        said = "; ".join(filter(None, [said, f"{len(rows) - len(capped)} rows over the cap"]))
    return Parsed(
        list(tally.signals.values()),
        len(wanted),
        tally.newest,
        said,
        series=[one for _, one in tally.series.values()],
    )


def dated(
    moment: datetime | None, now: datetime, newest: datetime | None
) -> tuple[datetime, datetime | None]:
    """(observed_at, newest so far): a missing or future date becomes now, and proves nothing."""
    if moment is None or moment > now + FUTURE:
        return now, newest
    return min(moment, now), max(moment, newest) if newest else moment


def _add_article(
    source: Source, spec: Mapping[str, object], row: Row, now: datetime, tally: _Tally
) -> None:
    moment = _moment(source, spec, row)
    observed, tally.newest = dated(moment, now, tally.newest)
    if not _kept(row, source.options) or _old(moment, spec, now):
        return
    words = renderer(source, row)
    title = clean_text(words(spec.get("title")), TITLE_CHARS)
    if not title:
        return
    text = clean_text(words(spec.get("text")), TEXT_CHARS)
    url = canonical_url(words(spec.get("url")), source.url)
    article = Article(
        id=article_id(source, words(spec.get("scope")), words(spec.get("key")), url, title),
        source=source.name,
        outlet=clean_text(words(spec.get("outlet")), 120) or source.publisher,
        url=url,
        title=title,
        text="" if text == title else text,
        lang=source.lang if source.lang != "mul" else guess_lang(title, "en"),
        observed_at=observed,
        available_at=now,
        independence=source.independence,
        authority=source.authority,
    )
    tally.signals.setdefault(article.id, article)


def article_id(source: Source, scope: str, key: str, url: str, title: str) -> str:
    """By `key` where the publisher has an id of its own, else by link and title.

    `scope` names what the key belongs to, where several sources tell the same thing (a document
    before and after its publication, an earthquake in two lists).
    """
    if not key.strip():
        return Article.make_id(source.name, url, title)
    return Article.keyed_id(scope or source.name, " ".join(key.split()))


def _add_observation(
    source: Source, spec: Mapping[str, object], row: Row, now: datetime, tally: _Tally
) -> None:
    moment = _moment(source, spec, row)
    nulls = _nulls(source)
    value = number(pick(row, str(spec["value"])), nulls)
    if moment is None or moment > now + FUTURE or value is None:
        return
    tally.newest = max(moment, tally.newest or moment)
    kept = _kept(row, source.options) and _matches(row, _table(spec, "only"))
    if not kept or _old(moment, spec, now):
        return
    words = renderer(source, row)
    observation = Observation(
        series=words(spec["series"]),
        observed_at=first_day(moment, spec.get("frequency")),
        available_at=_available(source, spec, row, now),
        value=value * float(str(spec.get("times", 1))),
        unit=words(spec.get("unit")),
        source=source.name,
        basis=basis if isinstance(basis := row.get(BASIS), VintageBasis) else RECORDED,
    )
    if len(observation.series.split("/")) != 4 or "//" in f"/{observation.series}/":
        raise SourceError(
            f"{source.name}: series {observation.series!r} must read provider/measure/place/item; "
            "a field in options.observation.series is empty or holds a slash"
        )
    tally.signals.setdefault(observation.id, observation)
    _describe(spec, observation, words, tally)


def _available(source: Source, spec: Mapping[str, object], row: Row, now: datetime) -> datetime:
    """When the source itself says that it released the value (`available`); else now."""
    if isinstance(known := row.get(KNOWN), datetime):
        return min(known, now)
    if "available" not in spec:
        return now
    zone = str(source.options.get("tz", "UTC"))
    stated = parse_date(pick(row, str(spec["available"])), "", zone)
    return min(stated, now) if stated else now


def _describe(
    spec: Mapping[str, object],
    observation: Observation,
    words: Callable[[object], str],
    tally: _Tally,
) -> None:
    """Says what the series is, where the spec states its `frequency`; the newest period counts
    (an HS revision changes on the way)."""
    known = tally.series.get(observation.series)
    if "frequency" not in spec or (known and known[0] >= observation.observed_at):
        return
    one = Series(
        name=observation.series,
        frequency=Frequency(str(spec["frequency"])),
        unit=observation.unit,
        source=observation.source,
        currency=words(spec.get("currency")),
        classification=words(spec.get("classification")),
        valuation=words(spec.get("valuation")),
        title=clean_text(words(spec.get("title")), TITLE_CHARS),
    )
    tally.series[observation.series] = (observation.observed_at, one)


def renderer(source: Source, row: Row) -> Callable[[object], str]:
    """What a template says of the row, with the source's `lookup` and `nulls`. Raises MissingField."""
    lookup = _table(source.options, "lookup")
    nulls = _nulls(source)
    return lambda template: render(str(template or ""), row, lookup, nulls)


def _moment(source: Source, spec: Mapping[str, object], row: Row) -> datetime | None:
    raw = pick(row, str(spec["date"])) if spec.get("date") else None
    zone = str(source.options.get("tz", "UTC"))
    return parse_date(raw, str(spec.get("date_form", "")), zone)


def _old(moment: datetime | None, spec: Mapping[str, object], now: datetime) -> bool:
    days = spec.get("keep_days")
    return isinstance(days, int) and moment is not None and moment < now - timedelta(days=days)


def wanted(row: Row, options: Mapping[str, object]) -> bool:
    """True for a row of data that passes `drop`, `keep`, `contains` and `at_least`."""
    return not _dropped(row, _table(options, "drop")) and _kept(row, options)


def _dropped(row: Row, drop: Mapping[str, object]) -> bool:
    """True for a row that is no row of data (a total, a heading)."""
    return any(text_at(row, path) in map(str, listed(values)) for path, values in drop.items())


def _kept(row: Row, options: Mapping[str, object]) -> bool:
    """True when the row passes `keep` (one of these values), `contains` (one of these words) and
    `at_least` (this much)."""
    if not _matches(row, _table(options, "keep")):
        return False
    for path, words in _table(options, "contains").items():
        if not any(str(word) in text_at(row, path) for word in listed(words)):
            return False
    for path, least in _table(options, "at_least").items():
        value = number(text_at(row, path))
        if value is None or value < float(str(least)):
            return False
    return True


def _matches(row: Row, wanted: Mapping[str, object]) -> bool:
    return all(text_at(row, path) in map(str, listed(v)) for path, v in wanted.items())


def text_at(row: Row, path: str) -> str:
    """The value at a path as text; "" where there is none."""
    try:
        return as_text(pick(row, path)).strip()
    except MissingField:
        return ""


def _nulls(source: Source) -> list[str]:
    return [str(mark) for mark in listed(source.options.get("nulls"))]


def _table(options: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = options.get(key)
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> list[object]:
    """An option that may be one thing or a list of them, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) else default


# --------------------------------------------------------------------------- outlets


@cache
def _outlets() -> dict[str, str]:
    text = (files("scrapers") / "outlets.toml").read_text(encoding="utf-8")
    groups: dict[str, list[str]] = tomllib.loads(text)["groups"]
    return {name.lower(): group for group, names in groups.items() for name in names}


def independence_of(outlet: str, url: str = "") -> str:
    """The independence group of an outlet met through an aggregator; "" when it stands alone."""
    known = _outlets()
    host = re.sub(r"^https?://(?:www\.)?", "", url.lower()).split("/")[0]
    for name in (outlet.lower().removeprefix("www."), host, ".".join(host.split(".")[-2:])):
        if name in known:
            return known[name]
    return ""


def utc_stamp(text: str) -> datetime | None:
    """YYYYMMDDHHMMSS as aware UTC, or None."""
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
