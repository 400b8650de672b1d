"""Commands about the installation itself: check, config, doctor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.cli.checks import Check


def register(app: typer.Typer) -> None:
    for command in (check, config, doctor):
        app.command()(command)


def check(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """Is the installation sound? Rooms, data files, model, SQLite, sources, rules, home.

    Exit 1 when a check failed.
    """
    from ews.cli.checks import installation
    from ews.config import load_settings

    settings = load_settings(home)
    _print(installation(settings), lang, as_json, settings.lang)


def doctor(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """Is this home well? Store, blind sources, undone work, undelivered messages.

    Exit 1 when something needs a person.
    """
    from ews.cli.checks import running
    from ews.cli.opening import reading

    with reading(home) as (settings, store):
        # a program gets one language, whoever runs it
        found = running(settings, store, not as_json and (lang or settings.lang) == "ko")
    _print(found, lang, as_json, settings.lang)


def config(home: Home = None, as_json: Json = False) -> None:
    """Every setting in force; secrets read ***."""
    from ews.cli.output import output
    from ews.config import load_settings

    shown = load_settings(home).shown()
    out = output("en", as_json)
    if out.as_json:
        out.json(shown)
    else:
        out.table("", ["setting", "value"], sorted(shown.items()))


def _print(found: Sequence[Check], lang: str | None, as_json: bool, setting: str = "ko") -> None:
    from rich.text import Text

    from ews.cli.output import output

    out = output(lang, as_json, setting)
    if out.as_json:
        out.json(found)
    else:
        marks = {True: Text("ok", "green"), False: Text("FAILED", "bold red")}
        out.table(
            "",
            ["", out.t("무엇", "check"), out.t("본 것", "found"), out.t("할 일", "what to do")],
            [(marks[one.ok], one.name, one.found, "" if one.ok else one.advice) for one in found],
        )
    raise typer.Exit(0 if all(one.ok for one in found) else 1)
