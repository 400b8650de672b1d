"""Series as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from ews.cli.output import Output, moment
from ews.reports.series_answer import answer, number
from ews.reports.series_names import said
from ews.reports.series_views import (
    BudgetReport,
    DryRun,
    RateLine,
    SeriesLine,
    SeriesList,
    SeriesReport,
)

BAD = "bold red"


def listed(out: Output, found: SeriesList) -> None:
    """The page of the list."""
    if not found.count:
        out.say(out.t("맞는 계열이 없습니다.", "No series fits."))
        return
    shown = f"{found.offset + 1:,}~{found.offset + len(found.series):,} / {found.count:,}"
    out.table(
        out.t(f"계열 {shown}", f"Series {shown}"),
        [out.t("계열", "series"), out.t("이름", "name"), out.t("최신 기간", "newest"),
         out.t("값", "value"), out.t("단위", "unit"), out.t("상태", "state"),
         out.t("최근 이상", "newest alarm"), out.t("허용 오경보/년", "accepted a year")],
        [_listed(out, one) for one in found.series],
        right=[3, 7],
    )  # fmt: skip


def _listed(out: Output, one: SeriesLine) -> tuple[object, ...]:
    title = one.title.text(out.lang) + _made_up(out, one)
    return (
        one.name, title, one.newest or "-", figure(one.value), one.unit,
        _age(out, one), moment(one.found_at) if one.found_at else "-", f"{one.allowed:g}",
    )  # fmt: skip


def _made_up(out: Output, one: SeriesLine) -> str:
    return out.t(" [합성 자료]", " [synthetic]") if one.synthetic else ""


def _age(out: Output, one: SeriesLine) -> Text:
    if one.derived:
        return Text(out.t("계산한 계열", "worked out"))
    return Text(said("age", one.age, out.lang), style=BAD if one.age in ("late", "stale") else "")


def figure(value: float | None) -> str:
    """A number as people read it.

    >>> figure(13884535.0), figure(0.0321), figure(31.714285), figure(None)
    ('13,884,535', '0.0321', '31.7', '-')
    """
    if value is None:
        return "-"
    return number(value)


def one(out: Output, found: SeriesReport, periods: int, vintages: bool) -> None:
    """One series, as known then."""
    line, about = found.series, found.about
    out.say(f"{line.title.text(out.lang)}{_made_up(out, line)}", "bold")
    for said_first in answer(found):
        out.say(said_first.text(out.lang) + _alerts(found, said_first.code))
    calendar = about.calendar.text(out.lang) if about.calendar else ""
    out.facts([
        (out.t("계열", "series"), line.name),
        (out.t("기준", "as known at"), moment(found.as_of)),
        (out.t("단위", "unit"), " ".join(filter(None, (line.unit, line.valuation)))),
        (out.t("주기", "frequency"), said("frequency", line.frequency, out.lang)),
        (out.t("품목 분류", "classification"), line.classification),
        (out.t("출처", "source"), about.publisher or line.source),
        (out.t("이용 조건", "terms"), about.terms),
        (out.t("공표", "published"), calendar),
        (out.t("상태", "state"), _age(out, line)),
        (out.t("이어지는 계열", "worked out of it"), ", ".join(about.leads_to)),
    ])  # fmt: skip
    _points(out, found, periods)
    if vintages:
        _vintages(out, found)
    _detections(out, found)
    _budget(out, found)


def _alerts(found: SeriesReport, code: str) -> str:
    """Where the newest alarm led, after the line that says whom to tell."""
    newest = found.detections[0].event_id if found.detections else ""
    led = (one for event in found.events if event.id == newest for one in event.alerts)
    return "".join(f" ews explain {one}" for one in led) if code == "tell" else ""


def _points(out: Output, found: SeriesReport, periods: int) -> None:
    alarms: dict[object, list[str]] = {}
    for hit in found.detections:
        alarms.setdefault(hit.period, []).append(said("detector", hit.detector, out.lang))
    by = said("detector", found.expected_by, out.lang) if found.expected_by else ""
    out.table(
        out.t("기간별 값", "Values by period")
        + (out.t(f" (예상: {by})", f" (expected by {by})") if by else ""),
        [out.t("기간", "period"), out.t("값", "value"), out.t("처음 공표", "first"),
         out.t("예상", "expected"), out.t("통상 범위", "usual range"), out.t("보정 확률 p", "p"),
         out.t("알게 된 때", "known at"), out.t("이상", "alarm")],
        [(p.period, figure(p.value), figure(p.first) if p.revised else "", figure(p.expected),
          f"{figure(p.low)} ~ {figure(p.high)}" if p.low is not None else "",
          chance(p.p), moment(p.known_at) if p.known_at else out.t("값 없음", "missing"),
          ", ".join(alarms.get(p.period, [])))
         for p in found.points[-periods:]],
        right=[1, 2, 3, 4, 5],
    )  # fmt: skip


def chance(p: float | None) -> str:
    """A probability with two digits that say something."""
    return "-" if p is None else f"{p:.2g}"


def _vintages(out: Output, found: SeriesReport) -> None:
    out.table(
        out.t("공표된 값 전부", "Every published figure"),
        [out.t("기간", "period"), out.t("몇 번째", "vintage"), out.t("값", "value"),
         out.t("알게 된 때", "known at"), out.t("근거", "basis")],
        [(v.period, v.number, figure(v.value), moment(v.available_at),
          said("basis", v.basis, out.lang)) for v in found.vintages],
        right=[1, 2],
    )  # fmt: skip


def _detections(out: Output, found: SeriesReport) -> None:
    if not found.detections:
        out.say(out.t("이상 없음", "No alarm."))
        return
    out.table(
        out.t("이상", "Alarms"),
        [out.t("알게 된 때", "found"), out.t("기간", "period"), out.t("탐지기", "detector"),
         out.t("방향", "move"), "p", out.t("문턱", "alpha"), out.t("사건", "event")],
        [(moment(d.found_at), d.period, said("detector", d.detector, out.lang),
          said("move", d.direction, out.lang), chance(d.p), chance(d.alpha), d.event_id)
         for d in found.detections],
        right=[4, 5],
    )  # fmt: skip
    if found.events:
        out.table(
            out.t("이어진 사건", "Events"),
            [out.t("사건", "event"), out.t("제목", "title"), out.t("상태", "status"),
             out.t("결과", "outcome"), out.t("경보", "alerts")],
            [(e.id, e.title.text(out.lang), said("status", e.status, out.lang),
              said("outcome", e.outcome, out.lang), ", ".join(e.alerts)) for e in found.events],
        )  # fmt: skip


def _budget(out: Output, found: SeriesReport) -> None:
    given = found.budget
    out.table(
        out.t("오경보 예산", "False-alarm budget"),
        [out.t("탐지기", "detector"), out.t("연간 검정", "tests a year"), out.t("문턱", "alpha"),
         out.t("기대 오경보/년", "expected a year"), out.t("p의 근거", "p rests on")],
        [(said("detector", t.detector, out.lang), f"{t.tests_per_year:.0f}", chance(t.alpha),
          f"{t.per_year:.3f}", said("grounds", t.basis, out.lang)) for t in given.tests],
        right=[1, 2, 3],
    )  # fmt: skip
    who = given.payer.text(out.lang)
    out.facts([
        (out.t("이 계열", "this series"), f"{given.per_year:.3f}" + out.t("건/년", " a year")),
        (who, out.t(f"허용 {given.item_set:g}건/년, 배분 {given.item_per_year:.3f}건/년",
                    f"accepted {given.item_set:g} a year, given {given.item_per_year:.3f}")),
        (out.t("서비스 전체", "the service"),
         out.t(f"허용 {given.service_set:g}건/주, 배분 {given.service_per_week:.2f}건/주",
               f"accepted {given.service_set:g} a week, given {given.service_per_week:.2f}")),
        *[(out.t("줄인 것", "scaled"), label.text(out.lang)) for label in given.scaled],
    ])  # fmt: skip
    rates(out, out.t("지켜졌나", "Was it kept?"), found.since, found.achieved)


RATES = {"series": ("이 계열", "this series"), "item": ("이 품목·장소", "its item or place"),
         "service": ("서비스 전체", "the service")}  # fmt: skip


def rates(out: Output, title: str, since: datetime, lines: Sequence[RateLine]) -> None:
    """What was allowed and what came."""
    if all(one.per_week is None for one in lines):
        out.say(out.t("탐지기가 돈 지 아직 한 주가 되지 않아 주당 비율은 모릅니다.",
                      "The detectors have not run for a week yet: no rate is known."))  # fmt: skip
    verdicts = {"within": ("예산 이내", "within"), "above": ("예산 초과", "ABOVE"),
                "too few to say": ("판단하기에 부족", "too few to say")}  # fmt: skip
    out.table(
        out.t(f"{title} ({moment(since)}부터)", f"{title} (since {moment(since)})"),
        ["", out.t("허용", "allowed"), out.t("알림", "alarms"), out.t("사실", "real"),
         out.t("오경보", "false"), out.t("미정", "open"),
         out.t("주당 (95% 구간)", "a week (95% interval)"), out.t("판정", "verdict")],
        [(out.t(*RATES.get(r.name, (said("detector", r.name, "ko"), said("detector", r.name, "en")))),
          "-" if r.expected is None else f"{r.expected:.2f}", r.alarms, r.real, r.false, r.open,
          "-" if r.per_week is None or r.low is None or r.high is None
          else f"{r.per_week:.2f} ({r.low:.2f}~{r.high:.2f})", out.t(*verdicts[r.verdict]))
         for r in lines],
        right=[1, 2, 3, 4, 5, 6],
    )  # fmt: skip


def budget(out: Output, found: BudgetReport) -> None:
    """The budget of the service and its items."""
    out.facts([
        (out.t("규칙 판", "rules"), found.ruleset),
        (out.t("서비스 전체", "the service"),
         out.t(f"주 {found.per_week_set:g}건까지 허용, 검정 전체의 기대값 {found.per_week:.2f}건",
               f"{found.per_week_set:g} a week accepted; all tests come to {found.per_week:.2f}")),
        (out.t("관심 품목", "a watched item"), f"{found.per_watched_year:g}" + out.t("건/년", " a year")),
        (out.t("그 밖의 품목", "any other item"), f"{found.per_item_year:g}" + out.t("건/년", " a year")),
        *[(label.text(out.lang), f"{value:g}" + out.t("건/년 (따로 정함)", " a year (its own)"))
          for label, value in found.own],
        (out.t("감시 계열", "series watched"), f"{found.series:,}"),
        (out.t("연간 검정", "tests a year"), f"{found.tests_per_year:,.0f}"),
        *[(out.t("줄인 것", "scaled"), label.text(out.lang)) for label in found.scaled],
    ])  # fmt: skip
    out.table(
        out.t(f"품목별 예산 ({found.items_count:,}개 중 큰 것부터)",
              f"Budget by item (largest of {found.items_count:,})"),
        [out.t("품목", "item"), out.t("이름", "name"), out.t("관심", "watched"),
         out.t("계열", "series"), out.t("정한 값/년", "set a year"),
         out.t("배분/년", "given a year"), out.t("문턱", "alpha")],
        [(i.payer.code, i.payer.text(out.lang), out.t("예", "yes") if i.watched else "", i.series,
          f"{i.per_year_set:g}", f"{i.per_year:.3f}",
          f"{chance(i.least_alpha)} ~ {chance(i.most_alpha)}") for i in found.items],
        right=[3, 4, 5, 6],
    )  # fmt: skip
    rates(out, out.t("지켜졌나", "Was it kept?"), found.since, (found.service, *found.detectors))
    out.say(out.t(
        "바꾸기: ews rules set series.false_alarms_per_week=1 false_alarms.urea=2 --by 이름 --reason 까닭",
        "Change it: ews rules set series.false_alarms_per_week=1 false_alarms.urea=2 --by NAME --reason WHY",
    ))  # fmt: skip


def dry_run(out: Output, found: DryRun) -> None:
    """What each detector would have said."""
    out.table(
        f"{found.series.title.text(out.lang)}{_made_up(out, found.series)}",
        [out.t("공표", "release"), out.t("기간", "period"), out.t("값", "value"),
         out.t("탐지기", "detector"), out.t("점수", "score"), out.t("예상", "expected"),
         out.t("방향", "move"), "p", out.t("문턱", "alpha"), out.t("이상", "alarm")],
        [(moment(t.release), t.period, figure(t.value) + ("*" if t.revised else ""),
          said("detector", t.detector, out.lang), f"{t.score:.2f}", figure(t.expected),
          said("move", t.direction, out.lang), chance(t.p), chance(t.alpha) if t.alpha else "-",
          Text(out.t("이상", "ALARM"), style=BAD) if t.alarm else "") for t in found.told],
        right=[2, 4, 5, 7, 8],
    )  # fmt: skip
    out.say(out.t(
        f"공표 {found.releases}회, 이상 {found.alarms}건. *는 수정된 값. 아무것도 저장하지 않았습니다.",
        f"{found.releases} releases, {found.alarms} alarms. * a revised value. Nothing was kept.",
    ))  # fmt: skip
    if found.left_out:
        out.say(out.t(f"그 앞의 공표 {found.left_out}회는 뺐습니다.",
                      f"{found.left_out} earlier releases were left out."))  # fmt: skip
