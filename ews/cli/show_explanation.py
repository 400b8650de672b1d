"""`ews explain` as terminal tables: from the delivery back to the sentence that was published."""

from __future__ import annotations

from collections.abc import Iterable

from ews.cli import show
from ews.cli.output import Output, clean, moment, stage_text
from ews.model import Stage
from ews.reports import EventLine, Explanation, percent
from ews.reports.views import ChangeLine
from ews.reports.words import word


def explanation(out: Output, found: Explanation) -> None:
    """Delivery <- reason <- rule <- path <- event <- tags <- text."""
    if found.as_of is not None:
        out.say(out.t(f"기준 시각 {moment(found.as_of)}: 그때 알던 것",
                      f"As of {moment(found.as_of)}: what was known then"), "bold")  # fmt: skip
    show.alert(out, found)
    _standing(out, found)
    show.rule(out, found)
    _changes(out, found.changes)
    _acts(out, found)
    show.exposures(out, found.exposures)
    show.hops(out, found.exposures)
    for event in filter(None, (found.event, *found.joined)):
        show.event(out, event)
        _sentences(out, event)
    _revisions(out, found)
    for note in found.notes:
        out.say(f"* {note.text(out.lang)}")


def _stage(out: Output, number: int | None) -> str | None:
    return None if number is None else out.t(Stage(number).ko, Stage(number).en)


def _standing(out: Output, found: Explanation) -> None:
    one = found.standing
    if one is None:
        return
    out.facts([
        (out.t("서명을 기다리는 단계", "waits for a signature"), _stage(out, one.proposed)),
        (out.t("서명이 없으면 올라가는 때", "taken unsigned at"),
         one.proposed and moment(one.sign_by)),
        (out.t("서명 없이 올라감", "taken unsigned"), out.t("예", "yes") if one.timed_out else None),
        (out.t("반려된 단계", "refused"), _stage(out, one.refused)),
        (out.t("담당", "holder"), one.holder),
        (out.t("끝난 까닭", "ended"), one.ending and word(one.ending, out.lang)),
        (out.t("보이지 않기 시작한 때", "blind since"), one.blind_since and moment(one.blind_since)),
        (out.t("용도가 적혀 있지 않은 품목", "items with unlisted uses"),
         ", ".join(i.text(out.lang) for i in one.unlisted)),
    ])  # fmt: skip


def _changes(out: Output, found: Iterable[ChangeLine]) -> None:
    out.table(
        out.t("변경 내역", "Changes"),
        [out.t("때", "when"), out.t("무엇", "what"), out.t("단계", "stage"),
         out.t("서명", "signature"), out.t("누가", "by"), out.t("까닭", "reason"),
         out.t("그때 값", "values then")],
        [
            (moment(c.at), word(c.kind, out.lang),
             stage_text(c.after, out.t(c.after_ko, c.after_en)), _signature(out, c), c.by,
             clean(c.said.text(out.lang)), "; ".join(f.text(out.lang) for f in c.facts))
            for c in found
        ],
    )  # fmt: skip


def _signature(out: Output, c: ChangeLine) -> str:
    """Who signed, or what waits, or that nobody did in time."""
    if c.proposed is not None:
        return out.t(f"{_stage(out, c.proposed)} 서명 대기", f"{_stage(out, c.proposed)} waits")
    if c.signed_off_by:
        return c.signed_off_by
    return out.t("기한 안에 서명 없음", "nobody in time") if c.timed_out else ""


def _acts(out: Output, found: Explanation) -> None:
    if not found.acts:
        return
    out.table(
        out.t("사람이 한 일", "What people did"),
        [out.t("때", "when"), out.t("누가", "who"), out.t("무엇", "what"), out.t("통로", "by way of"),
         out.t("적은 글", "note"), out.t("자세히", "detail")],
        [
            (moment(a.at), a.by, word(a.kind, out.lang), a.via, clean(a.note),
             "; ".join(f"{key}: {clean(word(text, out.lang))}" for key, text in a.detail.items()))
            for a in found.acts
        ],
    )  # fmt: skip


def _sentences(out: Output, event: EventLine) -> None:
    """The sentence of each text that states the event, and what it names."""
    rows = [
        (clean(e.outlet), clean(e.sentence), ", ".join(n.text(out.lang) for n in e.named),
         percent(e.p_event, out.lang))
        for e in event.evidence if e.sentence
    ]  # fmt: skip
    if rows:
        out.table(
            out.t("그렇게 말한 문장", "The sentences that state it"),
            [out.t("매체", "outlet"), out.t("문장", "sentence"), out.t("가리키는 것", "names"),
             out.t("사건일 확률", "probability of an event")],
            rows,
        )  # fmt: skip


def _revisions(out: Output, found: Explanation) -> None:
    if len(found.revisions) < 2:
        return
    out.table(
        out.t("사건의 판", "Revisions of the event"),
        ["#", out.t("때", "when"), out.t("상태", "status"), out.t("국면", "phase"),
         out.t("확률", "probability"), out.t("심각도", "severity"), out.t("보도", "reports"),
         out.t("독립 출처", "independent sources")],
        [
            (r.revision, moment(r.at), word(r.status, out.lang), word(r.phase, out.lang),
             percent(r.probability, out.lang), f"{r.severity:.1f}", r.reports,
             r.independent_sources)
            for r in found.revisions
        ],
    )  # fmt: skip
