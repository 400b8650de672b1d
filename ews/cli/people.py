"""`ews people`: who there is: roles, tokens, passwords, Slack ids."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from ews.cli.options import As, Home, Json, Lang

if TYPE_CHECKING:
    from ews.cli.output import Output
    from ews.model import Person
    from ews.reports.people import Doing, PersonLine
    from ews.storage import Store

app = typer.Typer(no_args_is_help=True, help="People: roles, tokens, passwords, Slack ids.")

Name = Annotated[str, typer.Argument(help="Name, as acts and messages show it. It never changes.")]
Role = Annotated[str, typer.Option("--role", help="official, analyst, firm or operator.")]
Owner = Annotated[
    str | None, typer.Option("--owner", help="Of a firm's person: whose rows they see.")
]
Slack = Annotated[
    str | None, typer.Option("--slack", help="Slack member id, U...; empty takes it away.")
]
Email = Annotated[str | None, typer.Option("--email", help="E-mail address; empty takes it away.")]
Ministries = Annotated[
    list[str] | None, typer.Option("--ministry", help="Ministry: code or name; may be repeated.")
]


@contextmanager
def _changing(home: Path | None, by: str, own: bool = False) -> Iterator[tuple[Store, Doing, str]]:
    """The store, who changes people, and the language of the home."""
    from ews.acting import MACHINE
    from ews.cli.asking import actor, given_token
    from ews.cli.opening import opened, reading
    from ews.reports.people import Doing

    with (reading if own else opened)(home) as (settings, store):
        if by or given_token(settings) is not None:
            person, said = actor(settings, store, by)
        else:
            person, said = MACHINE, {}
        yield store, Doing(person, "cli", f"cli:{uuid4()}", datetime.now(UTC), said), settings.lang


@app.command("list")
def list_people(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """Everybody, disabled persons too. Exit 1 when there is nobody."""
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.people import people_lines

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = people_lines(store)
    if out.as_json:
        out.json(found)
    else:
        _table(out, found)
    raise typer.Exit(0 if found else 1)


@app.command()
def add(
    name: Name, role: Role, owner: Owner = None, slack: Slack = None, email: Email = None,
    signs: Annotated[bool, typer.Option("--signs", help="May sign 경계 and 심각.")] = False,
    ministries: Ministries = None, by: As = "", home: Home = None, lang: Lang = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Add a person. The first ones are added by the operator of the machine; once a person is
    operator, --by (or a token) names one. Exit 2 for a name that is taken or facts that do not fit."""
    from ews.reports.people import add_person

    with _changing(home, by) as (store, doing, setting):
        made = add_person(
            store, doing, name, role, owner=owner, slack_id=slack, email=email, signs=signs,
            ministries=tuple(ministries or ()),
        )  # fmt: skip
        _told(store, made, lang, setting, as_json)


@app.command()
def change(
    name: Name,
    role: Annotated[
        str | None, typer.Option("--role", help="official, analyst, firm or operator.")
    ] = None,
    owner: Owner = None, slack: Slack = None, email: Email = None,
    signs: Annotated[
        bool | None, typer.Option("--signs/--no-signs", help="May sign 경계 and 심각.")
    ] = None,
    ministries: Ministries = None,
    enable: Annotated[bool, typer.Option("--enable", help="Undo `ews people disable`.")] = False,
    by: As = "", home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Change what is given; the rest stays. Tokens and sessions follow the new role at once."""
    from ews.reports.people import change_person

    given: dict[str, object] = {
        "role": role, "owner": owner, "slack_id": slack, "email": email, "signs": signs,
        "ministries": None if ministries is None else tuple(ministries),
    }  # fmt: skip
    facts = {key: value for key, value in given.items() if value is not None}
    if enable:
        facts["disabled_at"] = None
    if not facts:
        raise typer.BadParameter("say what to change: `ews people change --help` lists it")
    with _changing(home, by) as (store, doing, setting):
        _told(store, change_person(store, doing, name, **facts), lang, setting, as_json)


@app.command()
def disable(
    name: Name, by: As = "", home: Home = None, lang: Lang = None, as_json: Json = False
) -> None:
    """Take all tokens, sessions, the password and every right. What they did stays under their name."""
    from ews.reports.people import disable_person

    with _changing(home, by) as (store, doing, setting):
        _told(store, disable_person(store, doing, name), lang, setting, as_json)


@app.command()
def token(
    name: Name,
    label: Annotated[str, typer.Option("--label", help="What it is for.")] = "",
    take: Annotated[
        str, typer.Option("--take", help="Take back the token of this ID (ews viewers list).")
    ] = "",
    by: As = "", home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Make a token of that person and print it once; only its digest is kept. Or take one back."""
    from ews.cli.output import output
    from ews.reports.people import give_token, take_token

    with _changing(home, by) as (store, doing, setting):
        out = output(lang, as_json, setting)
        if take:
            take_token(store, doing, take)
            out.say(out.t(f"{take}: 토큰을 거두었습니다.", f"{take}: taken back."))
            return
        made, id = give_token(store, doing, name, label)
    if out.as_json:
        out.json({"id": id, "person": name, "label": label, "token": made})
        return
    typer.echo(made)
    typer.echo(out.t(f"{id}: 이 토큰은 다시 볼 수 없습니다. 지금 적어 두십시오.",
                     f"{id}: this token is not shown again; keep it now."), err=True)  # fmt: skip


@app.command()
def password(
    name: Name,
    remove: Annotated[bool, typer.Option("--remove", help="Take the password away.")] = False,
    by: As = "", home: Home = None, lang: Lang = None,
) -> None:  # fmt: skip
    """Set a person's password for the pages: typed unseen, twice, or the first line of a pipe. Your
    own with your token, anybody's as an operator. Sessions begun before end."""
    from ews.cli.output import output
    from ews.reports.people import may_set_password, set_password

    with _changing(home, by, own=True) as (store, doing, setting):
        out = output(lang, False, setting)
        may_set_password(store, doing, name)  # before anything is typed
        set_password(store, doing, name, None if remove else _typed(out))
    out.say(out.t(f"{name}: 비밀번호를 바꾸었습니다.", f"{name}: the password is changed."))


def _typed(out: Output) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(
        typer.prompt(out.t("비밀번호", "Password"), hide_input=True, confirmation_prompt=True)
    )


def _told(store: Store, person: Person, lang: str | None, setting: str, as_json: bool) -> None:
    from ews.cli.output import output
    from ews.reports.people import people_lines

    out = output(lang, as_json, setting)
    line = next(one for one in people_lines(store) if one.name == person.name)
    if out.as_json:
        out.json(line)
    else:
        _table(out, (line,))


def _table(out: Output, found: tuple[PersonLine, ...]) -> None:
    if not found:
        out.say(out.t("등록된 사람이 없습니다. 등록: ews people add NAME --role ROLE",
                      "Nobody yet. Add somebody: ews people add NAME --role ROLE"))  # fmt: skip
        return
    out.table(
        out.t("사람", "People"),
        [out.t("이름", "name"), out.t("역할", "role"), out.t("소유자", "owner"),
         out.t("서명", "signs"), out.t("부처", "ministries"), "Slack", "e-mail",
         out.t("토큰", "tokens"), out.t("비밀번호", "password"), out.t("상태", "state")],
        [
            (p.name, p.role, p.owner, "○" if p.signs else "", ", ".join(p.ministries), p.slack_id,
             p.email, p.tokens, "○" if p.has_password else "",
             out.t("중지됨", "disabled") if p.disabled_at else out.t("사용 중", "active"))
            for p in found
        ],
        right=[7],
    )  # fmt: skip
