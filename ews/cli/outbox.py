"""`ews outbox`: messages that were given up, and sending them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import As, Home, Json, Key, Lang

if TYPE_CHECKING:
    from ews.cli.output import Output
    from ews.config import Settings
    from ews.model import Delivery, Notification
    from ews.storage import Store

app = typer.Typer(
    no_args_is_help=True, help="Messages given up (dead letters), and sending them again."
)


@app.command("list")
def list_dead(
    receiver: Annotated[
        str | None, typer.Option("--receiver", help="Only this receiver's.")
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Messages that were given up, oldest first, with why. Exit 1 when there are none."""
    from ews.cli.opening import reading
    from ews.cli.output import output

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = store.dead_letters(receiver)
    if out.as_json:
        out.json([_row(told, delivery) for told, delivery in found])
    else:
        _table(out, found)
    raise typer.Exit(0 if found else 1)


def _row(told: Notification, delivery: Delivery) -> dict[str, object]:
    """A dead letter. The address stays out: it may be a private channel."""
    return {
        "notification_id": told.id, "alert_id": told.alert_id, "receiver": told.receiver,
        "channel": told.channel, "at": told.at, "attempts": delivery.attempts,
        "maybe_arrived": delivery.first_try_at is not None, "error": delivery.error,
    }  # fmt: skip


def _table(out: Output, found: list[tuple[Notification, Delivery]]) -> None:
    from ews.cli.output import clean, moment

    if not found:
        out.say(out.t("포기한 메시지가 없습니다.", "No message was given up."))
        return
    out.table(
        out.t("포기한 메시지", "Messages given up"),
        ["ID", out.t("경보", "alert"), out.t("수신자", "receiver"), out.t("통로", "channel"),
         out.t("때", "when"), out.t("까닭", "why")],
        [
            (told.id, told.alert_id, told.receiver, told.channel, moment(told.at),
             clean(delivery.error or ""))
            for told, delivery in found
        ],
    )  # fmt: skip


@app.command()
def resend(
    notification_id: Annotated[str, typer.Argument(help="ID, as `ews outbox list` prints it.")],
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

    with reading(home) as (settings, store):
        detail = {"notification": notification_id, **_mended(settings, store, notification_id)}
    do(ActKind.RESEND, home, lang, as_json, by, key, detail=detail)


def _mended(settings: Settings, store: Store, notification_id: str) -> dict[str, str]:
    """Channel and address of the receiver in the routes of now, when they differ from then."""
    from ews.cli.opening import routes_of

    told = store.notification(notification_id)
    now = [one for one in routes_of(settings).receivers if told and one.name == told.receiver]
    if told is None or not now or (now[0].channel, now[0].address) == (told.channel, told.address):
        return {}
    return {"channel": now[0].channel, "address": now[0].address}
