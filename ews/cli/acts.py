"""`ews ack`, `ews sign` and the others: what a person does with an alert, under their name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from ews.cli.options import As, Home, Json, Key, Lang

if TYPE_CHECKING:
    from ews.acting import Acted
    from ews.cli.output import Output
    from ews.model import ActKind, Alert
    from ews.storage import Store

Id = Annotated[str, typer.Argument(help="Alert ID; a unique beginning will do.")]
Why = Annotated[str, typer.Option("--reason", help="Why; kept and shown.")]
Seen = Annotated[
    int | None,
    typer.Option("--revision", help="The revision you looked at (default: the newest)."),
]


def register(app: typer.Typer) -> None:
    for name, command in COMMANDS.items():
        app.command(name)(command)


def do(
    kind: ActKind,
    home: Path | None,
    lang: str | None,
    as_json: bool,
    by: str,
    key: str,
    *,
    alert_id: str | None = None,
    note: str = "",
    detail: Mapping[str, str] | None = None,
    seen: int | None = None,
    look: bool = False,
) -> None:
    """Do it and say what was done. `look`: say the newest revision when none was given."""
    from ews.acting import act
    from ews.cli.asking import actor
    from ews.cli.opening import reading
    from ews.cli.output import output

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        person, said = actor(settings, store, by)
        if look:
            said |= {"revision": str(seen or _newest(store, alert_id or ""))}
        done = act(
            store, person, kind, alert_id=alert_id, note=note, detail={**(detail or {}), **said},
            via="cli", key=f"cli:{person.id}:{key or uuid4()}", now=datetime.now(UTC),
        )  # fmt: skip
    _told(out, done)


def _newest(store: Store, alert_id: str) -> int:
    from ews.reports import find_alert

    return find_alert(store, alert_id).revision


def _told(out: Output, done: Acted) -> None:
    from ews.cli.output import clean, moment
    from ews.reports.acts import act_line
    from ews.reports.words import word

    line = act_line(done)
    if out.as_json:
        out.json(line)
        return
    again = out.t(" (이미 한 일입니다)", " (done before)") if done.repeated else ""
    out.say(f"{word(line.kind, out.lang)} · {line.by} · {moment(line.at)}{again}", "bold")
    out.facts([
        ("ID", line.alert_id),
        (out.t("단계", "stage"), out.t(line.stage_ko, line.stage_en)),
        (out.t("바뀐 것", "changed"), word(line.change, out.lang) if line.change else None),
        (out.t("적은 글", "note"), line.note),
        *((name, clean(value)) for name, value in line.detail.items()),
    ])  # fmt: skip


def ack(
    alert_id: Id, by: As = "", key: Key = "", home: Home = None, lang: Lang = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Take an alert: you have seen it and it is yours. Exit 1 when there is no such alert, 2 when
    you may not or it makes no sense."""
    from ews.model import ActKind

    do(ActKind.ACKNOWLEDGE, home, lang, as_json, by, key, alert_id=alert_id)


