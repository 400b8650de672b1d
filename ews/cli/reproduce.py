"""`ews reproduce`: is a past alert made again bit for bit from its rules, evidence and moment?"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.cli.output import Output
    from ews.config import Settings
    from ews.model import AlertChange
    from ews.storage import Store
    from ews.tuning.reproduce import Again, Held, Reproduced
    from nlp.classifier import Classifier

SHOWN = 40  # letters of a field's value in the table; --json has all


def register(app: typer.Typer) -> None:
    app.command()(reproduce)


def reproduce(
    alert_id: Annotated[
        str | None, typer.Argument(metavar="[ALERT]", help="Alert ID; a unique beginning will do.")
    ] = None,
    revision: Annotated[
        int | None, typer.Option(min=1, help="That revision of the alert (default: the newest).")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="The newest change as of then; a date is its end in Korea."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every change of the alert, or of all alerts.")
    ] = False,
    sample: Annotated[
        int | None, typer.Option(min=1, help="With --all: only so many, drawn at random.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw: the same ones again.")] = 1,
    tags: Annotated[
        bool, typer.Option("--tags", help="Also read the articles again by the model of then.")
    ] = False,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Make a past change of an alert again, from its rule set, its evidence and its moment, and hold
    it against the record byte for byte. Exit 0 equal, 1 not equal, 2 it cannot be tried."""
    from ews.cli.asked import known
    from ews.cli.opening import reading
    from ews.cli.output import output

    at = known(as_of, "--as-of", datetime.now(UTC))
    _check(alert_id, revision, as_of, every, sample)
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        changes = _wanted(store, alert_id, revision, at, every)
        if sample is not None:
            changes = random.Random(seed).sample(changes, min(sample, len(changes)))
        again = _again(settings, store, tags)
        found = [again.of(change) for change in changes]
    if every:
        _print_all(out, found)
    else:
        _print_one(out, found[0])
    raise typer.Exit(_code(found))


def _check(
    alert_id: str | None, revision: int | None, as_of: str | None, every: bool, sample: int | None
) -> None:
    if alert_id is None and not every:
        raise typer.BadParameter("name an alert, or ask for all with --all")
    if every and (revision is not None or as_of is not None):
        raise typer.BadParameter("--all takes neither --revision nor --as-of")
    if sample is not None and not every:
        raise typer.BadParameter("--sample goes with --all")


def _wanted(
    store: Store, alert_id: str | None, revision: int | None, at: datetime | None, every: bool
) -> list[AlertChange]:
    from ews.reports import find_alert
    from ews.tuning.reproduce import chosen

    if alert_id is None:
        return store.changes()
    full = find_alert(store, alert_id).id
    mine = store.changes(alert_id=full)
    return mine if every else [chosen(mine, full, revision, at)]


def _again(settings: Settings, store: Store, tags: bool) -> Again:
    from ews.cli.opening import firms_of
    from ews.tuning.past import Past
    from ews.tuning.reproduce import Again
    from graph import build_network

    network = build_network(firms_of(store, datetime.now(UTC).date()))
    return Again(Past.of(store, store.changes()), network, _models(settings) if tags else None)


def _models(settings: Settings) -> Callable[[str], Classifier | None]:
    """The classifier of a version: that of the settings, or a folder beside the shipped one."""
    from ews.cli.opening import classifier_of
    from nlp.classifier import MODELS, load_classifier

    loaded: dict[str, Classifier | None] = {}

    def of(version: str) -> Classifier | None:
        if not loaded:
            own = classifier_of(settings)
            loaded[own.version] = own
        if version not in loaded:
            folder = MODELS / version
            found = load_classifier(settings.threads, folder) if folder.is_dir() else None
            loaded[version] = found if found and found.version == version else None
        return loaded[version]

    return of


def _code(found: Sequence[Reproduced]) -> int:
    if any(one.equal is False or _astray(one) for one in found):
        return 1
    return 2 if any(one.equal is None for one in found) else 0


def _astray(one: Reproduced) -> bool:
    """Tags that the model of then gives otherwise now: nothing excuses them."""
    return one.tags is not None and bool(one.tags.other)


