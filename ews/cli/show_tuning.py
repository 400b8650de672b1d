"""How does the tuning desk's answer read on a terminal?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ews.cli.output import Output, moment
from ews.model import RuleSet, Stage

if TYPE_CHECKING:
    from ews.tuning.desk_shapes import (
        AlertLoad,
        ConfusionRow,
        DiffRow,
        EpisodeRow,
        Knob,
        Point,
        Preview,
        Proposal,
        Told,
        Version,
    )

MOST_ALERTS = 60  # shown; --json has all
NOTES = {
    "model_then": ("글의 분류는 그때의 모델이 한 것입니다", "texts were classified by the model of then"),
    "network_now": ("의존 관계는 지금의 공급망으로 계산했습니다",
                    "exposures are of the network of now"),
    "rules_only": ("사람의 조치(확인·서명·해제)는 다시 하지 않았습니다",
                   "what people did (signing, clearing) is not played again"),
    "warmed_up": ("앞 120일부터 돌려 시작할 때 열려 있던 경보를 맞추었습니다",
                  "played from 120 days before, so that alerts stand as they did at the start"),
}  # fmt: skip
JUDGED = {
    "true": ("맞음", "right"), "false": ("틀림", "wrong"), "episode": ("기준 사건", "episode"),
    "trap": ("함정", "trap"), "open": ("판정 없음", "not judged"),
}  # fmt: skip
SIDES = {"gained": ("새로 생김", "gained"), "lost": ("사라짐", "lost"),
         "moved": ("단계 바뀜", "moved"), "same": ("그대로", "same")}  # fmt: skip
STATES = {"gained": ("새로 잡음", "gained"), "lost": ("놓치게 됨", "lost"),
          "kept": ("그대로 잡음", "kept"), "missed": ("놓침", "missed")}  # fmt: skip


def rules(out: Output, base: RuleSet, knobs: Sequence[Knob]) -> None:
    """Each rule as lines: measure, raises at, clears below, how far it goes; then the rest."""
    out.say(f"{out.t('시행 중인 버전', 'Version in force')} {base.version} · {base.by} · "
            f"{moment(base.created_at)} · {base.reason}", "bold")  # fmt: skip
    ends = {(k.rule, k.measure): k for k in knobs if k.group == "rule" and k.end == "clear_at"}
    for rule in dict.fromkeys(k.rule for k in knobs if k.group == "rule"):
        lines = [k for k in knobs if k.rule == rule and k.end == "raise_at"]
        stage = lines[0].stage
        assert stage is not None
        out.table(
            f"{stage.ko if out.lang == 'ko' else stage.en} · {rule}",
            [out.t("척도", "measure"), out.t("이상이면 올림", "raises at"),
             out.t("미만이면 놓음", "clears below"), out.t("범위", "range"), out.t("항목", "key")],
            [
                (out.t(k.label_ko, k.label_en), _number(k.value),
                 _number(ends[rule, k.measure].value), f"{k.low:.10g}..{k.high:.10g}",
                 k.key.removesuffix(".raise_at"))
                for k in lines
            ],
            right=[1, 2],
        )  # fmt: skip
    out.table(
        out.t("그 밖에 바꿀 수 있는 것", "What else may be moved"),
        [out.t("항목", "key"), out.t("값", "value"), out.t("범위", "range")],
        [
            (k.key, _number(k.value), f"{k.low:.10g}..{k.high:.10g}")
            for k in knobs
            if k.group != "rule"
        ],
        right=[1],
    )
    out.say(out.t("민감도: sensitivity.types.<유형>, sensitivity.countries.<국가 두 글자> (0 = 알리지 않음, "
                  "1 = 그대로)",
                  "sensitivity: sensitivity.types.TYPE, sensitivity.countries.CC (0 = never, "
                  "1 = as is)"))  # fmt: skip
    out.say(out.t("출처: rules.<규칙>.when.sources.raise_at, …when.corroborated.raise_at (0 = 따지지 않음)",
                  "who else states it: rules.RULE.when.sources.raise_at, "
                  "….when.corroborated.raise_at (0 = not asked)"))  # fmt: skip


def plans(out: Output, versions: Sequence[Version]) -> None:
    """Versions that wait for their time."""
    waiting = [one for one in versions if one.state == "planned"]
    if not waiting:
        out.say(out.t("예약된 변경이 없습니다", "Nothing is planned"))
    for one in waiting:
        _version(out, one)


def saved(out: Output, versions: Sequence[Version], number: int) -> None:
    """The version that was written now, as a difference."""
    one = next(version for version in versions if version.version == number)
    if out.as_json:
        out.json(one)
    else:
        _version(out, one)


def _version(out: Output, one: Version) -> None:
    name = f" · {one.name}" if one.name else ""
    when = ""
    if one.state == "planned":
        when = " · " + out.t(f"{moment(one.in_force_at)}부터 시행",
                             f"in force from {moment(one.in_force_at)}")  # fmt: skip
    out.say(f"{out.t('버전', 'version')} {one.version}{name} · {one.by} · "
            f"{moment(one.saved_at)}{when} · {one.reason}", "bold")  # fmt: skip
    differences(out, "", one.diff)


def differences(out: Output, title: str, rows: Sequence[DiffRow]) -> None:
    if not rows:
        out.say(out.t("바뀌는 값이 없습니다.", "No value changes."))
        return
    columns = [out.t("항목", "key"), out.t("이전", "before"), out.t("이후", "after")]
    out.table(title, columns, [(r.key, _text(r.before), _text(r.after)) for r in rows])


# --------------------------------------------------------------------------- a preview


def preview(out: Output, found: Preview) -> None:
    """All of it, the decision first: what is gained and lost, then the figures, then what to read."""
    _head(out, found)
    differences(out, out.t("변경", "Change"), found.diff)
    _loads(out, found.alerts_before, found.alerts_after)
    _receivers(out, found)
    if found.episodes:
        _episodes(out, found.episodes)
    if found.curve is not None:
        _curve(out, found)
    if found.alerts:
        _alerts(out, found.alerts)
    _tests(out, found)


def _head(out: Output, found: Preview) -> None:
    basis, period = found.basis, found.period
    last = f"{period.until:%Y-%m-%d}"
    out.say(f"{period.since:%Y-%m-%d} .. {last} ({out.t('끝 날 제외', 'end not included')}), "
            f"{period.days:g} {out.t('일', 'days')} · {basis.collected:,} "
            f"{out.t('건 수집', 'items collected')} · {out.t('버전', 'version')} "
            f"{' · '.join((str(found.base_version), *basis.model))}", "bold")  # fmt: skip
    if not found.alerts:
        out.say(out.t("- 이 기간에는 어느 쪽에서도 경보가 없어 견줄 것이 없습니다. --from과 --to로 다른 기간을 고르십시오.",
                      "- no alert in this period, before or after: nothing to compare; choose another "
                      "with --from and --to"), "yellow")  # fmt: skip
    for note in basis.notes:
        ko, en = NOTES.get(note, (note, note))
        out.say(f"- {out.t(ko, en)}", "dim")
    if found.newest_version != found.base_version:
        out.say(out.t(f"- 더 새로운 버전 {found.newest_version}이 있습니다",
                      f"- there is a newer version, {found.newest_version}"), "yellow")  # fmt: skip


def _loads(out: Output, before: AlertLoad, after: AlertLoad) -> None:
    pairs = zip(before.by_stage, after.by_stage, strict=True)
    out.table(
        out.t("새 경보 (최고 단계별, 하루)", "New alerts (by highest stage, a day)"),
        ["", out.t("지금", "now"), out.t("후보", "candidate")],
        [
            *((out.t(a.stage_ko, a.stage_en), f"{a.per_day:.2f}", f"{b.per_day:.2f}")
              for a, b in pairs),
            (out.t("전체", "all"), f"{before.per_day:.2f}", f"{after.per_day:.2f}"),
            (out.t("주의 이상", "caution or more"), f"{before.caution_per_day:.2f}",
             f"{after.caution_per_day:.2f}"),
            (out.t("가장 많은 날", "most in a day"), before.most_in_a_day, after.most_in_a_day),
            (out.t("합계", "total"), before.total, after.total),
        ],
        right=[1, 2],
    )  # fmt: skip


def _receivers(out: Output, found: Preview) -> None:
    def row(one: Told) -> tuple[object, ...]:
        budget = "-" if one.budget is None else one.budget
        return (budget, f"{one.told_per_day:.2f}", f"{one.held_per_day:.2f}", one.most_in_a_day,
                one.days_over_budget, _expected(one))  # fmt: skip

    rows = []
    for one in found.receivers:
        rows.append((one.receiver, out.t("지금", "now"), *row(one.before)))
        rows.append(("", out.t("후보", "candidate"), *row(one.after)))
    out.table(
        out.t("수신처별 메시지 (하루)", "Messages by receiver (a day)"),
        [out.t("수신처", "receiver"), "", out.t("한도", "budget"), out.t("전달", "told"),
         out.t("보류", "held"), out.t("가장 많은 날", "most in a day"),
         out.t("한도 넘은 날", "days over"), out.t("다음 기간 예상 (80%)", "expected next (80%)")],
        rows,
        right=[2, 3, 4, 5, 6],
    )  # fmt: skip


def _expected(one: Told) -> str:
    at = one.expected
    return "-" if at is None else f"{at.per_day:.2f} ({at.low:.2f}..{at.high:.2f})"


def _episodes(out: Output, rows: Sequence[EpisodeRow]) -> None:
    counts = {state: sum(row.state == state for row in rows) for state in STATES}
    said = " · ".join(f"{out.t(*STATES[state])} {counts[state]}" for state in STATES)
    out.table(
        f"{out.t('기준 사건 (주의 이상)', 'Reference episodes (at caution or more)')}: {said}",
        ["", out.t("사건", "episode"), out.t("지금: 늦은 시간", "now: hours late"),
         out.t("후보: 늦은 시간", "candidate: hours late"), "URL"],
        [
            (out.t(*STATES[row.state]), f"{row.name}{'' if row.required else ' *'}",
             _hours(row.hours_before), _hours(row.hours_after), row.link)
            for row in rows
        ],
        right=[2, 3],
    )  # fmt: skip
    if any(not row.required for row in rows):
        out.say(out.t("* 재현율에 넣지 않음", "* does not count for recall"), "dim")


def _curve(out: Output, found: Preview) -> None:
    curve = found.curve
    assert curve is not None
    out.table(
        out.t("문턱값을 함께 움직이면 (주의 이상)",
              "As thresholds move together (caution or more)"),
        [out.t("배수", "factor"), out.t("경보/일", "alerts a day"), out.t("재현율", "recall"),
         out.t("정밀도", "precision"), ""],
        [
            *(_point(p, "") for p in curve.points),
            _point(curve.before, out.t("지금", "now")),
            _point(curve.after, out.t("후보", "candidate")),
        ],
        right=[0, 1, 2, 3],
    )  # fmt: skip


def _point(at: Point, what: str) -> tuple[object, ...]:
    recall = "-" if at.recall is None else f"{at.recall:.0%} ({at.caught}/{at.episodes})"
    precision = "-" if at.precision is None else f"{at.precision:.0%} ({at.right}/{at.judged})"
    factor = "" if at.factor is None else f"{at.factor:g}"
    return factor or " ", f"{at.per_day:.2f}", recall, precision, what or " "


def _alerts(out: Output, rows: Sequence[ConfusionRow]) -> None:
    shown = [row for row in rows if row.side != "same" or row.stage >= Stage.CAUTION]
    counts = " · ".join(
        f"{out.t(*SIDES[side])} {sum(row.side == side for row in rows)}" for side in SIDES
    )
    out.table(
        f"{out.t('읽을 경보', 'Alerts to read')}: {counts}",
        ["", out.t("단계", "stage"), out.t("규칙", "rule"), out.t("판정", "judged"),
         out.t("제목", "title"), "URL"],
        [
            (out.t(*SIDES[row.side]), _moved(out, row), row.rule, _judged(out, row), row.title,
             row.link)
            for row in shown[:MOST_ALERTS]
        ],
    )  # fmt: skip
    if (more := len(rows) - min(len(shown), MOST_ALERTS)) > 0:
        out.say(
            out.t(f"{more}건 더 있습니다 (--json은 모두)", f"{more} more (--json has all)"), "dim"
        )


def _moved(out: Output, row: ConfusionRow) -> str:
    now = out.t(row.stage_ko, row.stage_en)
    if row.side != "moved" or row.stage_before is None:
        return now
    before = Stage(row.stage_before)
    return f"{out.t(before.ko, before.en)} → {now}"


def _judged(out: Output, row: ConfusionRow) -> str:
    said = out.t(*JUDGED[row.judged])
    return f"{said}: {row.what}" if row.what else said


def _tests(out: Output, found: Preview) -> None:
    tests = found.tests
    out.say(f"{out.t('규칙 시험', 'Rule tests')}: {tests.passed} {out.t('통과', 'passed')}, "
            f"{len(tests.failed)} {out.t('어긋남', 'failed')}",
            "bold" if not tests.failed else "bold yellow")  # fmt: skip
    if tests.file_error:
        out.say(tests.file_error, "red")
    for one in tests.failed:
        kind = (
            out.t("지킴", "guard") if one.guard else out.t("직접 쓴 것", "own") if one.own else ""
        )
        out.say(f"- {one.name}{f' ({kind})' if kind else ''}: "
                f"{out.t('기대', 'expected')} {one.expected}, {out.t('실제', 'got')} {one.got}")  # fmt: skip


# --------------------------------------------------------------------------- a proposal


def proposal(out: Output, found: Proposal) -> None:
    """What was found, on the half it was fitted on and on the other; then the whole period."""
    target = found.target
    what = target.receiver or (target.stage.ko if out.lang == "ko" else target.stage.en)
    out.say(out.t(f"목표: {what} 하루 {target.most_per_day:g}건 이하, 재현율이 가장 높게",
                  f"Target: at most {target.most_per_day:g} a day of {what}, at the best recall"),
            "bold")  # fmt: skip
    if not found.met:
        out.say(out.t("맞은 절반에서도 목표에 닿는 문턱값이 없습니다. 가장 가까운 것입니다.",
                      "No thresholds reach it, even where they were fitted: this is the nearest."),
                "yellow")  # fmt: skip
    rows = []
    for name, (period, before, after) in (
        (out.t("맞춘 앞 절반", "first half, fitted"), found.fitted),
        (out.t("남겨 둔 뒤 절반", "second half, held out"), found.held_out),
    ):
        span = f"{name} {period.since:%Y-%m-%d}.."
        rows.append((span, *_point(before, out.t("지금", "now"))[1:]))
        rows.append(("", *_point(after, out.t("제안", "proposal"))[1:]))
    out.table(
        out.t("절반마다", "By half"),
        ["", out.t("경보/일", "alerts a day"), out.t("재현율", "recall"),
         out.t("정밀도", "precision"), ""],
        rows,
        right=[1, 2, 3],
    )  # fmt: skip
    held = out.t("지킴", "met") if found.held_out_met else out.t("못 지킴", "not met")
    out.say(out.t(f"앞 절반에 맞춘 것입니다. 믿을 것은 뒤 절반입니다: 목표 {held}. "
                  f"규칙 {found.tried}벌을 시험했습니다 (많아야 {found.most_tries}벌).",
                  f"Fitted on the first half; believe the second: target {held}. "
                  f"{found.tried} rule sets tried (at most {found.most_tries})."))  # fmt: skip
    preview(out, found.preview)
    if found.candidate.changes:
        keys = " ".join(f"{key}={value}" for key, value in found.candidate.changes.items())
        out.say(f"ews tune save {keys} --base {found.candidate.base_version} --name ... "
                "--reason ... --by ...", "bold")  # fmt: skip


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _hours(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1f}"


def _text(value: object) -> str:
    return "-" if value is None else str(value)
