"""Who are the receivers, and what is wrong with them? Reads routes.toml, and is loud."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from alerts.inhibition import ANY, NONE, Inhibition
from alerts.quiet import clock_time, quiet_span, zone
from alerts.silences import MATCHERS
from ews.model import Receiver, Stage


class RoutesError(ValueError):
    """routes.toml cannot be used; the text says where and what to write instead."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Every receiver, in the order of the file, and what explains what, the largest first."""

    receivers: tuple[Receiver, ...]
    inhibitions: tuple[Inhibition, ...] = ()

    def receiver(self, name: str) -> Receiver:
        """The receiver of that name; KeyError when there is none."""
        for receiver in self.receivers:
            if receiver.name == name:
                return receiver
        raise KeyError(name)


def load_routes(path: Path | None = None) -> Routes:
    """The routes of that file, or the shipped ones. RoutesError when they cannot be used."""
    if path is None:
        return parse_routes(_shipped())
    try:
        return parse_routes(path.read_text("utf-8"))
    except OSError as error:
        raise RoutesError(f"{path.name}: cannot be read ({error.strerror})") from error


@cache
def _shipped() -> str:
    return resources.files("alerts").joinpath("routes.toml").read_text("utf-8")


def parse_routes(text: str) -> Routes:
    """Routes from TOML. Unknown keys, typing errors, double names and circles are loud.

    A file that says nothing of [[inhibit]] gets the shipped ones; `inhibit = []` gets none.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RoutesError(f"routes: not TOML: {error}") from error
    return read_routes(tree)


def read_routes(tree: Mapping[str, object]) -> Routes:
    """As `parse_routes`, from a document that is read already."""
    if unknown := set(tree) - {"receiver", "inhibit"}:
        raise RoutesError(
            f"routes: unknown {sorted(unknown)}; write [[receiver]] and [[inhibit]] tables"
        )
    rows = _tables(tree, "receiver")
    receivers = tuple(_receiver(row, n) for n, row in enumerate(rows, 1))
    _check_together(receivers)
    if "inhibit" not in tree:
        return Routes(receivers, shipped_inhibitions())
    rules = tuple(_inhibition(row, n) for n, row in enumerate(_tables(tree, "inhibit"), 1))
    return Routes(receivers, rules)


@cache
def shipped_inhibitions() -> tuple[Inhibition, ...]:
    rows = _tables(tomllib.loads(_shipped()), "inhibit")
    return tuple(_inhibition(row, n) for n, row in enumerate(rows, 1))


def add_receiver(routes: Routes, receiver: Receiver) -> Routes:
    """The routes with one more receiver, unless one already has that channel and address."""
    same = any(
        (r.channel, r.address) == (receiver.channel, receiver.address) or r.name == receiver.name
        for r in routes.receivers
    )
    return routes if same else replace(routes, receivers=(*routes.receivers, receiver))


def with_budgets(routes: Routes, budgets: Mapping[str, int]) -> Routes:
    """The routes with these messages a day, by receiver, in place of the file's; a name that no
    receiver has (any more) changes nothing."""
    if not budgets:
        return routes
    return replace(routes, receivers=tuple(
        replace(one, budget_per_day=budgets.get(one.name, one.budget_per_day))
        for one in routes.receivers
    ))  # fmt: skip


def on_duty(routes: Routes, gone: Collection[str]) -> Routes:
    """The routes without those people, so that nobody waits for one who cannot answer."""
    if not gone:
        return routes
    return replace(routes, receivers=tuple(
        replace(one, people=tuple(name for name in one.people if name not in gone))
        for one in routes.receivers
    ))  # fmt: skip


def _check_together(receivers: tuple[Receiver, ...]) -> None:
    names = [receiver.name for receiver in receivers]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise RoutesError(f"routes: receiver {doubled} is there twice; names must be unique")
    places = [(receiver.channel, receiver.address) for receiver in receivers]
    if shared := sorted({place for place in places if places.count(place) > 1}):
        raise RoutesError(f"routes: {shared} has two receivers and would be told twice; join them")
    backups = {receiver.name: receiver.backup for receiver in receivers}
    for name in names:
        seen, at = {name}, backups[name]
        while at is not None:
            if at not in backups:
                raise RoutesError(f"routes: receiver {name!r}: no receiver {at!r} to be its backup")
            if at in seen:
                raise RoutesError(f"routes: receiver {name!r}: its backups go round in a circle")
            seen.add(at)
            at = backups[at]


# --------------------------------------------------------------------------- one receiver


def _receiver(row: Mapping[str, object], number: int) -> Receiver:
    where = f"routes: receiver {row.get('name', number)!r}"
    if unknown := set(row) - set(READ):
        raise RoutesError(f"{where}: unknown {sorted(unknown)}; known are {sorted(READ)}")
    if missing := {"name", "channel", "address"} - set(row):
        raise RoutesError(f"{where}: {sorted(missing)} missing")
    fields: dict[str, object] = {}
    for key, value in row.items():
        try:
            fields[key] = READ[key](value)
        except ValueError as error:
            raise RoutesError(f"{where}: {key} {error}") from error
    fields.setdefault("unlisted", fields.get("operator", False))
    return Receiver(**fields)  # type: ignore[arg-type]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be a text, not {value!r}")
    return value


def _lang(value: object) -> str:
    if value not in {"ko", "en"}:
        raise ValueError(f"must be ko or en, not {value!r}")
    return str(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"must be a whole number, not {value!r}")
    if value < 0:
        raise ValueError("must be 0 or more")
    return value


def _part(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError(f"must be above 0 and at most 1, not {value!r}")
    return float(value)


def _yes(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {value!r}")
    return value


LONGEST_MIN = 30 * 24 * 60


def _minutes(value: object) -> int:
    if (minutes := _whole(value)) > LONGEST_MIN:
        raise ValueError(f"must be {LONGEST_MIN} minutes (30 days) or less, not {value!r}")
    return minutes


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("must be a list of texts")
    return tuple(value)


def _each_once(value: object) -> tuple[str, ...]:
    found = _texts(value)
    if "" in found or len(set(found)) < len(found):
        raise ValueError(f"must name each once, and no empty one, not {value!r}")
    return found


def _sectors(value: object) -> tuple[str, ...]:
    codes = _texts(value)
    if bad := [one for one in codes if not (one.isascii() and one.isdigit()) or len(one) > 5]:
        raise ValueError(f"must be beginnings of KSIC codes such as 493, not {bad}")
    return codes


def _stage(value: object) -> Stage:
    try:
        return Stage.parse(str(value))
    except ValueError as error:
        raise ValueError(f"has an {error}") from error


def _minutes_by_stage(value: object) -> Mapping[str, int]:
    if not isinstance(value, Mapping):
        raise ValueError("must be minutes by stage, such as { caution = 60, alert = 15 }")
    found = {_stage(stage).en: _minutes(minutes) for stage, minutes in value.items()}
    if 0 in found.values() or Stage.WATCH.en in found:
        raise ValueError("must be 1 minute or more; 관심 asks nobody to answer")
    return found


def _quiet(value: object) -> str:
    quiet_span(_text(value))
    return str(value)


def _zone(value: object) -> str:
    zone(_text(value))
    return str(value)


def _times(value: object) -> tuple[str, ...]:
    for one in _texts(value):
        clock_time(one)
    return tuple(sorted(set(_texts(value))))


READ: Mapping[str, Callable[[object], object]] = {
    "name": _text, "channel": _text, "address": _text, "lang": _lang, "minimum": _stage,
    "budget_per_day": _whole, "ministries": _each_once, "items": _each_once, "sectors": _sectors,
    "unlisted": _yes, "people": _each_once, "ack_within_min": _minutes_by_stage, "quiet": _quiet,
    "timezone": _zone, "digests": _times, "cooldown_min": _minutes, "item_share": _part,
    "operator": _yes, "backup": _text, "heartbeat": _yes,
}  # fmt: skip


# --------------------------------------------------------------------------- one inhibition


def _inhibition(row: Mapping[str, object], number: int) -> Inhibition:
    where = f"routes: inhibit {row.get('name', number)!r}"
    if wrong := set(row) ^ {"name", "source", "target", "equal"}:
        raise RoutesError(f"{where}: {sorted(wrong)}; write name, source, target and equal")
    source, target = (_matchers(row[side], f"{where}: {side}") for side in ("source", "target"))
    stage = source.pop("stage", ())
    equal = row["equal"]
    if not isinstance(equal, list) or not equal or not all(key in [*MATCHERS] for key in equal):
        raise RoutesError(f"{where}: equal must name some of {sorted(MATCHERS)}")
    if not source or not target or "stage" in target:
        raise RoutesError(f"{where}: source and target need a matcher, and only source a stage")
    try:
        lowest = Stage.parse(stage[0]) if stage else Stage.WATCH
    except ValueError as error:
        raise RoutesError(f"{where}: {error}") from error
    return Inhibition(str(row["name"]), source, target, tuple(equal), lowest)


def _matchers(table: object, where: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(table, Mapping) or not set(table) <= {*MATCHERS, "stage"}:
        raise RoutesError(f"{where} must be a table of {sorted([*MATCHERS, 'stage'])}")
    found = {key: (one,) if isinstance(one, str) else one for key, one in table.items()}
    try:
        return {key: _texts(list(one)) for key, one in found.items()}
    except (TypeError, ValueError) as error:
        raise RoutesError(f"{where} must give texts or lists of texts") from error


def _tables(tree: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    rows = tree.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise RoutesError(f"routes: every {key} must be a [[{key}]] table")
    return rows


# --------------------------------------------------------------------------- what is wrong


Codes = Mapping[str, Collection[str]]  # "ministry", "item", "industry", ... -> what there is


def problems(
    routes: Routes,
    channels: Collection[str],
    people: Collection[str] | None = None,
    codes: Codes = MappingProxyType({}),
) -> list[str]:
    """What would go wrong when something must be told; no people: nobody asked who is known. `codes`
    are those of the reference network: one that it lacks matches nothing, ever."""
    found = []
    for one in routes.receivers:
        where = f"receiver {one.name!r}"
        if one.channel not in channels:
            found.append(f"{where}: no channel {one.channel!r}; there are {sorted(channels)}")
        if one.ack_within_min and not one.people:
            found.append(f"{where}: ack_within_min calls nobody; name people, first called first")
        if one.people and not one.ack_within_min:
            found.append(f"{where}: its people are never called; give ack_within_min")
        strangers = [] if people is None else [name for name in one.people if name not in people]
        if strangers:
            found.append(f"{where}: nobody here is called {strangers}; `ews people add` them")
        if one.backup and routes.receiver(one.backup).channel == one.channel:
            found.append(f"{where}: its backup {one.backup!r} is on the same channel and dies too")
        found += [f"{where}: {text}" for text in _unknown(one, codes)]
    found += _unknown_matchers(routes.inhibitions, codes)
    operators = [one for one in routes.receivers if one.operator]
    mortal = {one.channel for one in routes.receivers} - {"console"}
    if mortal and len({one.channel for one in operators}) < 2:
        found.append(
            "operator: a dead channel is told through another one; give operator = true to "
            f"receivers on two channels (now {[one.name for one in operators]})"
        )
    return found


def _unknown(one: Receiver, codes: Codes) -> list[str]:
    """What the receiver asks for and the reference does not know: a slip of the pen reaches nobody."""
    asked = {"ministry": one.ministries, "item": one.items}
    found = [
        f"no {key} {bad} on record, so nothing is ever told for it"
        for key, values in asked.items()
        if key in codes and (bad := sorted(set(values) - set(codes[key])))
    ]
    industries = codes.get("industry")
    if industries is not None:
        bad = [one for one in one.sectors if not any(code.startswith(one) for code in industries)]
        found += [f"no industry on record begins with {bad}"] if bad else []
    return found


def _unknown_matchers(rules: Sequence[Inhibition], codes: Codes) -> list[str]:
    return [
        f"inhibit {rule.name!r}: no {key} {bad} on record"
        for rule in rules
        for side in (rule.source, rule.target)
        for key, values in side.items()
        if key in codes and (bad := sorted(set(values) - {*codes[key], ANY, NONE}))
    ]
