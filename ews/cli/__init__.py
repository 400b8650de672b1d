"""`ews ...`: parse, call, print. Each command imports what it needs when it runs, so that help
answers at once."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

OK, NOT_OK, BAD_INPUT, BROKEN = 0, 1, 2, 3


class Ews(TyperGroup):
    """Turns the errors that a person can act on into one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as err:
            code = exit_code(err)
            if code is None or ctx.params.get("debug"):
                raise
            print(f"ews: {err}", file=sys.stderr)
            raise typer.Exit(code) from err


def exit_code(err: Exception) -> int | None:
    """1 nothing found, 2 bad input, 3 the environment; None for a bug, which keeps its traceback."""
    names = {kind.__name__ for kind in type(err).__mro__}
    if "NotFound" in names:
        return NOT_OK
    if "NotAllowed" in names:  # NotForViewer too
        return BAD_INPUT
    if "WrongToken" in names:
        return BROKEN
    if "SettingsError" in names:
        return BROKEN
    if names & {"FirmCsvError", "ValueError", "FileNotFoundError", "IsADirectoryError"}:
        return BAD_INPUT
    if names & {"OSError", "SQLAlchemyError", "ModuleNotFoundError", "ChannelError"}:
        return BROKEN
    return None


app = typer.Typer(
    cls=Ews,
    name="ews",
    help="Supply-chain risk early warning (글로벌 공급망 위험 조기경보체계).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def every_command(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    as_viewer: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="TOKEN",
            show_default=False,
            help="Ask as the viewer of this token (ews viewers add), not as the operator.",
        ),
    ] = None,
) -> None:
    """Supply-chain risk early warning (글로벌 공급망 위험 조기경보체계)."""
    from ews.cli.asking import ASKED, NO_STORE, Asked

    ASKED.set(Asked(as_viewer, context.invoked_subcommand or ""))
    if as_viewer is not None and context.invoked_subcommand in NO_STORE:
        raise typer.BadParameter("this command asks nothing of a home; leave --as away")


def _register() -> None:
    from ews.cli import (
        acts,
        ask,
        audit,
        blind,
        board,
        case_keeping,
        dossier,
        exposing,
        feeds,
        firms,
        learning,
        ledger,
        metrics,
        networks,
        outbox,
        people,
        ranking,
        reproduce,
        routes,
        rules,
        series,
        setup,
        silences,
        slack,
        sources,
        sources_kept,
        tune,
        tuning,
        viewers,
        watch,
        work,
    )
    from ews.cli.asking import Commands

    for part in (
        work,
        ask,
        dossier,
        blind,
        board,
        exposing,
        ranking,
        acts,
        tune,
        reproduce,
        learning,
        setup,
        metrics,
    ):
        part.register(app)
    app.add_typer(firms.app, name="firms", cls=Commands)
    app.add_typer(networks.app, name="networks", cls=Commands)
    app.add_typer(viewers.app, name="viewers", cls=Commands)
    app.add_typer(people.app, name="people", cls=Commands)
    app.add_typer(silences.app, name="silences", cls=Commands)
    app.add_typer(silences.planned, name="planned", cls=Commands)
    app.add_typer(outbox.app, name="outbox", cls=Commands)
    app.add_typer(rules.app, name="rules", cls=Commands)
    app.add_typer(tuning.app, name="tune", cls=Commands)
    app.add_typer(routes.app, name="routes", cls=Commands)
    app.add_typer(feeds.app, name="feeds", cls=Commands)
    app.add_typer(slack.app, name="slack", cls=Commands)
    app.add_typer(audit.app, name="audit", cls=Commands)
    app.add_typer(ledger.app, name="ledger", cls=Commands)
    app.add_typer(learning.app, name="learn", cls=Commands)
    app.add_typer(case_keeping.app, name="case", cls=Commands)
    app.add_typer(watch.app, name="watch", cls=Commands)
    app.add_typer(series.app, name="series", cls=Commands)
    app.add_typer(sources.app, name="sources", cls=sources.Sources)
    app.command()(sources_kept.reparse)


_register()


def main() -> None:
    """The console script."""
    app()


__all__ = ["app", "main"]
