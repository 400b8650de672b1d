"""`ews rules`: rules and thresholds, each change a new version with a name and a reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from ews.cli.options import By, Home, Json, Lang, Reason

if TYPE_CHECKING:
    from ews.config import Settings
    from ews.storage import Store
    from ews.tuning.rules import Changer

# The most that a measure can be (alerts/measures.py); counts and days have no such end.
HIGHEST = {"severity": 3.0} | dict.fromkeys(
    ("probability", "chance", "relevance", "share", "loss", "expected_loss", "named", "route", "korea", "authority",
     "corroborated", "critical", "actual", "soon"), 1.0,
)  # fmt: skip
SAID_KO = {"no alert": "경보 없음", "expected ": "기대 ", ", got ": ", 실제 ", " by ": " · 규칙 "}

ForceTests = Annotated[
    bool,
    typer.Option(
        "--force-tests", help="Save over failing rule tests; their names are kept with the reason."
    ),
]

app = typer.Typer(no_args_is_help=True, help="Show, change, undo and test the rules.")


@app.command()
def show(
    version: Annotated[int | None, typer.Argument(help="Version (default: in force).")] = None,
    history: Annotated[bool, typer.Option("--history", help="All versions instead.")] = False,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """The rules in force, or of a version; --history lists all versions."""
    from ews.cli.opening import reading
    from ews.cli.output import moment, output
    from ews.model import flatten
    from ews.reports import ruleset_lines
    from ews.tuning.rules import in_force, of_version

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        if history:
            in_force(store)
            lines = ruleset_lines(store)
        else:
            now = datetime.now(UTC)
            found = in_force(store, now) if version is None else of_version(store, version)
    if history:
        if out.as_json:
            out.json(lines)
            return
        out.table(
            out.t("규칙의 버전", "Versions of the rules"),
            [out.t("버전", "version"), out.t("누가", "by"), out.t("언제", "when"),
             out.t("왜", "why"), out.t("바뀐 항목", "keys changed")],
            [(r.version, r.by, moment(r.created_at), r.reason, len(r.changed)) for r in lines],
            right=[0, 4],
        )  # fmt: skip
        return
    if out.as_json:
        out.json({"version": found.version, "by": found.by, "reason": found.reason,
                  "created_at": found.created_at, "rules": found.rules})  # fmt: skip
        return
    out.say(f"{out.t('버전', 'version')} {found.version} · {found.by} · {moment(found.created_at)}"
            f" · {found.reason}", "bold")  # fmt: skip
    out.table("", [out.t("항목", "key"), out.t("값", "value")], list(flatten(found.rules).items()))


@app.command("set")
def set_keys(
    changes: Annotated[list[str], typer.Argument(help="key=value, as `ews rules show` spells it.")],
    reason: Reason,
    by: By = "",
    force_tests: ForceTests = False,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Change thresholds: a new version. Exit 2, and nothing changed, when a key or value is wrong or
    a rule test fails. `ews tune try` shows first what it would have done."""
    from ews.cli.opening import opened
    from ews.tuning.rule_tests import own_file
    from ews.tuning.rules import Saving, set_rules

    pairs = pairs_of(changes)
    check_bounds(pairs)
    with opened(home) as (settings, store):
        now, who = datetime.now(UTC), changer_of(settings, store, by)
        how = Saving(own_cases=own_file(settings.home), force_tests=force_tests)
        after = set_rules(store, pairs, by=by, reason=reason, now=now, changer=who, how=how)
        _print_change(settings.lang, lang, as_json, store, after.version)


