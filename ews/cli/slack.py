"""`ews slack`: the app's manifest, what is missing, and listening for presses without a port."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime
from typing import Annotated

import typer

from ews.cli.options import Home, Json, Lang

app = typer.Typer(no_args_is_help=True, help="Slack: the app, its checks, and its buttons.")


@app.callback()
def slack() -> None:
    """Slack: the app, its checks, and its buttons."""


@app.command()
def listen(home: Home = None) -> None:
    """Take presses, forms and /ews from Slack over Socket Mode; no port is opened.

    Stop with Ctrl-C or SIGTERM: what was taken is finished first. Exit 3 without the tokens.
    """
    from ews.cli.logs import start_logging
    from ews.cli.opening import opened
    from ews.slack_listening import slack_listening

    start_logging()
    stop = threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stop.set())
    with (
        opened(home) as (settings, store),
        slack_listening(settings, store, lambda: datetime.now(UTC), stop) as connected,
    ):
        if connected:
            print("ews: listening to Slack; stop with Ctrl-C", file=sys.stderr, flush=True)
            stop.wait()


@app.command()
def manifest(
    url: Annotated[
        str, typer.Option(help="https address of `ews serve`: presses come over signed HTTP.")
    ] = "",
) -> None:
    """Print the manifest of the Slack app: for Socket Mode, or with --url for signed HTTP.

    Exit 2 for an address that Slack would not call.
    """
    from alerts.channels.slack_manifest import manifest as text

    typer.echo(text(url), nl=False)


@app.command()
def check(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """What is missing until alerts and buttons work in Slack? Asks Slack, sends nothing.

    Exit 1 when something is missing.
    """
    from rich.text import Text

    from ews.cli.opening import looking, routes_of
    from ews.cli.output import output
    from ews.cli.slack_checks import slack_checks

    with looking(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = list(slack_checks(settings, store, routes_of(settings).receivers))
    if out.as_json:
        out.json(found)
    else:
        marks = {True: Text("ok", "green"), False: Text("MISSING", "bold red")}
        out.table(
            "",
            ["", out.t("무엇", "check"), out.t("본 것", "found"), out.t("할 일", "what to do")],
            [(marks[one.ok], one.name, one.found, "" if one.ok else one.advice) for one in found],
        )
    raise typer.Exit(0 if all(one.ok for one in found) else 1)
