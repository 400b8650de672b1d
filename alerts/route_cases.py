"""Route tests that an operator can write: who gets what, as data, decided under given routes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

from alerts.matching import NO_USES, Uses
from alerts.quiet import SEOUL, zone
from alerts.routes import Routes, RoutesError, read_routes
from alerts.routing import Spent, Told, route
from alerts.silences import check_matchers
from alerts.told import Word
from ews.model import Alert, AlertChange, AlertState, ChangeKind, Notification, Silence, Stage

TUPLES = ("countries", "items", "chokepoints", "ports", "ministries", "industries", "unlisted",
          "reasons")  # fmt: skip
FACTS = {"stage", "max_stage", "proposed", "refused", "type", "rule", "title", "holder", *TUPLES}
KEYS = FACTS | {
    "name", "at", "kind", "before", "told", "told_min_ago", "spent", "spent_on_item", "silences",
    "larger", "receivers", "expect",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RouteCase:
    """One case read: what happens, in which surroundings, and what every receiver should get."""

    name: str
    now: datetime
    change: AlertChange
    told: Told
    spent: Spent
    silences: tuple[Silence, ...]
    firing: tuple[Alert, ...]
    expect: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RouteOutcome:
    """What a receiver got in a case: a reason, or "" when the alert was not its."""

    name: str
    receiver: str
    expected: str
    got: str
    why: str

    @property
    def passed(self) -> bool:
        return self.expected == self.got


def read_cases(text: str) -> tuple[Routes | None, list[RouteCase]]:
    """The cases of a file, with its own routes when it has receivers. RoutesError says what is
    wrong."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RoutesError(f"route cases: not TOML: {error}") from error
    rows = tree.pop("case", [])
    routes = read_routes(tree) if tree else None
    return routes, [_case(row, n) for n, row in enumerate(rows, 1)]


def shipped_cases() -> tuple[Routes, list[RouteCase]]:
    text = files("alerts").joinpath("routes_test.toml").read_text(encoding="utf-8")
    routes, cases = read_cases(text)
    assert routes is not None, "the shipped cases bring their own receivers"
    return routes, cases


def load_cases(path: Path) -> tuple[Routes | None, list[RouteCase]]:
    try:
        return read_cases(path.read_text("utf-8"))
    except OSError as error:
        raise RoutesError(f"{path.name}: cannot be read ({error.strerror})") from error


def run_cases(
    routes: Routes, cases: Sequence[RouteCase], uses: Uses = NO_USES
) -> list[RouteOutcome]:
    """Every receiver that a case names, with what it got."""
    outcomes = []
    for case in cases:
        got = {n.receiver: n for n in _routed(routes, case, uses)}
        for receiver, expected in case.expect.items():
            try:
                routes.receiver(receiver)
            except KeyError as error:
                raise RoutesError(f"case {case.name!r}: no receiver {receiver!r}") from error
            one = got.get(receiver)
            outcomes.append(
                RouteOutcome(
                    case.name,
                    receiver,
                    expected,
                    one.reason.value if one else "",
                    one.why if one else "",
                )
            )
    return outcomes


def _routed(routes: Routes, case: RouteCase, uses: Uses) -> list[Notification]:
    return route(
        [case.change], routes, case.silences, case.spent, case.now, case.told, case.firing, uses
    )


def _case(row: Mapping[str, object], number: int) -> RouteCase:
    name = str(row.get("name", f"({number})"))
    if extra := set(row) - KEYS:
        raise RoutesError(f"case {name!r}: unknown {sorted(extra)}; known are {sorted(KEYS)}")
    try:
        return _read(row, name)
    except (ValueError, TypeError, AttributeError) as error:
        raise RoutesError(f"case {name!r}: {error}") from error


def _read(row: Mapping[str, object], name: str) -> RouteCase:
    now = datetime.fromisoformat(str(row.get("at", "2026-01-05 10:00")))
    now = (now if now.tzinfo else now.replace(tzinfo=zone(SEOUL))).astimezone(UTC)
    alert = _alert({"title": name, **row}, "alr-case", now)
    larger = _rows(row, "larger")
    heard = {
        (f"alr-larger-{n}", str(receiver)): Word(1, None, now, True)
        for n, one in enumerate(larger) for receiver in _list(one, "told")
    }  # fmt: skip
    return RouteCase(
        name=name,
        now=now,
        change=AlertChange(
            alert,
            ChangeKind(str(row.get("kind", "raised"))),
            now,
            Stage.parse(str(row["before"])) if "before" in row else None,
            "a case",
            receivers=tuple(map(str, _list(row, "receivers"))),
        ),
        told=Told({**heard, **_words(row, alert, now)}),
        spent=Spent(
            {str(k): int(str(v)) for k, v in _table(row, "spent").items()},
            {
                (str(k), alert.items[0] if alert.items else alert.type): int(str(v))
                for k, v in _table(row, "spent_on_item").items()
            },
        ),
        silences=tuple(_silence(one, n, now) for n, one in enumerate(_rows(row, "silences"))),
        firing=tuple(_alert(one, f"alr-larger-{n}", now) for n, one in enumerate(larger)),
        expect={str(k): str(v) for k, v in _table(row, "expect").items()},
    )


def _words(row: Mapping[str, object], alert: Alert, now: datetime) -> dict[tuple[str, str], Word]:
    """Receivers that know the alert, each with the highest stage it was told."""
    last = now - timedelta(minutes=int(str(row.get("told_min_ago", 24 * 60))))
    return {
        (alert.id, str(receiver)): Word(1, Stage.parse(str(stage)), last, True)
        for receiver, stage in _table(row, "told").items()
    }


def _alert(row: Mapping[str, object], id: str, now: datetime) -> Alert:
    if extra := set(row) - KEYS:
        raise ValueError(f"unknown {sorted(extra)}")
    stage = Stage.parse(str(row.get("stage", "주의")))
    alert = Alert(
        id=id, fingerprint=id, event_id="", stage=stage, max_stage=stage, state=AlertState.FIRING,
        raised_at=now, updated_at=now, revision=1, ruleset=0, rule=str(row.get("rule", "")),
        reasons=(), type=str(row.get("type", "export_restriction")), countries=(), items=(),
        chokepoints=(), ports=(), ministries=(), title=str(row.get("title", id)),
    )  # fmt: skip
    facts: dict[str, object] = {
        key: tuple(map(str, _list(row, key))) for key in TUPLES if key in row
    }
    facts |= {
        key: Stage.parse(str(row[key]))
        for key in ("max_stage", "proposed", "refused")
        if key in row
    }
    return replace(alert, **facts)  # type: ignore[arg-type]


def _silence(row: Mapping[str, object], number: int, now: datetime) -> Silence:
    given = dict(row)
    planned, title = bool(given.pop("planned", False)), str(given.pop("title", ""))
    matchers = {key: str(value) for key, value in given.items()}
    check_matchers(matchers)
    hour = timedelta(hours=1)
    return Silence(
        f"sil-{number}", "kim", "a case", now - hour, now + hour, matchers, planned, title
    )


def _list(row: Mapping[str, object], key: str) -> list[object]:
    value = row.get(key, [])
    if not isinstance(value, list):
        raise ValueError(f"{key} must be a list")
    return value


def _rows(row: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    rows = _list(row, key)
    if not all(isinstance(one, Mapping) for one in rows):
        raise ValueError(f"{key} must be a list of tables")
    return rows  # type: ignore[return-value]


def _table(row: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = row.get(key, {})
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} must be a table of receivers")
    return value
