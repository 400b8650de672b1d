"""`ews sources ...`: what is collected, from whom, how it goes; and what an operator decides of it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ews.cli.asking import Commands
from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.config import Settings
    from ews.model import Source
    from ews.own_sources import Known
    from ews.storage import Store

By = Annotated[str, typer.Option("--by", help="Who decides this; it stands in the audit.")]
Name = Annotated[str, typer.Argument(help="Source, as `ews sources` lists it.")]


class Sources(Commands):
    """`ews sources` lists; `ews sources NAME` shows that one, as it always did."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        first = args[0] if args else ""
        if first not in self.commands and first != "--help":
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(help="Sources: list, add, test, switch, promote; `ews sources NAME` shows one.")


def known_sources(settings: Settings, store: Store) -> Known:
    """Shipped sources and those of the home; the store's copy of its folder follows."""
    from ews.own_sources import read_sources

    return read_sources(settings.home, store, os.environ)


def named(settings: Settings, store: Store, name: str) -> Source:
    """The source of that name. NotFound, with its fault or near names, when there is none."""
    from ews.reports import NotFound
    from scrapers import CatalogError

    try:
        return known_sources(settings, store).named(name)
    except CatalogError as error:
        raise NotFound(str(error)) from None


@app.command("list")
def list_sources(
    name: Annotated[str | None, typer.Argument(help="Only this one, in full.")] = None,
    state: Annotated[
        str, typer.Option("--state", help="failing, stale, never, fresh, off, or blind.")
    ] = "",
    group: Annotated[str, typer.Option("--group", help="Such as news or official.")] = "",
    country: Annotated[
        str, typer.Option("--country", help="Of the publisher: ISO code, EU or INT.")
    ] = "",
    language: Annotated[str, typer.Option("--language", help="Of its texts, such as ko.")] = "",
    own: Annotated[
        bool | None,
        typer.Option("--own/--shipped", help="Only those added here, or only the others."),
    ] = None,
    find: Annotated[str, typer.Option("--find", help="Words in name, title or publisher.")] = "",
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Every source, the silent ones first, and what to do about them; NAME shows one in full.

    Exit 1 when the named source does not exist.
    """
    from ews.cli import show_sources
    from ews.cli.opening import looking
    from ews.cli.output import output
    from ews.reports import OPERATOR
    from ews.reports.collection import SourcesAsked, sources_here, sources_report
    from ews.reports.source_report import source_report
    from scrapers.catalog import with_key

    with looking(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        now = datetime.now(UTC)
        known_sources(settings, store)
        if name is not None:
            named(settings, store, name)
        known = [with_key(one, os.environ) for one in sources_here(store, now)]
        if name is not None:
            one = source_report(store, name, now, OPERATOR, known)
        else:
            asked = SourcesAsked(state, group, country.upper(), language.lower(), own, find)
            found = sources_report(store, now, asked, known)
    if out.as_json:
        out.json(found if name is None else one)
    elif name is not None:
        show_sources.source(out, one, now)
    else:
        show_sources.sources(out, found, now)


@app.command()
def show(name: Name, home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """One source in full. Exit 1 when it does not exist."""
    list_sources(name, home=home, lang=lang, as_json=as_json)


# --------------------------------------------------------------------------- decisions


@app.command()
def on(name: Name, by: By = "operator", home: Home = None, lang: Lang = None) -> None:
    """Ask this source, whatever its file says. A running `ews run` sees it within a minute."""
    _switched(name, True, by, home, lang)


@app.command()
def off(name: Name, by: By = "operator", home: Home = None, lang: Lang = None) -> None:
    """Leave this source alone. A running `ews run` sees it within a minute."""
    _switched(name, False, by, home, lang)


def _switched(name: str, to: bool, by: str, home: Home, lang: Lang) -> None:
    from ews.cli.opening import opened
    from ews.cli.output import output
    from ews.own_sources import switch

    with opened(home) as (settings, store):
        out = output(lang, False, settings.lang)
        switch(store, named(settings, store, name), to, by, datetime.now(UTC))
    out.say(out.t(f"{name}: {'켬' if to else '끔'}", f"{name}: {'on' if to else 'off'}"))


@app.command()
def resume(name: Name, by: By = "operator", home: Home = None, lang: Lang = None) -> None:
    """Ask again a source that was given up (HTTP 410, or too many failures): its next turn is now.

    A list that looked too short to be believed is believed then, and what it lost is told.
    """
    from ews.cli.opening import opened
    from ews.cli.output import output
    from ews.own_sources import resume as resumed

    with opened(home) as (settings, store):
        out = output(lang, False, settings.lang)
        resumed(store, named(settings, store, name), by, datetime.now(UTC))
    out.say(out.t(f"{name}: 다시 묻습니다", f"{name} is asked again"))


@app.command()
def promote(
    name: Name,
    why: Annotated[str, typer.Option("--why", help="Why its texts can be believed.")],
    by: By,
    undo: Annotated[bool, typer.Option("--undo", help="Take the promotion back.")] = False,
    home: Home = None,
    lang: Lang = None,
) -> None:
    """Believe a private source: its later texts can make events and count as independent.

    It holds for the source as its file is now; an edit of url, publisher or mapping ends it.
    """
    from ews.cli.opening import opened
    from ews.cli.output import output
    from ews.own_sources import demote
    from ews.own_sources import promote as promoted

    with opened(home) as (settings, store):
        out = output(lang, False, settings.lang)
        act = demote if undo else promoted
        act(store, named(settings, store, name), by, datetime.now(UTC), why)
    if undo:
        out.say(out.t(f"{name}: 확인되지 않은 출처로 되돌림", f"{name} is unverified again"))
    else:
        out.say(
            out.t(f"{name}: 앞으로 오는 글을 믿습니다", f"{name}: its later texts are believed")
        )


def _register() -> None:
    from ews.cli import sources_kept, sources_own

    for part in (sources_own, sources_kept):
        part.register(app)


_register()
