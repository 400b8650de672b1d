"""`ews case add` and its like: what an analyst keeps, from a file, an alert or a missed one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.cases import Name
from ews.cli.cases import app as app
from ews.cli.options import By, Home, Json, Lang

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ews.cli.output import Output
    from ews.config import Settings
    from ews.model import Case
    from ews.storage import Store
    from ews.tuning.casework import Draft, Keeper

Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="field=value, as in the file; a list with commas. May be repeated."),
]
LISTS = frozenset({"event_type_also", "countries", "hs", "items", "names", "links"})


@app.command()
def template() -> None:
    """Print a file to fill in for `ews case add`."""
    from ews.tuning.casework import TEMPLATE

    typer.echo(TEMPLATE, nl=False)


@app.command()
def add(
    file: Annotated[
        Path | None, typer.Argument(help="A file of `ews case template`.", dir_okay=False)
    ] = None,
    from_alert: Annotated[
        str, typer.Option("--from-alert", help="Alert ID: fill in what its evidence says.")
    ] = "",
    from_missed: Annotated[
        str, typer.Option("--from-missed", help="ID of a report of a missed alert.")
    ] = "",
    id: Annotated[str, typer.Option("--id", help="Name of the case: a-z, 0-9, -, _.")] = "",
    name: Annotated[str, typer.Option("--name", help="What it is called.")] = "",
    reference_time: Annotated[
        str, typer.Option("--reference-time", help="First report that makes it clear.")
    ] = "",
    severity: Annotated[
        int | None, typer.Option("--severity", min=0, max=3, help="For Korean imports, 0 to 3.")
    ] = None,
    stage: Annotated[str, typer.Option("--stage", help="Expected: 관심, 주의, 경계 or 심각.")] = "",
    end: Annotated[str, typer.Option("--end", help="Day of resolution or clear easing.")] = "",
    set_: Set = None,
    by: By = "",
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Keep a reference case: what should be told, and when. From an alert or a missed report, what
    only a person can say is asked for (on a terminal) or named (elsewhere: exit 2, nothing kept)."""
    from ews.cli.opening import opened
    from ews.cli.output import output
    from ews.tuning.casework import add_case

    if sum(map(bool, (file, from_alert, from_missed))) != 1:
        raise typer.BadParameter("give one of: a FILE, --from-alert, --from-missed")
    given: dict[str, object] = {
        "id": id, "name_ko": name, "reference_time": reference_time, "severity": severity,
        "expected_stage": stage, "end": end, **_fields(set_ or []),
    }  # fmt: skip
    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        who = _keeper(settings, store, by)
        begun = _begun(store, file, from_alert, from_missed, given)
        row = _asked(out, begun)
        case = add_case(store, row, who, datetime.now(UTC), begun.alert_id)
    _told(out, case)


@app.command()
def edit(
    name: Name, changes: Annotated[list[str], typer.Argument(help="field=value; empty takes it away.")],
    by: By = "", home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Change fields of a case that an analyst keeps."""
    from ews.cli.opening import opened
    from ews.cli.output import output
    from ews.tuning.casework import edit_case

    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        who = _keeper(settings, store, by)
        case = edit_case(store, name, _fields(changes), who, datetime.now(UTC))
    _told(out, case)


@app.command()
def withdraw(
    name: Name, by: By = "", home: Home = None, lang: Lang = None, as_json: Json = False
) -> None:
    """Take a case out of what alerts are held against; it stays on record."""
    from ews.cli.opening import opened
    from ews.cli.output import output
    from ews.tuning.casework import withdraw_case

    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        case = withdraw_case(store, name, _keeper(settings, store, by), datetime.now(UTC))
    _told(out, case)


@app.command("export")
def export_cases(
    shipped: Annotated[bool, typer.Option("--shipped", help="Our own crises, too.")] = False,
    home: Home = None,
) -> None:
    """Print the cases kept here as JSON Lines, for `ews case import` and `ews score --episodes`."""
    import json

    from ews.cli.opening import looking
    from ews.tuning.casebook import shipped_rows
    from ews.tuning.casework import exported

    with looking(home) as (_, store):
        for row in shipped_rows() if shipped else ():
            typer.echo(json.dumps(row, ensure_ascii=False))
        typer.echo(exported(store), nl=False)


@app.command("import")
def import_files(
    files: Annotated[list[Path], typer.Argument(help="JSON Lines of episodes, or TOML.")],
    by: By = "", home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Keep every episode of these files, all or none."""
    from ews.cli.opening import opened
    from ews.cli.output import output
    from ews.tuning.casework import import_cases

    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = import_cases(store, files, _keeper(settings, store, by), datetime.now(UTC))
    if out.as_json:
        out.json({"cases": [one.id for one in found], "count": len(found)})
    else:
        out.say(out.t(f"사례 {len(found)}건을 넣었습니다.", f"{len(found)} cases kept."), "bold")


# --------------------------------------------------------------------------- what was asked


def _keeper(settings: Settings, store: Store, by: str) -> Keeper:
    """Who keeps it: a named person where people are known, else the name given."""
    from ews.cli.asking import actor
    from ews.tuning.casework import Keeper

    if not store.people():
        return Keeper(by)
    person, _ = actor(settings, store, by)
    return Keeper(person.name, person)


def _begun(
    store: Store, file: Path | None, alert: str, missed: str, given: Mapping[str, object]
) -> Draft:
    from ews.reports import find_alert
    from ews.tuning import casework
    from ews.tuning.casebook import file_rows

    if alert:
        return casework.from_alert(store, find_alert(store, alert), given)
    if missed:
        return casework.from_missed(store, missed, given)
    assert file is not None
    rows = [row for _, row in file_rows(file)]
    if len(rows) != 1:
        raise ValueError(f"{file.name} holds {len(rows)} cases; `ews case import` keeps several")
    return casework.draft(rows[0], given)


def _asked(out: Output, begun: Draft) -> Mapping[str, object]:
    """The row with what was missing: asked for on a terminal, named elsewhere."""
    import sys

    from ews.tuning.casework import CaseRefused

    if not begun.missing:
        return begun.row
    if out.as_json or not sys.stdin.isatty():
        names = ", ".join(begun.missing)
        raise CaseRefused(f"still missing: {names}; give it with --set field=value",
                          f"빠진 항목: {names}. --set 항목=값 으로 적으십시오.")  # fmt: skip
    said = {name: typer.prompt(name) for name in begun.missing}
    return {**begun.row, **_fields([f"{name}={text}" for name, text in said.items()])}


def _fields(pairs: list[str]) -> dict[str, object]:
    """field=value pairs as the fields of a case."""
    if bad := next((one for one in pairs if "=" not in one), None):
        raise typer.BadParameter(f"write field=value, not {bad!r}")
    return {key.strip(): _value(key.strip(), text.strip())
            for key, _, text in (one.partition("=") for one in pairs)}  # fmt: skip


def _value(key: str, text: str) -> object:
    if key in LISTS:
        return [part.strip() for part in text.split(",") if part.strip()]
    return int(text) if key == "severity" and text.isdigit() else text


def _told(out: Output, case: Case) -> None:
    from ews.cli.output import clean, moment
    from ews.model import flatten

    if out.as_json:
        out.json(case)
        return
    state = out.t("철회됨", "withdrawn") if case.withdrawn_at else out.t("있음", "kept")
    out.say(f"{case.id} · {state} · {case.added_by} · {moment(case.added_at)}", "bold")
    out.facts([(key, clean(str(value))) for key, value in flatten(case.body).items()])
