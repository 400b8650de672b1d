"""`ews routes test`: who would get this? Sends nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.model import Alert

app = typer.Typer(no_args_is_help=True, help="Who would get what, and why.")


@app.callback()
def routes() -> None:
    """Who would get what, and why."""


@app.command("test")
def try_routes(
    facts: Annotated[
        list[str] | None,
        typer.Argument(
            help="stage=, type=, item=, country=, ministry=, chokepoint= (with =value)."
        ),
    ] = None,
    alert: Annotated[str | None, typer.Option("--alert", help="Route this alert instead.")] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Who would get an alert, stored or described, and why; nothing is sent.

    Exit 1 when nobody would.
    """
    from alerts.routing import explain_route
    from ews.cli.opening import looking, reading, routes_of
    from ews.cli.output import output
    from ews.reports import find_alert
    from ews.reports.words import word

    if bool(alert) == bool(facts):
        raise typer.BadParameter("give --alert ID, or facts such as stage=경계 item=urea")
    now = datetime.now(UTC)
    with (reading if alert else looking)(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        chosen = find_alert(store, alert) if alert else described(facts or [], now)
        found = explain_route(chosen, routes_of(settings), store.silences(now), {}, now)
    rows = [
        {"receiver": receiver.name, "channel": receiver.channel,
         "sent": reason is not None and reason.sent,
         "reason": reason.value if reason else None, "why": why}
        for receiver, reason, why in found
    ]  # fmt: skip
    if out.as_json:
        out.json(rows)
    else:
        out.table(
            "",
            [out.t("수신자", "receiver"), out.t("통로", "channel"), out.t("까닭", "reason"),
             out.t("왜", "why")],
            [
                (receiver.name, receiver.channel,
                 word(reason.value, out.lang) if reason else out.t("받지 않음", "not sent"), why)
                for receiver, reason, why in found
            ],
        )  # fmt: skip
    raise typer.Exit(0 if any(row["sent"] for row in rows) else 1)


def described(facts: list[str], now: datetime) -> Alert:
    """An alert made of key=value facts. An item brings the ministries that depend on it."""
    from ews.model import Alert, AlertState, Stage
    from ews.reports import find
    from graph.reference import USES

    known = {"stage", "type", "item", "country", "ministry", "chokepoint"}
    given: dict[str, list[str]] = {key: [] for key in known}
    for fact in facts:
        key, equals, value = fact.partition("=")
        if not equals or key not in known:
            raise ValueError(f"{fact!r}: write one of {', '.join(sorted(known))} and =value")
        given[key] += [value] if key == "stage" else find(key, value)
    stage = Stage.parse(given["stage"][0]) if given["stage"] else Stage.CAUTION
    depend = [m for item in given["item"] for use in USES.get(item, ()) for m in use.ministries]
    return Alert(
        id="alr-described", fingerprint="", event_id="", stage=stage, max_stage=stage,
        state=AlertState.FIRING, raised_at=now, updated_at=now, revision=1, ruleset=0, rule="",
        reasons=(), type=(given["type"] or ["export_restriction"])[0],
        countries=tuple(given["country"]), items=tuple(given["item"]),
        chokepoints=tuple(given["chokepoint"]), ports=(),
        ministries=tuple(dict.fromkeys([*given["ministry"], *depend])), title="",
    )  # fmt: skip
