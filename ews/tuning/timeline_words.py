"""A time line in words: one line for each thing that was known, detected, told or done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerts.view import Names
from ews.model import Stage
from ews.tuning.timeline_rows import Happened, Known, Lead, Seen, Step, Timeline, Told

KST = timedelta(hours=9)
KINDS = {
    "known": ("알려짐", "known"),
    "unread": ("알려짐(재생이 읽지 않음)", "known (not read by the replay)"),
    "seen": ("사건 감지", "event detected"),
    "alert": ("경보", "alert"),
    "other": ("다른 경보", "other alert"),
    "reaction": ("실제 대응(재생이 읽지 않음)", "what the state did (not read)"),
    "reality": ("그 뒤(재생이 읽지 않음)", "what came of it (not read)"),
}
CHANGES = {
    "raised": ("발령", "raised"), "stage_up": ("단계 상향", "stage raised"),
    "stage_down": ("단계 하향", "stage lowered"), "updated": ("내용 추가", "updated"),
    "resolved": ("해제", "ended"), "retracted": ("철회", "retracted"),
    "reopened": ("재발령", "raised again"), "proposed": ("서명 대기", "waits for a signature"),
    "noted": ("기록만 함", "noted"), "released": ("보류가 풀림", "released"),
    "escalated": ("다음 사람을 부름", "next person called"), "blind": ("보이지 않음", "blind"),
    "seeing": ("다시 보임", "seen again"), "refused": ("반려", "refused"),
    "acknowledged": ("확인", "acknowledged"), "handed_over": ("담당 넘김", "handed over"),
    "closed": ("닫음", "closed"),
}  # fmt: skip
HELD = {
    "held_by_budget": ("하루 한도", "daily budget"), "held_by_cooldown": ("앞선 소식 직후", "cooling down"),
    "held_by_quiet_hours": ("조용한 시간", "quiet hours"), "held_by_silence": ("묵음", "silenced"),
    "held_below_minimum": ("최소 단계 미만", "below its minimum"), "held_by_plan": ("예정된 일", "planned"),
    "held_by_inhibition": ("더 큰 경보", "a larger alert"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the time line, in one language."""

    at: datetime
    observed_at: datetime | None  # the other clock, of what was known
    kind: str  # a key of KINDS
    what: str  # the kind in words
    text: str
    stage: int | None
    told: str  # who was told, and who was not and why
    alert: str
    url: str
    marks: str  # what was assumed
    ended: bool = False  # the alert was over with it


def lines(timeline: Timeline, names: Names, lang: str) -> list[Line]:
    """Everything in order of time; at one time facts first, then what ews made of them."""
    order = list(KINDS)
    done = {one.at for one in timeline.reactions}  # a context row may say the same
    found = [
        *(_known(one, lang) for one in timeline.known if one.read or one.observed_at not in done),
        *(_seen(one, names, lang) for one in timeline.seen),
        *(_step(one, names, lang) for one in timeline.steps),
        *(_happened(one, "reaction", lang) for one in timeline.reactions),
        *(_happened(one, "reality", lang) for one in timeline.reality),
    ]
    return sorted(found, key=lambda line: (line.at, order.index(line.kind)))


def _line(at: datetime, kind: str, text: str, lang: str, **more: object) -> Line:
    fields: dict[str, object] = {
        "observed_at": None, "stage": None, "told": "", "alert": "", "url": "", "marks": "", **more,
    }  # fmt: skip
    return Line(at=at, kind=kind, what=say(KINDS[kind], lang), text=text, **fields)  # type: ignore[arg-type]


def _known(one: Known, lang: str) -> Line:
    marks = []
    if one.hour_assumed:
        marks.append(say(("시각 가정", "hour assumed"), lang))
    if one.page_later:
        marks.append(say(("뒷날의 글에서 읽음", "read in a later page"), lang))
    text = f"{one.ko if lang == 'ko' else one.en} [{one.outlet}]"
    return _line(one.available_at, "known" if one.read else "unread", text, lang,
                 observed_at=one.observed_at, url=one.url, marks=", ".join(marks))  # fmt: skip


def _seen(one: Seen, names: Names, lang: str) -> Line:
    about = _about(names, lang, one.countries, one.items, one.chokepoints)
    text = f"{names.type(one.type, lang)} · {about} · {one.probability:.0%}"
    return _line(one.at, "seen", text, lang)


def _step(one: Step, names: Names, lang: str) -> Line:
    about = _about(names, lang, one.countries, one.items, one.chokepoints)
    change = say(CHANGES.get(one.change, (one.change, one.change)), lang)
    chance = "" if one.chance is None else f" · {one.chance:.0%}"
    text = f"{change} · {names.type(one.type, lang)} · {about}{chance}"
    return _line(one.at, "alert" if one.of_case else "other", text, lang, stage=one.stage,
                 told=_told(one.told, lang), alert=one.alert,
                 ended=one.change in {"resolved", "retracted"})  # fmt: skip


def _happened(one: Happened, kind: str, lang: str) -> Line:
    marks = say(("시각 가정", "hour assumed"), lang) if one.hour_assumed else ""
    text = f"{one.ko if lang == 'ko' else one.en} [{one.source}]"
    return _line(one.at, kind, text, lang, marks=marks)


