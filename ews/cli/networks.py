"""`ews networks`: supply networks of firms that an analyst brings, and what is asked of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.cli.output import Output
    from ews.reports.network_views import NetworkLine

app = typer.Typer(no_args_is_help=True, help="Bring supply networks of firms, and ask of them.")
Name = Annotated[str, typer.Argument(help="What the network is called here, such as steel-2026.")]
Who = Annotated[str, typer.Option("--by", help="Who brings it; kept with it (default: the role).")]


@app.command("import")
def import_network(
    name: Name,
    nodes: Annotated[
        Path, typer.Argument(help="nodes.csv, or saved arrays (.npz).", exists=True, dir_okay=False)
    ],
    links: Annotated[
        Path | None,
        typer.Argument(help="links.csv; not with saved arrays.", exists=True, dir_okay=False),
    ] = None,
    by: Who = "",
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Put the network of two CSV files, or of saved arrays, in force under that name: all of it,
    or nothing when a line is wrong (exit 2). The same files again change nothing."""
    from ews.cli.asking import asker
    from ews.cli.opening import opened
    from ews.cli.output import output, working
    from ews.reports.network_imports import import_arrays, import_rows

    if (nodes.suffix == ".npz") == (links is not None):
        raise typer.BadParameter("give nodes.csv and links.csv, or one .npz")
    with opened(home) as (settings, store):
        out, viewer = output(lang, as_json, settings.lang), asker(settings, store)
        said, at = by or viewer.role, datetime.now(UTC)
        with working(out.t("읽고 살피는 중", "reading and checking")), _lines_told(nodes, links):
            if links is None:
                found = import_arrays(settings.home, name, nodes, viewer=viewer, by=said, at=at)
            else:
                found = import_rows(settings.home, name, nodes, links,
                                    viewer=viewer, by=said, at=at)  # fmt: skip
    _kept(out, *found)


@contextmanager
def _lines_told(nodes: Path, links: Path | None) -> Iterator[None]:
    """Exit 2 with every wrong cell on a line of its own."""
    from graph.supply_nouns import SupplyError

    try:
        yield
    except SupplyError as err:
        files = {"nodes": nodes, "links": links or nodes}
        for problem in err.problems:
            file = files[problem.table].name
            typer.echo(f"{file}:{problem.row}: {problem.column}: {problem.reason}", err=True)
        typer.echo("nothing was imported", err=True)
        raise typer.Exit(2) from err


