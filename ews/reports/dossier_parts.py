"""What does a dossier say, part by part? In the order of article 12 of the IPEF supply chain
agreement, then the proof. Bases stay beside their figures: assumed, inferred, unknown, synthetic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ews.reports import dossier_proof as proof
from ews.reports.acts import ActLine
from ews.reports.dossier_words import ROWS, Words
from ews.reports.names import told
from ews.reports.outlook_views import DayBand, OutlookReport
from ews.reports.paper import Block, Bullets, Part, Table, Text
from ews.reports.phrases import grounds
from ews.reports.views import EventLine, ExposureLine, Label, days, percent

if TYPE_CHECKING:
    from ews.reports.dossier import Dossier

HELP = ("도움:", "지원:", "help:", "help wanted:")  # how a note begins that asks for help


def parts(found: Dossier, lang: str) -> Iterator[Part]:
    """All parts; none is left out for want of content: it says that there is none."""
    w = Words(lang)
    yield Part(w.t("1. 영향", "1. Impact"), tuple(_impact(found, w)))
    yield Part(w.t("2. 원인", "2. Cause"), tuple(_cause(found, w)))
    yield Part(w.t("3. 기간", "3. Duration"), tuple(_duration(found, w)))
    yield Part(w.t("4. 영향받는 부문", "4. Affected sectors"), tuple(_sectors(found, w)))
    yield Part(w.t("5. 취한 조치", "5. Measures taken"), tuple(_measures(found, w)))
    yield Part(w.t("6. 필요한 도움", "6. Help wanted"), tuple(_help(found, w)))
    yield Part(w.t("7. 경로와 근거", "7. Path and grounds"), tuple(proof.path(found, w)))
    yield Part(w.t("8. 재고", "8. Stocks"), tuple(proof.stocks(found, w)))
    yield Part(w.t("9. 대안", "9. Alternatives"), tuple(proof.alternatives(found, w)))
    yield Part(w.t("10. 왜 이 단계인가", "10. Why this stage"), tuple(proof.why(found, w)))
    yield Part(w.t("11. 누구에게 알렸는가", "11. Who was told"), tuple(proof.told(found, w)))
    yield Part(w.t("12. 이 문서에 관하여", "12. About this document"), tuple(proof.about(found, w)))


def _impact(found: Dossier, w: Words) -> Iterator[Block]:
    rows = found.explanation.exposures
    if any(one.synthetic for one in rows):
        yield Text(w.t("합성 데이터가 들어 있습니다: 실제 수치가 아닙니다.",
                       "Synthetic data is in it: these are not real figures."))  # fmt: skip
    if not rows:
        yield Text(w.t("한국에 닿는 경로가 알려지지 않았습니다.", "No path to Korea is known."))
    else:
        yield Table(
            w.t("노출, 강한 것부터", "Exposures, strongest first"),
            (w.t("품목", "item"), w.t("공급국·길목", "supplier, via"), w.t("용도", "use"),
             w.t("위험 비중", "share at risk"), w.t("예상 손실", "expected loss"),
             w.t("확률", "probability"), w.t("영향까지", "bites in")),
            tuple(_exposure(one, w) for one in rows[:ROWS]),
            right=(3, 4, 5, 6),
        )  # fmt: skip
        if len(rows) > ROWS:
            yield Text(w.t(f"나머지 {len(rows) - ROWS}건은 생략", f"{len(rows) - ROWS} more left out"),
                       minor=True)  # fmt: skip
    yield from _outlook(found.outlook, found.no_outlook, w)


def _exposure(one: ExposureLine, w: Words) -> tuple[str, ...]:
    mark = f" [{w.word('synthetic')}]" if one.synthetic else ""
    use = one.use.text(w.lang) if one.use else (one.firm or "-")
    return (
        one.item.text(w.lang) + mark, w.names([*one.origins, *one.via], 5) or "-", use,
        percent(one.share_at_risk, w.lang), percent(one.loss, w.lang),
        percent(one.probability, w.lang), days(one.impact_day, w.lang),
    )  # fmt: skip


def _outlook(outlook: OutlookReport | None, why_not: Label | None, w: Words) -> Iterator[Block]:
    if outlook is None or not outlook.counted or not outlook.buyers:
        said = (
            why_not.text(w.lang) if why_not else w.t("비중을 읽은 흐름이 없음", "no share was read")
        )
        yield Text(w.t(f"전망을 계산하지 않았습니다: {said}.", f"No outlook was computed: {said}."))
        return
    yield Table(
        w.t(f"전망: 사건이 알려진 대로일 때 {outlook.horizon_days}일 동안, {outlook.worlds}번 계산",
            f"Outlook over {outlook.horizon_days} days if the event is as told, {outlook.worlds} worlds"),
        (w.t("누가", "who"), w.t("처음 모자라는 날", "first short"),
         w.t("모자라지 않을 확률", "not short"), w.t("손실(정상 사용 일수)", "loss, days of use"),
         "P5", "P95"),
        tuple(
            (b.who.text(w.lang) + (f" [{w.word('synthetic')}]" if b.synthetic else ""),
             _first(b.shortage, w), percent(b.shortage.never, w.lang), f"{b.loss.mean:.1f}",
             f"{b.loss.p5:.1f}", f"{b.loss.p95:.1f}")
            for b in outlook.buyers[:ROWS]
        ),
        right=(2, 3, 4, 5),
    )  # fmt: skip
    said = "; ".join(dict.fromkeys(grounds(text, w.lang) for text in outlook.shock_bases))
    yield Text(
        w.t(f"충격의 근거: {said}. 수치와 재고는 {outlook.facts_on} 기준.",
            f"Grounds of the blow: {said}. Shares and stocks as known on {outlook.facts_on}."),
        minor=True,
    )  # fmt: skip


def _first(band: DayBand, w: Words) -> str:
    if band.p50 is None or band.p50_date is None:
        return w.t("기간 안에 없음", "not within it")
    return f"{band.p50_date} ({days(band.p50, w.lang)})"


def _cause(found: Dossier, w: Words) -> Iterator[Block]:
    events = [e for e in (found.explanation.event, *found.explanation.joined) if e is not None]
    if not events:
        yield Text(w.t("사건이 남아 있지 않습니다.", "The event is not on record."))
    for event in events:
        yield Text(_event(event, w))
        yield Table(
            w.t("보도와 자료", "Reports and data"),
            (w.t("알 수 있던 때", "available"), w.t("분류와 확률", "tags"), w.t("모델", "model"),
             w.t("말한 문장", "what it states"), w.t("매체", "outlet")),
            tuple(
                (w.when(e.available_at),
                 ", ".join(f"{t.type.text(w.lang)} {percent(t.probability, w.lang)}"
                           for t in e.tags[:3]) or "-",
                 e.model or "-", " · ".join(filter(None, (told(e, w.lang), e.sentence))), e.outlet)
                for e in event.evidence[:ROWS]
            ),
            links=tuple(e.url for e in event.evidence[:ROWS]),
        )  # fmt: skip


def _event(event: EventLine, w: Words) -> str:
    authority = w.t(" · 발표 기관의 공고 또는 자체 자료", " · the authority's own notice, or data")
    where = w.names([*event.countries, *event.chokepoints, *event.ports])
    return (
        f"{event.type.text(w.lang)} · {where or '-'} · {w.word(event.status)} · "
        f"{w.word(event.phase)} · {w.t('확률', 'probability')} {percent(event.probability, w.lang)}"
        f" · {w.t('심각도', 'severity')} {event.severity:.1f}/3 · "
        f"{w.t('독립 출처', 'independent sources')} {event.independent_sources}"
        f"{authority if event.authority else ''}"
    )


def _duration(found: Dossier, w: Words) -> Iterator[Block]:
    told, event = found.explanation, found.explanation.event
    lines = [f"{w.t('경보 발령', 'alert raised')}: {w.when(told.alert.raised_at)}"]
    if event is not None:
        lines.append(f"{w.t('처음 알 수 있던 때', 'first known')}: {w.when(event.first_seen)}")
        if event.onset is not None:
            lines.append(f"{w.t('시작', 'onset')}: {w.when(event.onset)}")
    if told.alert.resolved_at is not None:
        lines.append(f"{w.t('경보 끝', 'alert ended')}: {w.when(told.alert.resolved_at)}")
    if found.outlook is not None:
        one = found.outlook
        lines.append(w.t(
            f"가정한 지속: {one.duration_days:.0f}일, 나쁜 경우 {one.bad_duration_days:.0f}일",
            f"assumed to last {one.duration_days:.0f} days, in the bad case "
            f"{one.bad_duration_days:.0f}"))  # fmt: skip
    recover = [x.time_to_recover_days for x in told.exposures]
    if recover:
        lines.append(w.t(f"회복까지(가정): 길게는 {max(recover):.0f}일",
                         f"time to recover (assumed): up to {max(recover):.0f} days"))  # fmt: skip
    yield Bullets(tuple(lines))


def _sectors(found: Dossier, w: Words) -> Iterator[Block]:
    told = found.explanation
    industries = {x.industry.code: x.industry for x in told.exposures if x.industry}
    uses = [x.use for x in told.exposures if x.use]
    ministries = [*told.alert.ministries, *(m for x in told.exposures for m in x.ministries)]
    named = [Label(i.code, f"{i.en} (KSIC {i.code})", f"{i.ko} (KSIC {i.code})")
             for i in industries.values()]  # fmt: skip
    lines = [
        f"{w.t('품목', 'items')}: {w.names(told.alert.items, 30) or '-'}",
        f"{w.t('국내 용도', 'uses in Korea')}: {w.names(uses, 30) or '-'}",
        f"{w.t('산업', 'industries')}: {w.names(named, 30) or '-'}",
        f"{w.t('소관 부처', 'ministries')}: {w.names(ministries, 30) or '-'}",
    ]
    if told.standing is not None and told.standing.unlisted:
        lines.append(w.t(
            f"용도가 적혀 있지 않은 품목: {w.names(told.standing.unlisted, 30)}",
            f"items with unlisted uses: {w.names(told.standing.unlisted, 30)}"))  # fmt: skip
    yield Bullets(tuple(lines))


def is_help(act: ActLine) -> bool:
    """Whether a note asks for help: it begins with 도움: or help:."""
    return act.kind == "note" and act.note.strip().lower().startswith(HELP)


def _measures(found: Dossier, w: Words) -> Iterator[Block]:
    acts = [one for one in found.explanation.acts if not is_help(one)]
    if (outcome := found.explanation.outcome) is not None:
        yield Text(w.t(f"장부의 결과: {outcome.ko}", f"How it turned out: {outcome.en}"))
    for one in found.explanation.decisions:
        yield Text(w.t(f"결정: {one.detail.get('decision', '')} · 결과: {one.detail.get('outcome', '')}",
                       f"Decision: {one.detail.get('decision', '')} · outcome: "
                       f"{one.detail.get('outcome', '')}"))  # fmt: skip
    if not acts:
        yield Text(w.t("적힌 조치가 없습니다(또는 이 문서를 만든 사람이 볼 수 없습니다).",
                       "No measure is on record (or whoever made this may not see it)."))  # fmt: skip
        return
    yield Table(
        w.t("사람이 한 일", "What people did"),
        (w.t("때", "when"), w.t("누가", "who"), w.t("무엇", "what"), w.t("적은 글", "note")),
        tuple(
            (w.when(a.at), a.by, w.word(a.kind),
             " · ".join(filter(None, [a.note, *(w.word(v) for k, v in a.detail.items()
                                                if k in {"to", "reason", "decision", "outcome"})])))
            for a in acts
        ),
    )  # fmt: skip


def _help(found: Dossier, w: Words) -> Iterator[Block]:
    asked = [one for one in found.explanation.acts if is_help(one)]
    if not asked:
        yield Text(w.t("적힌 것이 없습니다. 경보에 ‘도움:’으로 시작하는 메모를 남기면 여기 실립니다.",
                       "None was entered. A note on the alert that begins with “help:” stands here."))  # fmt: skip
        return
    yield Bullets(
        tuple(f"{one.note.partition(':')[2].strip()} ({one.by}, {w.when(one.at)})" for one in asked)
    )
