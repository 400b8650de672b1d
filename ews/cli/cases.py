"""`ews case run` and its like: what ews would have told of a past crisis, when, and whom."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.config import Settings
    from ews.pipeline import Rooms
    from ews.storage import Store
    from ews.tuning.replay import Progress
    from ews.tuning.timeline_rows import Script, Setting, Timeline

app = typer.Typer(
    no_args_is_help=True,
    help="Reference cases: past crises played as if ews had run, and what analysts keep.",
)
Name = Annotated[str, typer.Argument(help="Name of the case (ews case list).")]


@app.command("list")
def list_cases(
    all: Annotated[bool, typer.Option("--all", help="Withdrawn ones too.")] = False,
    home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The shipped crises and quiet weeks, and the cases that analysts keep here."""
    from ews.cli.asking import asker
    from ews.cli.opening import looking
    from ews.cli.output import output
    from ews.reports.receivers import sees_work
    from ews.tuning.case_lines import case_lines

    with looking(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = case_lines(store, sees_work(asker(settings, store)), withdrawn=all)
    if out.as_json:
        out.json({"cases": found, "count": len(found)})
        return
    kinds = {"crisis": out.t("위기", "crisis"), "quiet": out.t("조용한 주", "quiet week"),
             "case": out.t("분석가", "analyst's")}  # fmt: skip
    out.table(
        out.t("사례", "Cases"),
        [out.t("이름", "name"), out.t("종류", "kind"), out.t("무슨 일", "what"),
         out.t("시작", "onset"), out.t("심각도", "severity"), out.t("누가", "by")],
        [(c.id, kinds[c.kind] + (out.t(" (철회)", " (withdrawn)") if c.withdrawn_at else ""),
          c.ko if out.lang == "ko" else c.en, c.onset, c.severity, c.added_by) for c in found],
        right=[4],
    )  # fmt: skip


@app.command()
def show(name: Name, home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """The fields of a case: what should be told of it, and when."""
    from ews.cli.asking import asker
    from ews.cli.opening import looking
    from ews.cli.output import output
    from ews.model import flatten
    from ews.reports.receivers import sees_work
    from ews.tuning.case_lines import case_row

    with looking(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        row = case_row(store, name, sees_work(asker(settings, store)))
    if out.as_json:
        out.json(row)
        return
    out.table("", [out.t("항목", "field"), out.t("값", "value")], list(flatten(row).items()))


@app.command()
def run(
    name: Annotated[str | None, typer.Argument(help="Name of the case (ews case list).")] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", help="Play it under this rule file.", dir_okay=False)
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", help="Play it under this version of the home's rules.")
    ] = None,
    routes: Annotated[
        Path | None,
        typer.Option("--routes", help="Who is told: this file, such as docs/routes-ministries.toml "
                     "(default: the routes in force).", dir_okay=False),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=120,
                          help="Of an analyst's case: days after its reference time."),
    ] = 14,
    all: Annotated[bool, typer.Option("--all", help="Every shipped case, as a table.")] = False,
    write: Annotated[
        Path | None,
        typer.Option("--write", help="With --all: write the table into this document."),
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Play a case as if ews had run then, in a store that is thrown away, and print its time line:
    what was known when, each alert, who was told, the lead over what the state did.

    Exit 1 when an alert at caution or higher did not come, or a quiet week raised one.
    """
    from ews.cli import show_case
    from ews.cli.asking import asker
    from ews.cli.opening import looking
    from ews.cli.output import output
    from ews.cli.progress import Clock
    from ews.reports.receivers import sees_work
    from ews.tuning.timeline_reading import public

    if (name is None) == (not all):
        raise typer.BadParameter("name one case, or give --all")
    with looking(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        rooms = rooms_of(settings)
        by = setting_of(settings, store, rooms, rules, version, routes)
        own = sees_work(asker(settings, store))
        with Clock(out) as clock:
            found = [played(one, rooms, by, clock.day) for one in scripts(store, name, days, own)]
    found = found if own else [public(one) for one in found]
    if all:
        show_case.table(out, found, write)
    elif out.as_json:
        out.json(found[0])
    else:
        show_case.timeline(out, found[0], rooms.names)
    raise typer.Exit(0 if all_right(found) else 1)


def scripts(store: Store, name: str | None, days: int, own: bool) -> list[Script]:
    """What to play: one case, or all that are shipped. `own`: those of analysts may be asked for."""
    from ews.tuning import cases
    from ews.tuning.case_lines import case_row
    from ews.tuning.casework import find_kept
    from ews.tuning.timeline import case_script, script

    if name is None:
        return [script(one) for one in (*cases.names(), *cases.quiet())]
    if name in (*cases.names(), *cases.quiet()):
        return [script(name)]
    if not own:
        case_row(store, name, own=False)  # NotFound
    return [case_script(store, find_kept(store, name), days)]


def played(script: Script, rooms: Rooms, by: Setting, progress: Progress) -> Timeline:
    from ews.tuning.timeline import play

    with TemporaryDirectory() as folder:
        return play(script, rooms, by, Path(folder), progress)


def rooms_of(settings: Settings) -> Rooms:
    """The rooms of the live pipeline, without channels and firms: a past crisis has none of ours."""
    from ews.cli.opening import classifier_of, routes_of
    from ews.pipeline import Rooms
    from ews.reports import Names
    from graph import build_network

    return Rooms(classifier_of(settings), build_network(), routes_of(settings), {}, Names())


def setting_of(
    settings: Settings,
    store: Store,
    rooms: Rooms,
    rules: Path | None,
    version: int | None,
    routes: Path | None,
) -> Setting:
    """The rules and routes to play by: those named, else those in force."""
    from alerts.routing import load_routes
    from ews.cli.opening import routes_of
    from ews.tuning.rules import candidate, in_force, of_version
    from ews.tuning.timeline_rows import Setting

    if rules is not None and version is not None:
        raise typer.BadParameter("give --rules or --version, not both")
    if rules is not None:
        chosen, told = candidate(store, rules, datetime.now(UTC)), rules.name
    elif version is not None:
        chosen, told = of_version(store, version), f"version {version}"
    else:
        chosen = in_force(store)
        told = "shipped" if store.ruleset() is None else f"version {chosen.version}"
    own = routes.name if routes else "in force"
    to = load_routes(routes) if routes else routes_of(settings)
    return Setting(chosen, told, to, own, str(rooms.network.graph["version"]))


def all_right(found: list[Timeline]) -> bool:
    """Every crisis at caution or higher, every quiet week silent."""
    return all(not one.steps if one.lead is None else one.lead.measure is not None for one in found)
