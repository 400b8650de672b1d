"""`ews board`, `ews withheld`, `ews digest`: how we stand, what receivers do not know, what their next
digest would say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.cli.output import Output
    from ews.reports.board_rows import Situation, WithheldFrom

Receiver = Annotated[str | None, typer.Argument(help="Only this receiver's.")]


def register(app: typer.Typer) -> None:
    for command in (board, withheld, digest):
        app.command()(command)


def board(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """The situation room: alerts by stage, signatures and clocks that run, what is blind, held back
    or undecided, silences, and whether messages get out.

    Exit 1 when something waits for a person: a signature, an overdue alert, a dead letter.
    """
    from ews.cli.asking import asker
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.board import situation

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        now = datetime.now(UTC)
        found = situation(store, settings, now, asker(settings, store))
    if out.as_json:
        out.json(found)
    else:
        _show(out, found)
    counts = found.counts
    due = (counts.waiting, counts.overdue, counts.dead_addresses, counts.letters)
    raise typer.Exit(1 if any(due) else 0)


def _show(out: Output, found: Situation) -> None:
    from ews.cli.output import moment

    out.say(f"{out.t('상황판', 'Situation')} · {moment(found.at)}", "bold")
    _figures(out, found)
    if found.problem:
        out.say(out.t(f"수신처를 읽을 수 없습니다: {found.problem}",
                      f"The routes cannot be read: {found.problem}"))  # fmt: skip
    _alerts(out, found)
    _clocks(out, found)
    _withheld(out, [one for one in found.withheld if one.today])


def _figures(out: Output, found: Situation) -> None:
    from ews.reports.board import FIGURES

    values = {key: getattr(found.counts, key) for key in FIGURES}
    if values["blind_items"] is None:
        values["blind_items"] = out.t("모름", "unknown")
    out.facts([(out.t(*FIGURES[k]), str(v)) for k, v in values.items() if v is not None])
    if not found.sight.watched:
        out.say(out.t("실시간으로 수집한 적이 없는 저장소입니다: 조용해도 이상 없음이 아닙니다.",
                      "Nothing was ever fetched live here: silence is not calm."))  # fmt: skip


def _alerts(out: Output, found: Situation) -> None:
    from ews.cli.output import clean, moment, stage_text
    from ews.reports.board import left

    rows = []
    for one in found.alerts:
        a = one.alert
        asked = out.t(one.proposed_ko, one.proposed_en)
        if one.sign_by:
            asked += f" ({left(one.sign_by, found.at, out.lang)})"
        seen = out.t("보이지 않음", "blind") if one.blind_since else ""
        rows.append((
            stage_text(a.stage, out.t(a.stage_ko, a.stage_en)), asked, one.holder, seen,
            moment(a.raised_at), clean(a.title), a.id,
        ))  # fmt: skip
    if rows:
        out.table(
            out.t("발령 중인 경보", "Alerts in force"),
            [out.t("단계", "stage"), out.t("서명 대기", "waits for"), out.t("담당", "holder"),
             out.t("시야", "sight"), out.t("발령", "raised"), out.t("제목", "title"), "ID"],
            rows,
        )  # fmt: skip


def _clocks(out: Output, found: Situation) -> None:
    from ews.cli.output import moment
    from ews.reports.board import left
    from ews.reports.words import word

    if found.clocks:
        out.table(
            out.t("확인을 기다리는 수신처", "Receivers that have to take an alert"),
            [out.t("상태", "state"), out.t("기한", "due"), "", out.t("수신처", "receiver"),
             out.t("알린 때", "told"), out.t("부른 사람", "called"), "ID"],
            [
                (word(clock.state, out.lang), moment(clock.due_at),
                 left(clock.due_at, found.at, out.lang), clock.receiver, moment(clock.told_at),
                 clock.calls, one.alert.id)
                for one, clock in found.clocks
            ],
            right=[5],
        )  # fmt: skip


def withheld(
    receiver: Receiver = None, home: Home = None, lang: Lang = None, as_json: Json = False
) -> None:
    """What each receiver was not told, or not told the newest of, and why. Exit 1 when there is
    nothing."""
    from ews.cli.asking import named_or_machine
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.receivers import find_receiver, routes_of
    from ews.reports.withheld import withheld_lists

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        named_or_machine(settings, store)
        routes = routes_of(settings)
        chosen = None if receiver is None else [find_receiver(routes, receiver)]
        found = withheld_lists(store, routes, datetime.now(UTC), chosen)
    if out.as_json:
        out.json(found)
    else:
        _withheld(out, found)
    raise typer.Exit(0 if any(one.count for one in found) else 1)


def _withheld(out: Output, found: tuple[WithheldFrom, ...] | list[WithheldFrom]) -> None:
    from ews.cli.output import clean, moment, stage_text

    rows = [
        (one.receiver, stage_text(line.stage, out.t(line.stage_ko, line.stage_en)),
         line.said.text(out.lang), moment(line.at), clean(line.title), line.alert_id)
        for one in found for line in one.lines
    ]  # fmt: skip
    if not rows:
        out.say(out.t("보류된 것이 없습니다.", "Nothing is held back."))
        return
    out.table(
        out.t("보류된 것", "Held back"),
        [out.t("수신처", "receiver"), out.t("단계", "stage"), out.t("까닭", "why"),
         out.t("때", "when"), out.t("제목", "title"), "ID"],
        rows,
    )  # fmt: skip


def digest(
    receiver: Annotated[str, typer.Argument(help="Name of the receiver (ews routes show).")],
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """What the next digest of a receiver would say if it were made now, in its own language. Nothing
    is sent."""
    from alerts.bulletins import bulletin_message
    from ews.cli.asking import named_or_machine
    from ews.cli.opening import reading
    from ews.cli.output import clean, moment, output
    from ews.reports.receivers import find_receiver, routes_of
    from ews.reports.withheld import next_digest_of

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        named_or_machine(settings, store)
        chosen = find_receiver(routes_of(settings), receiver)
        link = (settings.public_url or "").rstrip("/")
        bulletin, due = next_digest_of(store, chosen, datetime.now(UTC), link)
    if out.as_json:
        out.json({"receiver": chosen.name, "due": due, "digest": bulletin})
        return
    out.say(
        out.t(f"다음 발송 {moment(due)}", f"due {moment(due)}") if due
        else out.t("이 수신처는 다이제스트를 받지 않습니다. 받는다면:",
                   "This receiver has no digests; one would say:"),
        "bold",
    )  # fmt: skip
    out.say(clean(bulletin_message(bulletin).text))