# --------------------------------------------------------------------------- printing


def _print_one(out: Output, one: Reproduced) -> None:
    from ews.cli.output import moment

    if out.as_json:
        out.json(one)
        return
    out.say(_verdict(out, one), "bold")
    out.facts([
        (out.t("경보", "alert"), f"{one.alert} · {one.revision}"),
        (out.t("변화", "change"), f"{one.kind} · {moment(one.at)}"),
        (out.t("정한 쪽", "decided by"), _decider(out, one)),
        (out.t("규칙 판", "rule set"), one.ruleset),
        (out.t("들어간 것", "what went in"), _inputs(out, one)),
        (out.t("경로", "paths"), _held(out, one.paths)),
        (out.t("분류 표지", "tags"), _held(out, one.tags)),
        (out.t("해 볼 수 없는 까닭", "why not tried"), one.why),
    ])  # fmt: skip
    if one.differences:
        out.table(
            out.t("다른 항목", "What differs"),
            [out.t("항목", "field"), out.t("기록", "record"), out.t("다시 한 것", "made again")],
            [(d.field, d.recorded[:SHOWN], d.computed[:SHOWN]) for d in one.differences],
        )
    _print_notes(out, one.notes)


def _print_all(out: Output, found: Sequence[Reproduced]) -> None:
    equal = sum(one.equal is True for one in found)
    wrong = [one for one in found if one.equal is not True or _astray(one)]
    if out.as_json:
        out.json({"changes": len(found), "equal": equal,
                  "not_equal": sum(one.equal is False for one in found),
                  "not_tried": sum(one.equal is None for one in found), "others": wrong})  # fmt: skip
        return
    out.say(
        out.t(f"경보 변화 {len(found)}건 중 {equal}건이 기록과 한 바이트도 다르지 않음",
              f"{equal} of {len(found)} changes are equal to the record, byte for byte"),
        "bold",
    )  # fmt: skip
    if wrong:
        out.table(
            out.t("나머지", "The others"),
            [out.t("경보", "alert"), out.t("판", "revision"), out.t("변화", "change"),
             out.t("다른 항목 또는 까닭", "what differs, or why not tried")],
            [(one.alert, one.revision, one.kind,
              one.why or ", ".join(d.field for d in one.differences)) for one in wrong],
        )  # fmt: skip
    _print_notes(out, tuple(dict.fromkeys(note for one in found for note in one.notes)))


def _print_notes(out: Output, notes: Sequence[str]) -> None:
    from ews.tuning.reproduce import NOTES

    for note in notes:
        ko, en = NOTES[note]
        out.say(f"· {out.t(ko, en)}", "dim")


def _verdict(out: Output, one: Reproduced) -> str:
    if one.equal is None:
        return out.t("다시 해 볼 수 없습니다.", "It cannot be tried.")
    if one.equal:
        return out.t("기록과 한 바이트도 다르지 않습니다.", "Equal to the record, byte for byte.")
    return out.t("기록과 다릅니다.", "Not equal to the record.")


def _decider(out: Output, one: Reproduced) -> str:
    words = {
        "rules": ("규칙", "the rules"), "person": ("사람의 행위", "a person's act"),
        "sight": ("출처의 침묵 감시", "the watch over silent sources"),
        "clock": ("알림 시계", "the clock of messages"),
    }  # fmt: skip
    return out.t(*words[one.decided_by]) if one.decided_by else ""


def _inputs(out: Output, one: Reproduced) -> str:
    words = {"kept": ("그때 그대로 남음", "kept as they were"),
             "rebuilt": ("다시 모음", "put together again")}  # fmt: skip
    return out.t(*words[one.inputs]) if one.inputs else ""


def _held(out: Output, held: Held | None) -> str:
    if held is None:
        return ""
    text = out.t(f"{held.tried}건 중 {held.same}건 같음", f"{held.same} of {held.tried} equal")
    if held.missing:
        text += out.t(f" · 해 볼 수 없음 {held.missing}건", f" · {held.missing} not tried")
    return f"{text} ({', '.join(held.by)})" if held.by else text
