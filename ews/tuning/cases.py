"""The shipped cases: dated facts of six crises and three quiet weeks, as signals to replay.

Each text fact becomes two articles, one Korean and one English, of the same outlet: they share an
independence group, so that one page never counts as two sources. `context` rows are for people.
What should be told of each crisis, and how it went on, is in cases/episodes.toml: no replay reads it.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ews.model import DEFAULT_PUBLICATION_DELAY, Article, Observation, utc

FOLDER = Path(__file__).with_name("cases")
TEXT_KINDS = frozenset({"news", "official", "trade", "price", "shipping"})
SERIES, CONTEXT = "series", "context"
ASSUMED_HOUR = timedelta(hours=3)  # a bare day of a Korean page: 12:00 KST
_COPY_NOTE = re.compile(r"\s*[(/].*$")  # "Reuters (copy at upnewsinfo)", "Hankyung / Yonhap"


class CaseError(ValueError):
    """A case file is unknown or wrong; the message names the file, the line and what to do."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a run over a case must show (cases/expected.toml)."""

    name: str
    at: datetime  # when a careful officer could have known, UTC
    types: tuple[str, ...]
    countries: tuple[str, ...]
    items: tuple[str, ...]  # item ids of graph/data/items.csv
    chokepoints: tuple[str, ...]  # any one of them is enough
    industries: tuple[str, ...]  # KSIC codes; empty: any
    ministries: tuple[str, ...]  # ids of graph/data/ministries.csv; at least one must appear


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of a case: what could be known, with both clocks."""

    row: str  # `date_utc` as the file has it: it names the row
    observed_at: datetime  # when it was public; of a value, the period it is for
    available_at: datetime  # when ews could have known
    kind: str
    en: str
    ko: str
    outlet: str
    url: str
    signals: tuple[str, ...]  # ids of what the pipeline is shown; () for what only people see
    value: float | None
    unit: str
    note: str  # what was assumed of the row, e.g. its time of day


def names() -> tuple[str, ...]:
    """The crises, in the order of expected.toml."""
    return tuple(name for name, table in _expected().items() if table["kind"] == "case")


def quiet() -> tuple[str, ...]:
    """The weeks in which nothing may be raised."""
    return tuple(name for name, table in _expected().items() if table["kind"] == "quiet")


def expected(name: str) -> Expected:
    """What must appear for one of `names()`. CaseError for a quiet week or an unknown name."""
    table = _expected().get(name)
    if table is None or table["kind"] != "case":
        raise CaseError(f"no expectation for {name!r}; use one of {', '.join(names())}")
    return Expected(
        name=name,
        at=utc(str(table["date_utc"])),
        **{
            key: _texts(table[key])
            for key in ("types", "countries", "items", "chokepoints", "industries", "ministries")
        },
    )


def load(name: str) -> list[Article | Observation]:
    """All signals of a case or quiet week, oldest `available_at` first."""
    path = _path(name)
    signals = [signal for _, found in _rows(name, path) for signal in found]
    return sorted(signals, key=lambda signal: (signal.available_at, signal.id))


def facts(name: str) -> list[Fact]:
    """All rows of a case or quiet week, those that no replay reads too, oldest first."""
    found = [_fact(row, signals) for row, signals in _rows(name, _path(name))]
    return sorted(found, key=lambda fact: (fact.available_at, fact.row))


def window(name: str) -> tuple[datetime, datetime]:
    """First and last `available_at` of the case's signals."""
    times = [signal.available_at for signal in load(name)]
    return min(times), max(times)


def outlet_group(publisher: str) -> str:
    """The newsroom a fact comes from, without the page that copied it.

    >>> outlet_group("Reuters (Nasdaq, 2023-09-21)"), outlet_group("Hankyung / Yonhap (2023-12-18)")
    ('reuters', 'hankyung')
    """
    return _COPY_NOTE.sub("", publisher).strip().casefold() or publisher.casefold()


def _path(name: str) -> Path:
    path = FOLDER / f"{name}.csv"
    if name not in _expected() or not path.is_file():
        raise CaseError(f"no case {name!r}; use one of {', '.join((*names(), *quiet()))}")
    return path


def _rows(name: str, path: Path) -> Iterator[tuple[Mapping[str, str], list[Article | Observation]]]:
    """Each row with what the pipeline is shown of it. CaseError names the line that is wrong."""
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                yield row, list(_signals(name, row))
            except (KeyError, ValueError) as error:
                raise CaseError(f"{path.name} line {number}: {error}") from error


def _fact(row: Mapping[str, str], signals: Sequence[Article | Observation]) -> Fact:
    observed = _moment(row["date_utc"])
    known = signals[0].available_at if signals else observed
    if row["kind"] == SERIES:
        observed = utc(row["observed"])
    return Fact(
        row=row["date_utc"], observed_at=observed, available_at=known, kind=row["kind"],
        en=row["fact_en"], ko=row["fact_ko"], outlet=row["publisher"], url=row["url"],
        signals=tuple(signal.id for signal in signals),
        value=float(row["value"]) if row["value"] else None, unit=row["unit"], note=row["note"],
    )  # fmt: skip


def _signals(name: str, row: Mapping[str, str]) -> Iterator[Article | Observation]:
    if row["kind"] == CONTEXT:
        return
    if row["kind"] == SERIES:
        yield Observation(
            series=row["series"],
            observed_at=utc(row["observed"]),
            available_at=utc(row["available_at"]),
            value=float(row["value"]),
            unit=row["unit"],
            source=f"case:{name}",
        )
        return
    if row["kind"] not in TEXT_KINDS:
        raise ValueError(f"unknown kind {row['kind']!r}")
    observed = _moment(row["date_utc"])
    for lang in ("ko", "en"):
        title, text = _headline(row[f"fact_{lang}"])
        yield Article(
            id=Article.make_id(f"case:{name}", row["url"], f"{observed.isoformat()} {title}"),
            source=f"case:{name}",
            outlet=row["publisher"],
            url=row["url"],
            title=title,
            text=text,
            lang=lang,
            observed_at=observed,
            available_at=observed + DEFAULT_PUBLICATION_DELAY,
            independence=outlet_group(row["publisher"]),
        )


def _headline(fact: str) -> tuple[str, str]:
    """First sentence and the rest; a dot inside a number does not end a sentence."""
    first, *rest = re.split(r"(?<=[^\d]\.)\s+", fact.strip(), maxsplit=1)
    return first.strip(), rest[0].strip() if rest else ""


def _moment(text: str) -> datetime:
    moment = utc(text)
    return moment + ASSUMED_HOUR if len(text) == len("2021-10-11") else moment


def _expected() -> Mapping[str, Mapping[str, object]]:
    tables: Mapping[str, Mapping[str, object]] = tomllib.loads(
        (FOLDER / "expected.toml").read_text(encoding="utf-8")
    )
    return tables


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise CaseError(f"expected.toml: {value!r} must be a list of texts")
    return tuple(str(item) for item in value)