def _about(
    names: Names, lang: str, countries: Iterable[str], items: Iterable[str], routes: Iterable[str]
) -> str:
    said = [
        *(names.chokepoint(code, lang) for code in routes),
        *(names.country(code, lang) for code in countries),
        *(names.item(code, lang) for code in items),
    ]
    return ", ".join(said[:6]) or "-"


def _told(told: Iterable[Told], lang: str) -> str:
    told = list(told)
    sent = [one.receiver for one in told if one.sent]
    held = [f"{one.receiver}({say(HELD[one.reason], lang)})" for one in told
            if not one.sent and one.reason in HELD]  # fmt: skip
    parts = [", ".join(sent)] if sent else []
    if held:
        parts.append(f"{say(('보류', 'held'), lang)}: {', '.join(held)}")
    return "; ".join(parts)


# --------------------------------------------------------------------------- in short


def summary(timeline: Timeline, lang: str) -> Iterator[tuple[str, str]]:
    """What an official must know first, name and value."""
    if timeline.lead is None:
        raised = len({step.alert for step in timeline.steps})
        quiet = say(("경보 없음 (옳음)", "no alert (right)"), lang)
        wrong = f"{raised} {say(('건: 모두 틀림', 'alerts: all wrong'), lang)}"
        yield say(("결과", "result"), lang), wrong if raised else quiet
        return
    yield say(("공개된 때", "public at"), lang), moment(timeline.reference_time)
    yield from _firsts(timeline.lead, lang)
    met = timeline.lead.reaction
    if met is not None:
        said = met.ko if lang == "ko" else met.en
        yield say(("실제 첫 대응", "the state's reaction"), lang), f"{moment(met.at)[:10]} {said}"
        yield say(("경보 선행", "warning lead"), lang), days(timeline.lead.measure_days, lang)
        if timeline.lead.hint_days != timeline.lead.measure_days:
            yield (say(("조짐부터 세면", "from the earlier hint"), lang),
                   days(timeline.lead.hint_days, lang))  # fmt: skip
    if timeline.lead.shortage is not None:
        yield (say(("첫 부족까지", "to the first shortage"), lang),
               days(timeline.lead.shortage_days, lang))  # fmt: skip


def _firsts(lead: Lead, lang: str) -> Iterator[tuple[str, str]]:
    for first, name in (
        (lead.hint_caution if lead.hint_caution != lead.measure else None,
         ("조짐에 낸 첫 주의 이상", "first at caution, on an earlier hint")),
        (lead.measure, ("첫 주의 이상 경보", "first alert at caution or higher")),
    ):  # fmt: skip
        if first is not None:
            stage = Stage(first.stage)
            said = stage.ko if lang == "ko" else stage.en
            yield say(name, lang), f"{moment(first.at)} {said} {first.alert}"
    if lead.measure is None:
        yield (say(("첫 주의 이상 경보", "first alert at caution or higher"), lang),
               say(("없음", "none"), lang))  # fmt: skip


def conditions(timeline: Timeline, lang: str, routes: bool = True) -> str:
    """By what it was played and what it shows; `routes`: which list of receivers it was, too."""
    one = timeline.played
    to = ("", "")
    if routes and one.routes:
        to = f", 수신처 {_from(one.routes)}", f", routes {one.routes}"
    played = (
        f"재생 조건: 규칙 {_from(one.rules_from)} ({one.rules}), 모델 {', '.join(one.models)}{to[0]}, "
        f"기사 {one.texts:,}건, 값 {one.values:,}개.",
        f"Played by rules {one.rules_from} ({one.rules}), model {', '.join(one.models)}{to[1]}, "
        f"{one.texts:,} texts, {one.values:,} values.",
    )
    return f"{say(played, lang)} {say(OF_THEN if one.tags_of_then else CHOSEN, lang)}"


def _from(text: str) -> str:
    """Where rules or routes are from, in Korean; the name of a file as it is."""
    known = {"shipped": "기본", "in force": "지금 것"}
    return known.get(text) or (f"{text[8:]}판" if text.startswith("version ") else text)


CHOSEN = (
    "사실은 뒷날 골라 우리 말로 적은 것이라, 그때 수집했다는 증거가 아니라 읽었다면 알렸다는 증거입니다.",
    "The facts were chosen afterwards and are told in our words: they show that ews would have told, "
    "given them, not that it would have collected them.",
)
OF_THEN = (
    "기사와 분류는 이 저장소에 그때 남은 것이고 다시 읽지 않았습니다. 규칙과 프로그램은 지금 것입니다.",
    "The texts and their labels are those that this store has of then, and no text was read again; "
    "rules and program are of now.",
)


def days(value: float | None, lang: str) -> str:
    """A lead in words.

    >>> days(22.0, "en"), days(-4.1, "ko"), days(0.1, "en"), days(None, "en")
    ('22.0 days before', '4.1일 늦음', 'the same day', 'none')
    """
    if value is None:
        return say(("없음", "none"), lang)
    if abs(value) < 0.5:
        return say(("같은 날", "the same day"), lang)
    if lang == "ko":
        return f"{value:.1f}일 먼저" if value > 0 else f"{-value:.1f}일 늦음"
    return f"{value:.1f} days before" if value > 0 else f"{-value:.1f} days after"


def moment(at: datetime | None) -> str:
    return "-" if at is None else f"{at.astimezone(UTC) + KST:%Y-%m-%d %H:%M} KST"


def say(pair: tuple[str, str], lang: str) -> str:
    return pair[0] if lang == "ko" else pair[1]
