"""`ews firms`: a firm's own supplier links, in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ews.cli.options import Home, Json, Lang

app = typer.Typer(no_args_is_help=True, help="Import and list firms' own supplier links.")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV with one supplier link a line.")],
    owner: Annotated[str, typer.Option("--owner", help="Whose rows these are; replaces its rows.")],
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Replace the owner's rows by those of the file: all, or none when a line is wrong (exit 2)."""
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
    from ews.cli.opening import opened
    from ews.cli.output import output

    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        rows = store.firm_links(owner)
    if out.as_json:
        out.json(rows)
    else:
        columns = list(dict.fromkeys(key for row in rows for key in row))
        out.table("", columns, [[row.get(key) for key in columns] for row in rows])
    raise typer.Exit(0 if rows else 1)