@app.command()
def diff(
    before: Annotated[int, typer.Argument(help="Version.")],
    after: Annotated[int | None, typer.Argument(help="Version (default: in force).")] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """What differs between two versions. Exit 1 when nothing does."""
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports import rule_changes
    from ews.tuning.rules import in_force, of_version

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        old = of_version(store, before)
        new = in_force(store, datetime.now(UTC)) if after is None else of_version(store, after)
    found = rule_changes(old.rules, new.rules)
    if out.as_json:
        out.json(found)
    else:
        out.table(f"{old.version} → {new.version}", _columns(out.t), [
            (c.key, c.before, c.after) for c in found
        ])  # fmt: skip
    raise typer.Exit(0 if found else 1)


@app.command()
def undo(
    reason: Reason, by: By = "", home: Home = None, lang: Lang = None, as_json: Json = False
) -> None:
    """Take back the newest change, planned ones too, as a new version; once more, the one before."""
    from ews.cli.opening import opened
    from ews.tuning.rules import undo_rules

    with opened(home) as (settings, store):
        now, who = datetime.now(UTC), changer_of(settings, store, by)
        after = undo_rules(store, by=by, reason=reason, now=now, changer=who)
        _print_change(settings.lang, lang, as_json, store, after.version)


@app.command("test")
def try_cases(
    cases: Annotated[
        Path | None,
        typer.Option(
            help="These cases alone, written as alerts/rules_test.toml.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Run the shipped cases and those of $EWS_HOME/rules_test.toml on the rules in force (the
    shipped rules without a home). With --cases, those of a file alone.

    Exit 1 when a case fails.
    """
    from ews.cli.opening import looking
    from ews.cli.output import output
    from ews.tuning.rule_tests import own_file, read_own, run_all, run_rule_tests
    from ews.tuning.rules import in_force

    with looking(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = in_force(store, datetime.now(UTC))
        if cases is not None:
            results = run_rule_tests(found, cases)
        else:
            results = run_all(found.rules, read_own(own_file(settings.home)))
    if out.as_json:
        out.json(results)
    else:
        out.table(
            "",
            ["", out.t("사례", "case"), out.t("결과", "result")],
            [
                ("ok" if one.passed else "FAILED", one.name, _said(one.message, out.lang))
                for one in results
            ],
        )
    raise typer.Exit(0 if all(one.passed for one in results) else 1)


def changer_of(settings: Settings, store: Store, by: str) -> Changer | None:
    """The person who changes the rules; None in a home where nobody is known yet."""
    from ews.cli.asking import actor
    from ews.tuning.rules import Changer

    if not store.people():
        return None
    person, said = actor(settings, store, by)
    return Changer(person, "cli", f"cli:{uuid4()}", said)


def pairs_of(changes: list[str]) -> dict[str, str]:
    pairs = dict(one.partition("=")[::2] for one in changes)
    if bad := [one for one in changes if "=" not in one]:
        raise ValueError(f"write key=value, not {bad[0]!r}")
    return {key.strip(): value.strip() for key, value in pairs.items()}


def check_bounds(pairs: Mapping[str, str]) -> None:
    """ValueError for a threshold that its measure can never reach: the rule would be dead."""
    for key, text in pairs.items():
        parts = key.split(".")
        if len(parts) < 3 or parts[-1] not in {"raise_at", "clear_at"}:
            continue
        most = HIGHEST.get(parts[-2])
        try:
            value = float(text)
        except ValueError:
            continue  # `set_rules` says what kind of value the key takes
        if most is not None and not 0 <= value <= most:
            raise ValueError(f"{key}: {text} is out of reach: {parts[-2]} is 0..{most:g}; "
                             "nothing was changed")  # fmt: skip


def _said(message: str, lang: str) -> str:
    """The outcome of a case in the reader's language."""
    from ews.model import Stage

    if lang == "ko":
        for en, ko in SAID_KO.items():
            message = message.replace(en, ko)
        return message
    for stage in Stage:
        message = message.replace(stage.ko, stage.en)
    return message


def _columns(t: object) -> list[str]:
    assert callable(t)
    return [t("항목", "key"), t("이전", "before"), t("이후", "after")]


def _print_change(
    setting: str, lang: str | None, as_json: bool, store: object, version: int
) -> None:
    from ews.cli.output import output
    from ews.reports import ruleset_lines
    from ews.storage import Store

    assert isinstance(store, Store)
    out = output(lang, as_json, setting)
    line = next(one for one in ruleset_lines(store) if one.version == version)
    if out.as_json:
        out.json(line)
        return
    out.say(f"{out.t('버전', 'version')} {line.version} · {line.by} · {line.reason}", "bold")
    out.table("", _columns(out.t), [(c.key, c.before, c.after) for c in line.changed])
