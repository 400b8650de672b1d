"""Hand-made alerts and episodes for the tests of the score: the urea notice of an invented September."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from ews.model import Stage
from ews.tuning.matching import Content, Link, Raised, Step
from ews.tuning.references import Episode, Query
from ews.tuning.score import Window, score

T0 = datetime(2023, 9, 10, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WINDOW = Window(T0 - 30 * DAY, T0 + 120 * DAY, ("rss2023",))


def episode(id_: str = "urea", **given: object) -> Episode:
    fields: dict[str, object] = {
        "id": id_,
        "type": "export_restriction",
        "types_also": frozenset(),
        "reference_time": T0,
        "starts": T0 - DAY,
        "ends": T0 + 60 * DAY,
        "countries": frozenset({"CN", "KR"}),
        "hs4": frozenset({"3102"}),
        "names": frozenset({"cnampgc"}),
        "severity": 2,
        "expected": Stage.CAUTION,
        "required": True,
        "links": frozenset({f"a.example/{n}" for n in range(9)}),
        "query": Query(((False, (re.compile("urea"), re.compile("halt"))),)),
        "query_from": date(2023, 9, 1),
        "query_to": date(2023, 10, 1),
        "feed": "rss2023",
        "lang": "en",
    }
    return Episode(**(fields | given))  # type: ignore[arg-type]


def link(url: str = "x.example/1", title: str = "something else", at: datetime = T0) -> Link:
    return Link(url, title, at, at)


def alert(
    id_: str = "a1",
    at: datetime = T0,
    *,
    type_: str = "export_restriction",
    countries: str = "CN",
    hs4: str = "",
    names: str = "",
    links: tuple[Link, ...] = (),
    stage: Stage = Stage.CAUTION,
    later: tuple[Step, ...] = (),
) -> Raised:
    return Raised(id_, type_, (step(at, stage, type_, countries, hs4, names), *later), links)


def step(
    at: datetime,
    stage: Stage = Stage.CAUTION,
    type_: str = "export_restriction",
    countries: str = "CN",
    hs4: str = "",
    names: str = "",
    open_: bool = True,
) -> Step:
    sets = (frozenset(text.split()) for text in (type_, countries, hs4, names))
    return Step(at, stage, Content(*sets), open_)


def found(*alerts: Raised, episodes: tuple[Episode, ...] = ()) -> dict[str, object]:
    return score(alerts, episodes or (episode(),), (), WINDOW)


def each(document: dict[str, object], id_: str = "urea") -> dict[str, object]:
    rows = document["episodes"]
    assert isinstance(rows, list)
    return next(row for row in rows if row["id"] == id_)