def hand_over(
    alert_id: Id,
    to: Annotated[str, typer.Option("--to", help="Person who takes it.")],
    note: Annotated[str, typer.Option("--note", help="A word to them.")] = "",
    by: As = "", key: Key = "", home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Hand an alert to another person."""
    from ews.model import ActKind

    do(ActKind.HAND_OVER, home, lang, as_json, by, key, alert_id=alert_id, note=note,
       detail={"to": to})  # fmt: skip


def sign(
    alert_id: Id, seen: Seen = None,
    note: Annotated[str, typer.Option("--note", help="A word that is kept with it.")] = "",
    by: As = "", key: Key = "", home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Sign the stage that waits (경계 or 심각): it is in force from now. For persons who may sign."""
    from ews.model import ActKind

    do(ActKind.SIGN_OFF, home, lang, as_json, by, key, alert_id=alert_id, note=note, seen=seen,
       look=True)  # fmt: skip


def refuse(
    alert_id: Id, reason: Why, seen: Seen = None, by: As = "", key: Key = "", home: Home = None,
    lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Say no to the stage that waits; the stage in force stays."""
    from ews.model import ActKind

    do(ActKind.REFUSE, home, lang, as_json, by, key, alert_id=alert_id, note=reason, seen=seen,
       look=True)  # fmt: skip


def false_alarm(
    alert_id: Id,
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            help="What was wrong: not_real, old_news, opinion or duplicate (these retract it), "
            "wrong_item, wrong_place, wrong_type or too_high.",
        ),
    ],
    note: Annotated[str, typer.Option("--note", help="What is true instead.")] = "",
    by: As = "", key: Key = "", home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Say that an alert was wrong. From a firm it is a word to us; from others the first four
    reasons retract the alert, and everybody told of it is told so."""
    from ews.model import ActKind

    do(ActKind.FALSE_ALARM, home, lang, as_json, by, key, alert_id=alert_id, note=note,
       detail={"reason": reason})  # fmt: skip


def missed(
    item: Annotated[str, typer.Option("--item", help="Item: code, HS code or name.")],
    note: Annotated[str, typer.Option("--note", help="What happened and was not told.")],
    when: Annotated[str, typer.Option("--when", help="When it happened: date or time.")] = "",
    link: Annotated[str, typer.Option("--link", help="Where it can be read.")] = "",
    by: As = "", key: Key = "", home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Report an alert that should have come and did not."""
    from ews.model import ActKind

    do(ActKind.MISSED, home, lang, as_json, by, key, note=note,
       detail={"item": item, "when": when, "link": link})  # fmt: skip


def clear(
    alert_id: Id, reason: Why, seen: Seen = None, by: As = "", key: Key = "", home: Home = None,
    lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """End an alert: it is over. Everybody told of it is told so."""
    from ews.model import ActKind

    detail = {} if seen is None else {"revision": str(seen)}
    do(ActKind.CLEAR, home, lang, as_json, by, key, alert_id=alert_id, note=reason, detail=detail)


def close(
    alert_id: Id,
    decision: Annotated[str, typer.Option("--decision", help="What was decided.")],
    outcome: Annotated[str, typer.Option("--outcome", help="What came of it.")],
    turned_out: Annotated[
        str,
        typer.Option(
            help="How the alert turned out, for the ledger: true, false, late, prevented or open."
        ),
    ] = "",
    by: As = "", key: Key = "", home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Write down what was decided on an alert and what came of it (the decision log)."""
    from ews.model import ActKind

    do(ActKind.CLOSE, home, lang, as_json, by, key, alert_id=alert_id,
       detail={"decision": decision, "outcome": outcome, "turned_out": turned_out})  # fmt: skip


def note(
    alert_id: Id,
    text: Annotated[str, typer.Argument(help="The note.")],
    by: As = "", key: Key = "", home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Write a note on an alert; it is kept, nobody is told."""
    from ews.model import ActKind

    do(ActKind.NOTE, home, lang, as_json, by, key, alert_id=alert_id, note=text)


def decisions(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """Alerts of 주의 or higher that wait for a decision and outcome in writing, oldest first. Exit 1
    when none does."""
    from ews.acting import decisions as waiting
    from ews.cli.asking import named_or_machine
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports import alert_line

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        named_or_machine(settings, store)
        found = waiting(store)
        lines = [alert_line(one, store.event(one.event_id)) for one in found]
    if out.as_json:
        out.json(lines)
    else:
        _table(out, found)
    raise typer.Exit(0 if found else 1)


def _table(out: Output, found: list[Alert]) -> None:
    from ews.cli.output import clean, moment, stage_text
    from ews.reports.words import word

    if not found:
        out.say(out.t("적을 결정이 없습니다.", "No alert waits for a decision."))
        return
    out.table(
        out.t("결정을 적어야 할 경보", "Alerts that wait for a decision"),
        [out.t("최고 단계", "highest"), out.t("발령", "raised"), out.t("상태", "state"),
         out.t("담당", "holder"), out.t("제목", "title"), "ID"],
        [
            (stage_text(a.max_stage, out.t(a.max_stage.ko, a.max_stage.en)), moment(a.raised_at),
             word(a.state.value, out.lang), a.holder, clean(a.title), a.id)
            for a in found
        ],
    )  # fmt: skip


COMMANDS: dict[str, Callable[..., None]] = {
    "ack": ack, "hand-over": hand_over, "sign": sign, "refuse": refuse, "false": false_alarm,
    "missed": missed, "clear": clear, "close": close, "note": note, "decisions": decisions,
}  # fmt: skip