@app.command()
def sample(
    name: Name,
    firms: Annotated[int, typer.Option(help="Firms to make up, 2 to 1,000,000.")],
    links: Annotated[int, typer.Option(help="Links to make up, at most 10,000,000.")],
    by: Who = "",
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Make a network up, to try things on: scale-free as the real ones, marked synthetic."""
    from ews.cli.asking import asker
    from ews.cli.opening import opened
    from ews.cli.output import output, working
    from ews.reports.network_imports import sample_network

    with opened(home) as (settings, store):
        out, viewer = output(lang, as_json, settings.lang), asker(settings, store)
        with working(out.t("만드는 중", "making it up")):
            found = sample_network(
                settings.home, name, firms, links,
                viewer=viewer, by=by or viewer.role, at=datetime.now(UTC),
            )  # fmt: skip
    _kept(out, *found)


def _kept(out: Output, line: NetworkLine, changed: bool) -> None:
    if out.as_json:
        out.json({"network": line, "changed": changed})
        return
    made_up = out.t(" [합성 데이터]", " [synthetic]") if line.synthetic else ""
    if changed:
        out.say(out.t(f"{line.name}: 노드 {line.nodes:,}, 링크 {line.links:,} (버전 {line.version}){made_up}",
                      f"{line.name}: {line.nodes:,} nodes, {line.links:,} links "
                      f"(version {line.version}){made_up}"))  # fmt: skip
    else:
        out.say(out.t(f"{line.name}: 이미 받은 것과 같아 바뀐 것이 없습니다.",
                      f"{line.name}: the same as before; nothing changed."))  # fmt: skip


@app.command("list")
def list_networks(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """The networks that were brought. Exit 1 when there is none for you."""
    from ews.cli.asking import asker
    from ews.cli.opening import reading
    from ews.cli.output import moment, output
    from ews.reports.network_files import networks

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = networks(settings.home, asker(settings, store))
    if out.as_json:
        out.json(found)
    elif found:
        names = ("이름 노드 링크 버전 합성 출처 넣은_이 넣은_때",
                 "name nodes links version synthetic source by at")  # fmt: skip
        out.table(
            out.t("공급망", "Networks"),
            [word.replace("_", " ") for word in out.t(*names).split()],
            [
                (one.name, f"{one.nodes:,}", f"{one.links:,}", one.version,
                 f"{one.synthetic_links:,}" if one.synthetic else "-", one.source,
                 one.imported_by, moment(one.imported_at))
                for one in found
            ],
            right=[1, 2, 4],
        )  # fmt: skip
    else:
        out.say(out.t("공급망이 없습니다. 넣기: ews networks import NAME nodes.csv links.csv",
                      "No network. Bring one: ews networks import NAME nodes.csv links.csv"))  # fmt: skip
    raise typer.Exit(0 if found else 1)


@app.command()
def remove(name: Name, home: Home = None, lang: Lang = None) -> None:
    """Take a network, and all that was computed of it, away. Exit 1 when there is none."""
    from ews.cli.asking import asker
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.network_files import remove_network

    with reading(home) as (settings, store):
        out = output(lang, False, settings.lang)
        remove_network(settings.home, name, asker(settings, store))
    out.say(out.t(f"{name}: 지웠습니다.", f"{name}: removed."))


@app.command("what-if")
def what_if(
    name: Name,
    node: Annotated[
        list[str] | None, typer.Option("--node", help="Node that is hit, by its id; repeatable.")
    ] = None,
    sector: Annotated[
        str, typer.Option(help="Sector that is hit: its code, or how the codes of it begin.")
    ] = "",
    percent: Annotated[float, typer.Option(help="Share of its output lost, in percent.")] = 60.0,
    days: Annotated[float, typer.Option(help="Days that it lasts.")] = 30.0,
    lag: Annotated[float, typer.Option(help="Days until it bites.")] = 0.0,
    horizon: Annotated[int, typer.Option(help="Days that are looked at.")] = 60,
    explain: Annotated[
        str, typer.Option(help="Node whose loss is explained (default: the worst not hit itself).")
    ] = "",
    top: Annotated[int, typer.Option(help="Nodes listed, the greatest losses first.")] = 20,
    mode: Annotated[
        str,
        typer.Option(help="separate, or joint: what is really made drives deliveries and orders."),
    ] = "separate",
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """What if these nodes, or a sector, made less? Losses by day, by node and by path.

    Exit 1 when nobody would lose anything.
    """
    from ews.cli import show_networks
    from ews.cli.asking import asker
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.network_what_if import Blow, network_what_if

    asked = Blow(tuple(node or ()), sector, percent, days, lag, horizon, explain, top, mode)
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = network_what_if(settings.home, name, asked, asker(settings, store))
    if out.as_json:
        out.json(found)
    else:
        show_networks.what_if(out, found)
    raise typer.Exit(0 if found.loss > 0 else 1)


@app.command()
def systemic(
    name: Name,
    top: Annotated[int, typer.Option(help="Firms listed, the costliest first.")] = 50,
    market: Annotated[
        bool, typer.Option(help="Others of a sector step in, as in the published index.")
    ] = True,
    leak: Annotated[
        bool, typer.Option(help="Sales to final demand take upstream losses out of the network.")
    ] = True,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write a sheet to this file.", dir_okay=False)
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """All firms by what the network loses when each alone closes (ESRI); kept for the next time."""
    from ews.cli import show_networks
    from ews.cli.asking import asker
    from ews.cli.exposing import save
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.cli.progress import Counter
    from ews.reports.network_ranking import network_systemic
    from ews.reports.ranking_sheets import firms_sheet

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        with Counter(out.t("기업", "firms")) as counter:
            found = network_systemic(
                settings.home, name, asker(settings, store), at=datetime.now(UTC), top=top,
                market=market, leak=leak, waits=True, progress=counter.told,
            )  # fmt: skip
    if csv:
        save(out, csv, firms_sheet(found, out.lang))
    if out.as_json:
        out.json(found)
    elif not csv:
        show_networks.ranking(out, found)
