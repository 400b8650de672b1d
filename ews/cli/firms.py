"""`ews firms`: what a firm says of itself, in, out, and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import Home, Json, Lang
from ews.cli.stress import stress

if TYPE_CHECKING:
    from ews.reports import Viewer
    from ews.storage import Store
    from graph.firm_files import FirmFile

app = typer.Typer(no_args_is_help=True, help="Import, list and take back firms' own rows.")
Shape = Annotated[
    str | None, typer.Option("--shape", help="links, declarations, bom or stocks.")
]  # fmt: skip


@app.command("import")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV or JSON: links, declarations, bom or stocks.", exists=True, dir_okay=False
        ),
    ],
    owner: Annotated[str, typer.Option("--owner", help="Whose rows these are; replaces its rows.")],
    shape: Shape = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Replace the owner's rows of the file's shape by those of the file: all, or none when a line
    is wrong or there are no rows (exit 2). The same file twice changes nothing."""  # fmt: skip
    from ews.cli.asking import asker
    from ews.cli.opening import opened
    from ews.cli.output import output
    from ews.reports import check_owner
    from ews.storage.firms import check_named

    check_named(owner)
    found = _read(file, shape, owner)
    if not found.count:
        typer.echo(f"{file.name}: no rows; nothing was changed", err=True)
        raise typer.Exit(2)
    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        _own(asker(settings, store), owner)
        check_owner(store, owner)
        changed = store.replace_firm_rows(
            owner, found.shape, _rows(found, owner), found.digest, datetime.now(UTC)
        )
    if out.as_json:
        out.json({"owner": owner, "shape": found.shape, "rows": found.count, "lines": found.lines,
                  "changed": changed, "notes": found.notes})  # fmt: skip
        return
    for note in found.notes:
        out.say(f"* {note}")
    if changed:
        out.say(out.t(f"{owner}: {found.shape} {found.count}건을 받았습니다. 다음 `ews cycle` 부터 반영됩니다.",
                      f"{owner}: {found.count} rows taken ({found.shape}); "
                      "used from the next `ews cycle`."))  # fmt: skip
    else:
        out.say(out.t(f"{owner}: 이미 받은 것과 같아 바뀐 것이 없습니다 ({found.shape}).",
                      f"{owner}: the same as before; nothing changed ({found.shape})."))  # fmt: skip


def _read(file: Path, shape: str | None, owner: str) -> FirmFile:
    """The checked file; exit 2 with every wrong cell on a line of its own."""
    from ews.cli.output import KST
    from graph.firm_files import read_firm_file
    from graph.firms import FirmCsvError

    try:
        return read_firm_file(file, shape, owner, datetime.now(KST).date())
    except FirmCsvError as err:
        for line, column, message in err.errors:
            typer.echo(f"{file.name}:{line}: {column}: {message}", err=True)
        typer.echo("nothing was imported", err=True)
        raise typer.Exit(2) from err


def _rows(found: FirmFile, owner: str) -> Iterator[dict[str, object]]:
    from graph.firms import owned

    return (owned(row, owner).to_row() for row in found.rows())


def _own(viewer: Viewer, owner: str) -> None:
    """NotForViewer when the rows of this owner are not the viewer's own, whether or not there
    are any."""
    from ews.reports import NotForViewer

    if not viewer.sees(owner):
        raise NotForViewer("a firm imports, lists and removes its own rows only; "
                           "give --owner as it stands with your token")  # fmt: skip


@app.command("list")
def list_rows(
    owner: Annotated[str | None, typer.Option("--owner", help="Only this owner's.")] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """The imported supplier links; bills of materials and stocks are in the JSON. Exit 1 when
    there are none."""
    from ews.cli import show_firms
    from ews.cli.asking import asker
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports import link_lines
    from ews.storage.firms import LINK_SHAPES

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        rows = _listed(store, asker(settings, store), owner)
    links = [row for row in rows if row["shape"] in LINK_SHAPES]
    lines = link_lines(links)
    if out.as_json:
        for row, line in zip(links, lines, strict=True):
            row["overridden_by"] = line.overridden_by
        out.json(rows)
    elif rows:
        show_firms.links(out, lines)
        if len(rows) > len(links):
            more = len(rows) - len(links)
            out.say(out.t(f"그 밖의 부품표·재고 {more}건은 --json 으로 봅니다.",
                          f"{more} more rows of bills of materials and stocks: --json"))  # fmt: skip
    else:
        whose = owner or out.t("누구의 것도", "no owner")
        out.say(out.t(f"받은 공급 링크가 없습니다 ({whose}). 넣기: ews firms import FILE --owner NAME",
                      f"No supplier link was imported ({whose}). Add some: "
                      "ews firms import FILE --owner NAME"))  # fmt: skip
    raise typer.Exit(0 if rows else 1)


def _listed(store: Store, viewer: Viewer, owner: str | None) -> list[dict[str, object]]:
    """Rows of the owner asked for, else all that the viewer may see."""
    if viewer.role == "operator":
        return store.firm_rows(owner)
    _own(viewer, owner or viewer.owner or "")
    return store.firm_rows(viewer.owner)


@app.command("remove")
def remove_rows(
    owner: Annotated[str, typer.Option("--owner", help="Whose rows go.")],
    shape: Shape = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Take the owner's rows out of the store, with all that came of them. Exit 1 when there were
    none. Backups, and on PostgreSQL old pages until its next VACUUM, are out of reach."""
    from ews.cli.asking import asker
    from ews.cli.opening import reading
    from ews.cli.output import output

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        _own(asker(settings, store), owner)
        gone = store.remove_firm(owner, shape)
    if out.as_json:
        out.json({"owner": owner, "rows": gone})
    else:
        out.say(out.t(f"{owner}: {gone}건을 지웠습니다.", f"{owner}: {gone} rows removed."))
    raise typer.Exit(0 if gone else 1)


app.command()(stress)
