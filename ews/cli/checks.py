"""The checks behind `ews check` (the installation) and `ews doctor` (a running home)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import packages_distributions
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ews.config import Settings

if TYPE_CHECKING:
    from ews.storage import Store

DISTRIBUTION = "ews-supply-chain"
ROOMS = ("ews", "scrapers", "nlp", "graph", "alerts")
DATA_FILES = {
    "ews": ("defaults.toml", "web/templates/base.html", "web/static/site.css",
            "web/help/official.md"),
    "nlp": ("taxonomy.toml",),
    "graph": ("data/items.csv",),
    "alerts": ("rules.toml", "rules_test.toml", "routes.toml", "words.toml"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at, what was found, and what to do when it is wrong."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def installation(settings: Settings) -> list[Check]:
    """Every check of the installation; a check that breaks is a failed one."""
    looks: dict[str, Callable[[], Iterator[Check]]] = {
        "rooms": _rooms,
        "data files": _data_files,
        "playbooks": _event_types,
        "model": lambda: _model(settings),
        "sqlite": _sqlite,
        "sources": _sources,
        "parse worker": _worker,
        "rules": _rules,
        "home": lambda: _home(settings.home),
    }
    found: list[Check] = []
    for name, look in looks.items():
        try:
            found += list(look())
        except Exception as err:  # a broken part must not hide the state of the others
            found.append(Check(name, False, f"{type(err).__name__}: {err}", "reinstall ews"))
    return found


def _rooms() -> Iterator[Check]:
    """Each of the five import names has one owner, and is loaded from beside `ews`."""
    owners = packages_distributions()
    home = Path(str(files("ews"))).parent
    for room in ROOMS:
        others = sorted(set(owners.get(room, [])) - {DISTRIBUTION})
        spec = find_spec(room)
        at = Path(spec.origin).parent.parent if spec and spec.origin else None
        yield Check(
            f"room {room}",
            not others and at == home,
            ", ".join(owners.get(room, [])) or "source tree",
            f"another distribution owns {room!r} ({', '.join(others) or at}): uninstall it and "
            f"reinstall {DISTRIBUTION}",
        )


def _data_files() -> Iterator[Check]:
    missing = [
        f"{room}/{name}"
        for room, names in DATA_FILES.items()
        for name in names
        if not files(room).joinpath(name).is_file()
    ]
    count = sum(map(len, DATA_FILES.values()))
    yield Check(
        "data files", not missing, ", ".join(missing) or f"{count} present", "reinstall ews"
    )


def _event_types() -> Iterator[Check]:
    from alerts.playbooks import playbook_types
    from nlp.taxonomy import TYPES

    missing = sorted(set(TYPES) - set(playbook_types()))
    yield Check(
        "playbooks",
        not missing,
        ", ".join(missing) or f"{len(TYPES)} event types, each with one",
        "write alerts/playbooks/<type>.md",
    )


def _model(settings: Settings) -> Iterator[Check]:
    from ews.cli.opening import classifier_of

    classifier = classifier_of(settings)
    degraded = bool(getattr(classifier, "degraded", classifier.version.startswith("lexicon")))
    yield Check(
        "model",
        not degraded,
        classifier.version + (" (fallback)" if degraded else ", SHA-256 as shipped"),
        "the weights are missing or damaged; reinstall ews. Until then the lexicon speaks",
    )


def _sqlite() -> Iterator[Check]:
    from ews.storage import sqlite_version, sqlite_version_ok

    yield Check(
        "sqlite",
        sqlite_version_ok(),
        sqlite_version(),
        "this SQLite can damage a database under concurrent writers; install pysqlite3 0.6.1",
    )


def _sources() -> Iterator[Check]:
    from scrapers import load_sources

    found = load_sources(os.environ)
    on = sum(one.enabled for one in found)
    keys = sorted({one.key_env for one in found if one.key_env and not one.enabled})
    missing = f"; off for want of a key: {', '.join(keys)}" if keys else ""
    yield Check("sources", bool(found), f"{len(found)} read, {on} on{missing}", "reinstall ews")


def _worker() -> Iterator[Check]:
    from scrapers import SourceError
    from scrapers.worker import Workers

    advice = "bodies cannot be read without it; see that Python starts from a plain environment"
    try:
        with Workers() as workers:
            missing = workers.lacking()
    except SourceError as err:
        yield Check("parse worker", False, err.message, advice)
        return
    shut = "starts, with files, network, programs and memory shut"
    yield Check("parse worker", True, f"starts; {'; '.join(missing)}" if missing else shut, advice)


def _rules() -> Iterator[Check]:
    from alerts.routing import load_routes
    from alerts.rules import load_document, read_rules

    rules, routes = read_rules(load_document()), load_routes()
    yield Check(
        "rules", bool(rules), f"as shipped: {len(rules)} rules, {len(routes.receivers)} receivers"
    )


def _home(home: Path) -> Iterator[Check]:
    """Writable, or can be made: nothing is created by looking."""
    nearest = next(one for one in (home, *home.absolute().parents) if one.exists())
    yield Check(
        "home",
        nearest.is_dir() and os.access(nearest, os.W_OK),
        str(home) + ("" if home.exists() else " (not there yet)"),
        "choose a folder you can write: --home or EWS_HOME",
    )


# --------------------------------------------------------------------------- a running home


def running(settings: Settings, store: Store) -> list[Check]:
    """What in this home needs a person."""
    from ews.model import DeliveryState
    from ews.own_sources import read_sources
    from ews.reports import source_lines
    from ews.reports.pulse import pulse

    now = datetime.now(UTC)
    faults = store.integrity_check()
    lines = source_lines(store, now)
    blind = [line.name for line in lines if line.blind]
    asleep = all(line.last_at is None and line.next_due is None for line in lines)
    broken = [one.name for one in read_sources(settings.home, store).broken]
    late = [x.name for x in lines if x.next_due and x.next_due < now - timedelta(seconds=x.every_s)]
    dead = store.deliveries(state=DeliveryState.DEAD)
    unsure = store.deliveries(state=DeliveryState.AMBIGUOUS)
    counts, misrouted = store.counts(), _misrouted(settings, store)
    return [
        *(Check(one.name.replace("_", " "), one.ok, one.en) for one in pulse(settings, store, now)),
        *_on_the_list(settings),
        Check("store", not faults, "; ".join(faults) or f"{sum(counts.values())} rows",
              "stop ews, keep a copy of the home, then restore the last backup"),
        Check("sources", not blind, _some(blind) or "all fresh", "ews sources NAME says why"),
        Check("private sources", not broken, _some(broken) or "all can be read", "ews sources says why"),
        Check("schedule", not late and not asleep,
              "no source was ever fetched" if asleep else _some(late) or "on time",
              "start `ews run`"),
        Check("undone articles", len(store.unclassified(now, 1)) == 0,
              "waiting" if store.unclassified(now, 1) else "none", "ews cycle"),
        Check("routes", not misrouted, _some(misrouted) or "sound", "ews routes show"),
        Check("dead deliveries", not dead, str(len(dead)), "ews outbox list says why"),
        Check("unsettled deliveries", not unsure, str(len(unsure)), "ews cycle settles them"),
        Check("contact", settings.contact is not None, settings.contact or "not set",
              "set contact in ews.toml: publishers must be able to reach you"),
    ]  # fmt: skip


def _on_the_list(settings: Settings) -> Iterator[Check]:
    """Somebody must hear each day that ews works, or nobody notices when it does not."""
    from ews.liveness.beats import on_the_list
    from ews.reports.receivers import routes_seen

    if settings.heartbeat_at:
        names = [one.name for one in on_the_list(routes_seen(settings)[0])]
        advice = "give a receiver operator = true or heartbeat = true in routes.toml"
        yield Check("heartbeat to", bool(names), _some(names) or "nobody", advice)


def _misrouted(settings: Settings, store: Store) -> list[str]:
    """What `ews routes show` finds wrong with the routes of this home."""
    from alerts.channels import CHANNELS
    from alerts.routes import problems
    from alerts.routing import RoutesError
    from ews.cli.opening import routes_of
    from ews.reports.names import TABLES

    people = [one.name for one in store.people() if one.disabled_at is None]
    try:
        return list(problems(routes_of(settings), CHANNELS, people, TABLES))
    except RoutesError as error:
        return [str(error)]


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
