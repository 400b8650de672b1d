"""`ews learn ...`: what feedback teaches, until an analyst accepts it; `ews drift`: what has changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from ews.cli.options import As, Home, Json, Key, Lang, Reason

if TYPE_CHECKING:
    from ews.config import Settings
    from ews.model import Person, ProposalState
    from ews.storage import Store
    from ews.tuning.desk import Desk
    from ews.tuning.desk_shapes import Period

app = typer.Typer(
    no_args_is_help=True,
    help="What feedback teaches: examples and rule suggestions, used once an analyst accepts them.",
)
Id = Annotated[str, typer.Argument(help="ID of an example or a suggestion; a beginning will do.")]
Since = Annotated[str | None, typer.Option("--since", help="From: date or time (UTC).")]
Until = Annotated[str | None, typer.Option("--until", help="Before: date or time (UTC).")]


def register(root: typer.Typer) -> None:
    root.command()(drift)


@app.command("list")
def waiting(
    state: Annotated[
        str, typer.Option(help="open, accepted, rejected or all.")
    ] = "open",
    home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Gather what people said since, and list the examples. Exit 1 when there is none."""
    from ews.cli import show_learning
    from ews.cli.output import output
    from ews.tuning.learning_lines import learning
    from ews.tuning.learning_teaching import gather

    with _staff(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        gather(store, datetime.now(UTC))
        found = learning(store, datetime.now(UTC), _state(state))
    if out.as_json:
        out.json(found)
    else:
        show_learning.examples(out, found)
    raise typer.Exit(0 if found.examples else 1)


@app.command()
def show(id: Id, home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """One example with its text, or one suggestion with what it rests on."""
    from ews.cli import show_learning
    from ews.cli.output import output
    from ews.tuning.learning import find_suggestion
    from ews.tuning.learning_lines import example_lines, suggestion_line
    from ews.tuning.learning_teaching import find_example

    with _staff(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        if id.startswith("sug"):
            suggestion = suggestion_line(store, find_suggestion(store, id))
            out.json(suggestion) if out.as_json else show_learning.suggestion(out, suggestion)
            return
        (example,) = example_lines(store, [find_example(store, id)])
    out.json(example) if out.as_json else show_learning.example(out, example)


@app.command()
def accept(
    id: Id,
    labels: Annotated[
        str | None, typer.Option("--labels", help="Right event types, commas between; none: none.")
    ] = None,
    relevant: Annotated[
        bool | None,
        typer.Option("--relevant/--irrelevant", help="Can it change what Korea buys?"),
    ] = None,
    items: Annotated[
        str | None, typer.Option("--items", help="Right items, commas between.")
    ] = None,
    note: Annotated[str, typer.Option("--note", help="Kept with the decision.")] = "",
    rebase: Annotated[
        bool, typer.Option("--rebase", help="A suggestion: on top of what was saved meanwhile.")
    ] = False,
    by: As = "", key: Key = "", home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Take an example as it should have been read, or save a suggestion as a new version of the
    rules. Exit 2, and nothing kept, when rule tests fail or somebody saved meanwhile."""
    from ews.cli import show_learning
    from ews.cli.output import output
    from ews.cli.tuning import _told
    from ews.tuning.learning import accept_suggestion
    from ews.tuning.learning_teaching import accept_example
    from ews.tuning.rules import Changer

    with _acting(home, by) as (desk, person, entered):
        out, now = output(lang, as_json, desk.settings.lang), datetime.now(UTC)
        known = _found(desk, id)
        with _told(out):
            if id.startswith("sug"):
                changer = Changer(person, "cli", f"cli:{person.id}:{key or uuid4()}", entered)
                taken = accept_suggestion(desk, known, changer, now, rebase=rebase)
                if out.as_json:
                    out.json(taken)
                else:
                    out.say(out.t(f"규칙 버전 {taken.ruleset}로 저장했습니다. 되돌리기: ews tune undo",
                                  f"Saved as version {taken.ruleset}; ews tune undo takes it back."))  # fmt: skip
                return
            done = accept_example(
                desk.store, known, person, now, labels=_split(labels),
                relevant=relevant, items=_split(items), note=note,
            )  # fmt: skip
    out.json(done) if out.as_json else show_learning.decided(out, done)


@app.command()
def reject(
    id: Id, reason: Reason, by: As = "", home: Home = None, lang: Lang = None, as_json: Json = False
) -> None:
    """Put an example or a suggestion away, with the reason. A suggestion comes again only when twice
    as many acts speak for it."""
    from ews.cli.output import output
    from ews.cli.tuning import _told
    from ews.tuning.learning import reject_suggestion
    from ews.tuning.learning_teaching import reject_example

    with _acting(home, by) as (desk, person, _):
        out, now = output(lang, as_json, desk.settings.lang), datetime.now(UTC)
        known = _found(desk, id)
        with _told(out):
            if id.startswith("sug"):
                done: object = reject_suggestion(desk.store, known, person, now, reason)
            else:
                done = reject_example(desk.store, known, person, now, reason)
    out.json(done) if out.as_json else out.say(out.t("물리쳤습니다.", "Rejected."))


@app.command()
def export(
    write: Annotated[
        Path | None, typer.Option("--write", help="File to write (JSON Lines).", dir_okay=False)
    ] = None,
    relevance: Annotated[
        bool, typer.Option("--relevance", help="Whether texts matter to Korea, not their types.")
    ] = False,
    home: Home = None,
    lang: Lang = None,
) -> None:
    """Accepted examples in the form of nlp/data/labels-*.jsonl (or relevance-*.jsonl): ids and labels,
    never the text."""
    from ews.cli.output import output
    from ews.tuning.learning_teaching import as_lines, exported, relevance_rows

    with _staff(home) as (settings, store):
        out = output(lang, False, settings.lang)
        rows = (relevance_rows if relevance else exported)(store)
    if write is None:
        print(as_lines(rows), end="")
        return
    write.write_text(as_lines(rows), encoding="utf-8")
    out.say(out.t(f"{write}: 예시 {len(rows)}개", f"{write}: {len(rows)} examples"))


@app.command()
def suggestions(
    since: Since = None, until: Until = None,
    stored: Annotated[
        bool, typer.Option("--stored", help="Only list; work nothing out.")
    ] = False,
    home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Work out which change of the rules feedback speaks for, tried on the stored period, and list
    them. Exit 1 when there is none."""
    from ews.cli import show_learning
    from ews.cli.output import output, working
    from ews.tuning.learning import suggest
    from ews.tuning.learning_lines import learning

    with _staff(home) as (settings, store):
        out, now = output(lang, as_json, settings.lang), datetime.now(UTC)
        desk = _desk(settings, store)
        if not stored:
            with working(out.t("시험하는 중", "Trying")):
                suggest(desk, now, _period(desk, now, since, until))
        found = learning(store, now).suggestions
    if out.as_json:
        out.json(found)
    else:
        show_learning.suggestions(out, found)
    raise typer.Exit(0 if found else 1)


@app.command()
def missed(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """Reports of missed alerts: how far what they tell of came, and which rule came nearest."""
    from ews.cli import show_learning
    from ews.cli.output import output
    from ews.tuning.learning_teaching import misses

    with _staff(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = misses(store, datetime.now(UTC))
    out.json(found) if out.as_json else show_learning.missed(out, found)
    raise typer.Exit(0 if found else 1)


@app.command()
def ratios(
    since: Since = None, until: Until = None, home: Home = None, lang: Lang = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """How often alerts were wrong, by rule, type, source, language and item, as people judged them."""
    from ews.cli import show_learning
    from ews.cli.output import output
    from ews.model import utc
    from ews.tuning.learning_lines import ratio_table

    with _staff(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = ratio_table(
            store, datetime.now(UTC), utc(since) if since else None, utc(until) if until else None
        )
    out.json(found) if out.as_json else show_learning.ratios(out, found)


def drift(
    since: Since = None, until: Until = None, home: Home = None, lang: Lang = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """What drifted in a week against the eight before: scores, label mix, shares, source rates.
    Exit 1 when something did."""
    from ews.cli import show_learning
    from ews.cli.output import output
    from ews.model import utc
    from ews.tuning.drift import drift as look

    with _staff(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = look(
            store, datetime.now(UTC), utc(since) if since else None, utc(until) if until else None
        )
    out.json(found) if out.as_json else show_learning.drift(out, found)
    raise typer.Exit(1 if found.findings else 0)


# --------------------------------------------------------------------------- what was typed


@contextmanager
def _staff(home: Path | None) -> Iterator[tuple[Settings, Store]]:
    """A home, for the operator of the machine or a person of the state: it quotes what people said."""
    from ews.cli.asking import named_or_machine
    from ews.cli.opening import reading

    with reading(home) as (settings, store):
        named_or_machine(settings, store)
        yield settings, store


@contextmanager
def _acting(home: Path | None, by: str) -> Iterator[tuple[Desk, Person, dict[str, str]]]:
    from ews.cli.asking import actor
    from ews.cli.opening import reading

    with reading(home) as (settings, store):
        person, entered = actor(settings, store, by)
        yield _desk(settings, store), person, entered


def _found(desk: Desk, id: str) -> str:
    """The whole id of an example or suggestion."""
    from ews.tuning.learning import find_suggestion
    from ews.tuning.learning_teaching import find_example

    return (find_suggestion if id.startswith("sug") else find_example)(desk.store, id).id


def _desk(settings: Settings, store: Store) -> Desk:
    from ews.cli.opening import firms_of, routes_of
    from ews.reports import Names
    from ews.tuning.desk import Desk
    from graph import build_network

    network = build_network(firms_of(store, datetime.now(UTC).date()))
    return Desk(store, settings, network, routes_of(settings), Names())


def _period(desk: Desk, now: datetime, since: str | None, until: str | None) -> Period:
    from ews.model import utc
    from ews.tuning.desk_shapes import Period

    usual = desk.period(now)
    return Period(utc(since) if since else usual.since, utc(until) if until else usual.until)


def _split(text: str | None) -> list[str] | None:
    return None if text is None else [one.strip() for one in text.split(",")]


def _state(text: str) -> ProposalState | None:
    from ews.model import ProposalState

    if text == "all":
        return None
    if text not in set(ProposalState):
        raise typer.BadParameter(f"{text!r} is none of open, accepted, rejected, all")
    return ProposalState(text)
