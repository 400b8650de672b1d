"""`ews firms`: a firm's own supplier links, in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ews.cli.options import Home, Json, Lang

app = typer.Typer(no_args_is_help=True, help="Import and list firms' own supplier links.")


@app.command("import")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(help="CSV with one supplier link a line.", exists=True, dir_okay=False),
    ],
    owner: Annotated[str, typer.Option("--owner", help="Whose rows these are; replaces its rows.")],
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Replace the owner's rows by those of the file: all, or none when a line is wrong or there are
    no rows (exit 2)."""
    from ews.cli.opening import opened
    from ews.cli.output import output
    from graph.firms import FirmCsvError, read_firms_csv

    try:
        links = read_firms_csv(file.read_bytes())
    except FirmCsvError as err:
        for line, column, message in err.errors:
            typer.echo(f"{file.name}:{line}: {column}: {message}", err=True)
        typer.echo("nothing was imported", err=True)
        raise typer.Exit(2) from err
    if not links:
        typer.echo(f"{file.name}: no rows; nothing was changed", err=True)
        raise typer.Exit(2)
    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        rows = [{**link.to_row(), "owner": owner} for link in links]
        with store.begin() as tx:
            tx.replace_firm_links(owner, rows)
    if out.as_json:
        out.json({"owner": owner, "rows": len(rows)})
    else:
        out.say(out.t(f"{owner}: {len(rows)}건을 받았습니다. 다음 `ews cycle` 부터 반영됩니다.",
                      f"{owner}: {len(rows)} rows taken; used from the next `ews cycle`."))  # fmt: skip


@app.command("list")
def list_rows(
    owner: Annotated[str | None, typer.Option("--owner", help="Only this owner's.")] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """The imported supplier links. Exit 1 when there are none."""
    from ews.cli import show
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports import link_line

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        rows = store.firm_links(owner)
    if out.as_json:
        out.json(rows)
    elif rows:
        show.links(out, [link_line(row) for row in rows])
    else:
        whose = owner or out.t("누구의 것도", "no owner")
        out.say(out.t(f"받은 공급 링크가 없습니다 ({whose}). 넣기: ews firms import FILE --owner NAME",
                      f"No supplier link was imported ({whose}). Add some: "
                      "ews firms import FILE --owner NAME"))  # fmt: skip
    raise typer.Exit(0 if rows else 1)
