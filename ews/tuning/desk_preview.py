"""What would a change have done? Two rule sets over one period, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alerts.rule_cases import Facts
from alerts.rulebook import RuleError
from ews.model import RuleSet, Stage
from ews.tuning.desk_expected import expectations
from ews.tuning.desk_figures import (
    alert_load,
    confusion_rows,
    episode_rows,
    point,
    receiver_rows,
)
from ews.tuning.desk_play import Bench, Played
from ews.tuning.desk_scaling import scaled, with_values
from ews.tuning.desk_shapes import (
    Basis,
    CaseLine,
    CaseRun,
    Curve,
    DiffRow,
    Period,
    Preview,
    ReceiverRow,
)
from ews.tuning.rule_tests import RuleTest, run_all
from ews.tuning.rule_values import difference

FACTORS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0)


def previewed(
    bench: Bench,
    base: RuleSet,
    candidate: RuleSet,
    newest: int,
    tests: CaseRun,
    curve: bool,
    loads: bool = True,
) -> Preview:
    """Everything that is shown of a candidate against its base."""
    before, after = bench.play(base), bench.play(candidate)
    period = Period(bench.window.since, bench.window.until)
    return Preview(
        period=period,
        base_version=base.version,
        newest_version=newest,
        basis=_basis(bench, after),
        diff=diff_rows(base, candidate),
        alerts_before=alert_load(before.scored),
        alerts_after=alert_load(after.scored),
        receivers=_receivers(bench, before, after) if loads else (),
        curve=_curve(bench, before, after, Stage.CAUTION) if curve else None,
        episodes=episode_rows(before.scored, after.scored),
        alerts=confusion_rows(before.scored, after.scored, before.alerts, after.alerts),
        traps_before=len(before.scored.hits),
        traps_after=len(after.scored.hits),
        tests=tests,
    )  # fmt: skip


def _receivers(bench: Bench, before: Played, after: Played) -> tuple[ReceiverRow, ...]:
    loads = before.backtest.loads, after.backtest.loads
    expected = expectations(*loads, bench.tape.collected)
    return receiver_rows(*loads, bench.window.days, expected)


def diff_rows(before: RuleSet, after: RuleSet) -> tuple[DiffRow, ...]:
    return tuple(DiffRow(key, old, new) for key, (old, new) in difference(before, after).items())


def _basis(bench: Bench, after: Played) -> Basis:
    tape, scored = bench.tape, after.scored
    collected = sum(tape.collected.values())
    verdicts = scored.verdicts
    return Basis(
        model=tuple(tape.model),
        network=tape.network,
        collected=collected,
        collected_per_day=round(collected / bench.window.days, 2),
        notes=tuple(tape.notes),
        episodes=len(scored.required),
        verdicts=len(verdicts.decided) if verdicts else 0,
    )


def _curve(bench: Bench, before: Played, after: Played, stage: Stage) -> Curve:
    """The candidate's thresholds of that stage and above, moved together."""
    points = []
    for factor in FACTORS:
        moved = with_values(after.ruleset, scaled(after.ruleset, factor, stage))
        points.append(point(bench.play(moved).scored, stage, factor))
    return Curve(int(stage), tuple(points), point(before.scored, stage), point(after.scored, stage))


def case_run(rules: Mapping[str, object], own: Sequence[Facts] | RuleError) -> CaseRun:
    """The rule tests under these rules; of a broken file of one's own only the shipped ones."""
    broken = str(own) if isinstance(own, RuleError) else ""
    try:
        results = run_all(rules, [] if isinstance(own, RuleError) else own)
    except RuleError as error:
        broken, results = str(error), run_all(rules, [])
    failed = tuple(_line(one) for one in results if not one.passed)
    return CaseRun(len(results) - len(failed), failed, broken)


def _line(one: RuleTest) -> CaseLine:
    return CaseLine(one.name, one.passed, one.expected, one.got, one.own, one.guard)
