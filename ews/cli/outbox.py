"""`ews outbox`: messages that were given up, addresses that do not answer, and sending again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import As, Home, Json, Key, Lang

if TYPE_CHECKING:
    from ews.cli.output import Output
    from ews.reports.board_rows import LetterLine, Outbox

app = typer.Typer(
    no_args_is_help=True, help="Messages given up (dead letters), and sending them again."
)
Which = Annotated[str, typer.Argument(help="ID, as `ews outbox list` prints it.")]


@app.command("list")
def list_dead(
    receiver: Annotated[
        str | None, typer.Option("--receiver", help="Only this receiver's.")
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Messages that were given up, newest first, with why and what to do; addresses that do not
    answer. Exit 1 when there are none."""
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.outbox import outbox
    from ews.reports.receivers import routes_seen

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        routes, problem = routes_seen(settings)
        found = outbox(store, routes, datetime.now(UTC), problem)
    letters = [one for one in found.letters if receiver in (None, one.receiver)]
    if out.as_json:
        out.json(letters)
    else:
        _table(out, found, letters)
    raise typer.Exit(0 if letters else 1)


def _table(out: Output, found: Outbox, letters: list[LetterLine]) -> None:
    from ews.cli.output import clean, moment

    addresses(out, found)
    if not letters:
        out.say(out.t("포기한 메시지가 없습니다.", "No message was given up."))
        return
    out.table(
        out.t("포기한 메시지", "Messages given up"),
        ["ID", out.t("경보", "alert"), out.t("수신처", "receiver"), out.t("통로", "channel"),
         out.t("때", "when"), out.t("까닭", "why"), out.t("할 일", "what to do")],
        [
            (one.notification_id, one.alert_id, one.receiver, one.channel, moment(one.at),
             clean(one.error), one.advice.text(out.lang))
            for one in letters
        ],
    )  # fmt: skip


def addresses(out: Output, found: Outbox) -> None:
    """Addresses that do not answer, where there are any."""
    from ews.cli.output import clean, moment

    if found.addresses:
        out.table(
            out.t("응답하지 않는 주소", "Addresses that do not answer"),
            [out.t("수신처", "receivers"), out.t("통로", "channel"), out.t("상태", "state"),
             out.t("부터", "since"), out.t("실패", "failures"), out.t("대기", "waiting"),
             out.t("까닭", "why")],
            [
                (", ".join(one.receivers), one.channel,
                 out.t("끊김", "dead") if one.dead else out.t("실패 중", "failing"),
                 moment(one.failing_since), one.failures, one.waiting, clean(one.error))
                for one in found.addresses
            ],
            right=[4, 5],
        )  # fmt: skip


@app.command()
def show(
    notification_id: Which, home: Home = None, lang: Lang = None, as_json: Json = False
) -> None:
    """One message that was given up, in full. Exit 1 when there is no such message."""
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.outbox import find_letter
    from ews.reports.receivers import routes_seen

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        one = find_letter(store, routes_seen(settings)[0], notification_id)
    if out.as_json:
        out.json(one)
        return
    out.facts([
        ("ID", one.notification_id),
        (out.t("경보", "alert"), one.alert_id),
        (out.t("제목", "title"), one.title),
        (out.t("수신처", "receiver"), f"{one.receiver} ({one.channel})"),
        (out.t("때", "decided"), one.at),
        (out.t("시도", "tries"), one.attempts),
        (out.t("닿았을 수 있음", "may have arrived"), out.t("예", "yes") if one.maybe_arrived
         else out.t("아니요", "no")),
        (out.t("까닭", "why"), one.error),
        (out.t("할 일", "what to do"), one.advice.text(out.lang)),
    ])  # fmt: skip


@app.command()
def resend(
    notification_id: Which,
    by: As = "",
    key: Key = "",
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Send a message again, to the receiver's address of now. One that may have arrived after all is
    looked for first. The running `ews run` or the next `ews cycle` sends it."""
    from ews.cli.acts import do
    from ews.cli.opening import reading
    from ews.model import ActKind
    from ews.reports.outbox import mended
    from ews.reports.receivers import routes_of

    with reading(home) as (settings, store):
        told = store.notification(notification_id)
        detail = {"notification": notification_id, **mended(routes_of(settings), told)}
    do(ActKind.RESEND, home, lang, as_json, by, key, detail=detail)
