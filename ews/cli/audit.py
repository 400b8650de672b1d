"""`ews audit ...`: the append-only record of what was decided, told and done, and whether it holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ews.cli.options import Home, Json, Lang

app = typer.Typer(no_args_is_help=True, help="The audit: list it, verify it, take a copy away.")


@app.command()
def verify(
    head: Annotated[
        str | None,
        typer.Option("--head", help="SEQ:HASH kept from `ews audit head`: proves the end too."),
    ] = None,
    chain_only: Annotated[
        bool,
        typer.Option("--chain-only", help="Only the chain, not what stands in the tables."),
    ] = False,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Check every row of the audit against the one before, and changes, acts and rule sets in the
    tables against their rows. Exit 1, with the first wrong one, when something was changed."""
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.auditing import parse_head
    from ews.reports.auditing import verify as verified

    kept = parse_head(head) if head else None
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = verified(store, kept, things=not chain_only)
    if out.as_json:
        out.json(found)
    elif found.ok:
        out.say(out.t("감사 기록이 온전합니다.", "The audit holds."), "bold")
    else:
        out.say(out.t("감사 기록이 어긋납니다.", "The audit does not hold."), "bold")
        out.say(found.problem)
    if not out.as_json:
        out.facts([
            (out.t("이어진 줄", "rows that follow"), found.rows),
            (out.t("머리", "head"), found.head),
            (out.t("표와 맞는 것", "things as audited"), None if chain_only else found.things),
            (out.t("감사 전의 것", "older than the audit"), found.unaudited or None),
        ])  # fmt: skip
    raise typer.Exit(0 if found.ok else 1)


@app.command("list")
def list_rows(
    subject: Annotated[
        str | None, typer.Option("--subject", help="Of one alert, person, silence or bulletin.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Rows of the audit, newest first. Exit 1 when there is none."""
    from ews.cli.opening import reading
    from ews.cli.output import clean, moment, output
    from ews.reports.auditing import audit_lines

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = audit_lines(store, subject, limit)
    if out.as_json:
        out.json(found)
    else:
        out.table(
            out.t("감사 기록", "Audit"),
            ["#", out.t("때", "when"), out.t("종류", "kind"), out.t("무엇", "subject"),
             out.t("누가", "who"), out.t("해시", "hash")],
            [(a.seq, moment(a.at), a.kind, clean(a.subject), clean(a.who), a.hash[:12])
             for a in found],
            right=[0],
        )  # fmt: skip
    raise typer.Exit(0 if found else 1)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="File to write, or - for stdout.")],
    home: Home = None,
    lang: Lang = None,
) -> None:
    """Write every row as one line of JSON, which a third party can verify (docs/proof.md has the
    script). Rows name people and addresses: keep the file as you keep the database."""
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.auditing import exported, head_text

    with reading(home) as (settings, store):
        rows = exported(store.audit_rows())
        if str(file) == "-":
            sys.stdout.writelines(rows)
            return
        with file.open("w", encoding="utf-8", newline="\n") as target:
            target.writelines(rows)
        out = output(lang, False, settings.lang)
        out.say(
            out.t(f"머리 {head_text(store.audit_head())}", f"head {head_text(store.audit_head())}")
        )


@app.command()
def head(home: Home = None, as_json: Json = False) -> None:
    """Print SEQ:HASH of the newest row. Kept outside, it later proves that nothing before it was
    changed or cut off (`ews audit verify --head`)."""
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.auditing import head_text

    with reading(home) as (settings, store):
        found = head_text(store.audit_head())
        out = output(None, as_json, settings.lang)
    if out.as_json:
        out.json({"head": found})
    else:
        sys.stdout.write(f"{found}\n")
