"""The checks behind `ews check` (the installation) and `ews doctor` (a running home)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import packages_distributions
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ews.config import Settings

if TYPE_CHECKING:
    from ews.reports import SourceLine
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


def running(settings: Settings, store: Store, ko: bool = False) -> list[Check]:
    """What in this home needs a person; what was found and what to do in Korean or in English."""
    from ews.model import DeliveryState
    from ews.own_sources import read_sources
    from ews.reports import source_lines
    from ews.reports.pulse import pulse

    def t(korean: str, english: str) -> str:
        return korean if ko else english

    now = datetime.now(UTC)
    faults = store.integrity_check()
    lines = source_lines(store, now)
    broken = [one.name for one in read_sources(settings.home, store).broken]
    dead = store.deliveries(state=DeliveryState.DEAD)
    unsure = store.deliveries(state=DeliveryState.AMBIGUOUS)
    waiting = bool(store.unclassified(now, 1))
    counts, misrouted = store.counts(), _misrouted(settings, store)
    return [
        *(Check(one.name.replace("_", " "), one.ok, t(one.ko, one.en)) for one in pulse(settings, store, now)),
        *_on_the_list(settings, ko),
        Check("store", not faults, "; ".join(faults) or t(f"{sum(counts.values())}행", f"{sum(counts.values())} rows"),
              t("ews를 멈추고 홈 폴더를 복사해 둔 뒤 마지막 백업을 되돌리십시오",
                "stop ews, keep a copy of the home, then restore the last backup")),
        _silent(lines, ko),
        Check("private sources", not broken, _some(broken, ko) or t("모두 읽힘", "all can be read"),
              t("`ews sources`가 까닭을 말합니다", "ews sources says why")),
        _schedule(lines, now, ko),
        Check("undone articles", not waiting, t("남아 있음", "waiting") if waiting else t("없음", "none"), "ews cycle"),
        Check("routes", not misrouted, _some(misrouted, ko) or t("이상 없음", "sound"), "ews routes show"),
        Check("dead deliveries", not dead, t(f"{len(dead)}건", str(len(dead))),
              t("`ews outbox list`가 까닭을 말합니다", "ews outbox list says why")),
        Check("unsettled deliveries", not unsure, t(f"{len(unsure)}건", str(len(unsure))),
              t("`ews cycle`이 매듭짓습니다", "ews cycle settles them")),
        Check("contact", settings.contact is not None, settings.contact or t("없음", "not set"),
              t("ews.toml에 contact를 적으십시오. 발행처가 연락할 수 있어야 합니다",
                "set contact in ews.toml: publishers must be able to reach you")),
    ]  # fmt: skip


def _silent(lines: Sequence[SourceLine], ko: bool) -> Check:
    """Sources whose silence must not read as calm. When most are silent at once it is rather us."""
    blind = [line.name for line in lines if line.blind]
    looked = sum(line.state != "off" and line.trusted for line in lines)
    if 2 * len(blind) > looked and any(line.last_at for line in lines):
        found = (
            f"{looked}곳 가운데 {len(blind)}곳이 조용함"
            if ko
            else f"{len(blind)} of {looked} are silent"
        )
        advice = (
            "지금은 무엇도 이상 없음이라 할 수 없습니다. 이 기계의 인터넷과 시계를 먼저 보십시오"
            if ko
            else "nothing can be called calm: look at the line and the clock of this machine first"
        )
        return Check("sources", False, found, advice)
    advice = "`ews sources 이름`이 까닭을 말합니다" if ko else "ews sources NAME says why"
    return Check(
        "sources", not blind, _some(blind, ko) or ("모두 정상" if ko else "all fresh"), advice
    )


def _schedule(lines: Sequence[SourceLine], now: datetime, ko: bool) -> Check:
    asleep = all(line.last_at is None and line.next_due is None for line in lines)
    late = [x.name for x in lines if x.next_due and x.next_due < now - timedelta(seconds=x.every_s)]
    found = _some(late, ko) or ("제때" if ko else "on time")
    if asleep:
        found = "한 번도 가져온 적이 없음" if ko else "no source was ever fetched"
    advice = "`ews run`을 시작하십시오" if ko else "start `ews run`"
    return Check("schedule", not late and not asleep, found, advice)


def _on_the_list(settings: Settings, ko: bool) -> Iterator[Check]:
    """Somebody must hear each day that ews works, or nobody notices when it does not."""
    from ews.liveness.beats import on_the_list
    from ews.reports.receivers import routes_seen

    if settings.heartbeat_at:
        names = [one.name for one in on_the_list(routes_seen(settings)[0])]
        advice = (
            "routes.toml의 수신처 하나에 operator = true나 heartbeat = true를 적으십시오"
            if ko
            else "give a receiver operator = true or heartbeat = true in routes.toml"
        )
        yield Check(
            "heartbeat to", bool(names), _some(names, ko) or ("없음" if ko else "nobody"), advice
        )


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


def _some(names: list[str], ko: bool) -> str:
    more = len(names) - 5
    rest = f" 외 {more}" if ko else f" and {more} more"
    return ", ".join(names[:5]) + (rest if more > 0 else "")
