"""What `ews demo` prints: each crisis with when it was told, and each quiet week with its silence."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ews.cli.opening import build_pipeline
from ews.cli.output import Output, moment, output, stage_text
from ews.cli.progress import Clock
from ews.model import Stage

if TYPE_CHECKING:
    from ews.tuning.demo import CaseResult, DemoResult

PAGE = "http://127.0.0.1:8765/"
HOME = Path(".ews-demo")  # apart from a live home: the demo's clock is in the past


def play(home: Path | None, lang: str | None, names: tuple[str, ...], as_json: bool) -> int:
    """Run the demo and print it; 0 when every case passed, else 1."""
    from ews.config import load_settings
    from ews.storage import Store
    from ews.tuning import cases
    from ews.tuning.demo import run_demo

    known = (*cases.names(), *cases.quiet())
    if unknown := set(names) - set(known):
        raise ValueError(f"unknown case {sorted(unknown)}; there are {', '.join(known)}")
    settings = load_settings(home or HOME)
    out = output(lang, as_json, settings.lang)
    store = Store.open(settings.home)
    try:
        with Clock(out) as clock:
            # 관심 asks nobody to act: the demo prints what an official would be sent.
            pipeline = build_pipeline(
                settings, store, None if as_json else sys.stdout, out.lang, minimum=Stage.CAUTION
            )
            result = run_demo(pipeline, names, clock.told)
    finally:
        store.close()
    if out.as_json:
        out.json(_as_rows(result))
    else:
        _print(out, result, settings.home)
    return 0 if result.passed else 1


def _as_rows(result: DemoResult) -> dict[str, object]:
    return {
        "passed": result.passed,
        "alerts": result.alerts,
        "cases": [
            {
                "name": one.name,
                "passed": one.passed,
                "reference": one.reference,
                "alert": one.alert.id if one.alert else None,
                "stage": one.alert.stage.en if one.alert else None,
                "told_at": one.change.at if one.change else None,
                "hours": one.hours,
                "lacking": one.lacking,
            }
            for one in result.cases
        ],
        "quiet": [
            {"name": one.name, "lines": one.lines, "alerts": [a.id for a in one.alerts]}
            for one in result.quiet
        ],
    }


def _print(out: Output, result: DemoResult, home: Path) -> None:
    out.table(
        out.t("위기: 알았어야 할 때와 경보", "Crises: when it was public, and our alert"),
        [out.t("사례", "case"), out.t("공개된 때", "public at"), out.t("단계", "stage"),
         out.t("경보", "alert"), out.t("차이(시간)", "hours"), out.t("판정", "verdict")],
        [_case_row(out, one) for one in result.cases],
        right=[4],
    )  # fmt: skip
    if result.quiet:
        _print_quiet(out, result)
    _print_next(out, result, home)


def _print_quiet(out: Output, result: DemoResult) -> None:
    out.table(
        out.t("조용한 주: 경보가 없어야 한다", "Quiet weeks: no alert is right"),
        [out.t("사례", "case"), out.t("기사", "texts"), out.t("경보", "alerts")],
        [(one.name, one.lines, len(one.alerts)) for one in result.quiet],
        right=[1, 2],
    )


def _print_next(out: Output, result: DemoResult, home: Path) -> None:
    shown = next((one.alert for one in result.cases if one.alert), None)
    out.say(out.t("다음:", "Next:"), "bold")
    ews = "ews" if shutil.which("ews") else os.path.relpath(sys.argv[0])  # as it can be typed here
    if shown:
        then = f"{shown.updated_at + timedelta(minutes=1):%Y-%m-%dT%H:%M}"
        item = shown.items[0] if shown.items else "urea"
        out.say(f"  {ews} explain {shown.id} --home {home}")
        out.say(f"  {ews} exposure --item {item} --as-of {then} --home {home}")
    out.say(f"  {ews} alerts --home {home}")
    out.say(f"  {ews} serve --home {home}")
    out.say(out.t("    그다음 이 화면을 여십시오: ", "    then open this page: ") + PAGE)


def _case_row(out: Output, one: CaseResult) -> tuple[object, ...]:
    if one.alert is None or one.change is None:
        return one.name, moment(one.reference), "-", "-", "-", ", ".join(one.lacking)
    stage = one.change.alert.stage
    verdict = (
        out.t("통과", "ok") if one.passed else out.t("부족: ", "lacks: ") + ", ".join(one.lacking)
    )
    return (
        one.name, moment(one.reference), stage_text(int(stage), out.t(stage.ko, stage.en)),
        one.change.alert.id, f"{one.hours:+.1f}", verdict,
    )  # fmt: skip
