"""`ews viewers`: who may look, each with a token of their own."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated

import typer

from ews.cli.options import Home, Json, Lang

app = typer.Typer(no_args_is_help=True, help="Who may look: add, list and remove viewers.")


@app.command()
def add(
    role: Annotated[str, typer.Option("--role", help="firm, official, analyst or operator.")],
    owner: Annotated[
        str | None, typer.Option("--owner", help="A firm: whose rows it sees (--owner of imports).")
    ] = None,
    label: Annotated[str, typer.Option("--label", help="What you call this viewer.")] = "",
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it once; only its digest is kept. Exit 2 for a wrong role or owner."""
    from ews.cli.opening import opened
    from ews.cli.output import output
    from ews.reports import add_viewer
    from ews.reports.viewer import TOKEN_BYTES

    token = f"ews_{secrets.token_urlsafe(TOKEN_BYTES)}"
    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        id = add_viewer(store, token, role, owner, label, datetime.now(UTC))
    if out.as_json:
        out.json({"id": id, "role": role, "owner": owner, "label": label, "token": token})
        return
    typer.echo(token)
    typer.echo(out.t(f"{id}: 이 토큰은 다시 볼 수 없습니다. 지금 적어 두십시오.",
                     f"{id}: this token is not shown again; keep it now."), err=True)  # fmt: skip


@app.command("list")
def list_viewers(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """Everybody who has a token; the tokens themselves are nowhere. Exit 1 when there are none."""
    from ews.cli.opening import reading
    from ews.cli.output import moment, output

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = store.viewers()
    if out.as_json:
        out.json(found)
    elif found:
        out.table(
            out.t("보는 이", "Viewers"),
            ["ID", out.t("사람", "person"), out.t("역할", "role"), out.t("소유자", "owner"),
             out.t("이름", "label"), out.t("만든 때", "added")],
            [
                (v["id"], v["person"] or "", v["role"], v["owner"] or "", v["label"],
                 moment(v["added_at"] if isinstance(v["added_at"], datetime) else None))
                for v in found
            ],
        )  # fmt: skip
    else:
        out.say(out.t("보는 이가 없습니다. 만들기: ews viewers add --role ROLE",
                      "No viewer yet. Add one: ews viewers add --role ROLE"))  # fmt: skip
    raise typer.Exit(0 if found else 1)


@app.command()
def remove(
    viewer_id: Annotated[str, typer.Argument(help="ID, as `ews viewers list` prints it.")],
    home: Home = None,
    lang: Lang = None,
) -> None:
    """Take a token back: from now on it is wrong everywhere. Exit 1 when there is no such viewer. A
    person's is taken back by `ews people token NAME --take ID`, so that somebody answers for it."""
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports import NotFound

    with reading(home) as (settings, store):
        out = output(lang, False, settings.lang)
        found = next((v for v in store.viewers() if v["id"] == viewer_id), None)
        if found is None:
            raise NotFound(f"no viewer {viewer_id!r}; `ews viewers list` lists them")
        if found["person"]:
            raise ValueError(f"that token is {found['person']}'s; take it back with "
                             "`ews people token NAME --take ID --by OPERATOR`")  # fmt: skip
        store.remove_viewer(viewer_id)
    out.say(out.t(f"{viewer_id}: 토큰을 거두었습니다.", f"{viewer_id}: taken back."))
