"""Sources as terminal tables: which are silent, what to do, and one of them in full."""

from __future__ import annotations

from datetime import datetime

from ews.cli.output import Output, clean, moment
from ews.reports.source_advice import CHOSEN
from ews.reports.source_views import SourceLine, SourceReport, SourcesReport
from ews.reports.source_words import (
    a_round,
    flow_words,
    language_words,
    rows_words,
    state_words,
    terms_words,
    tier_words,
    trouble,
    why_next,
)
from ews.reports.words import outcome_word, word
from ews.spans import ago, span


def sources(out: Output, found: SourcesReport, now: datetime) -> None:
    """The list, then what cannot be seen and what to do: what asks for eyes stands last."""
    out.table(
        out.t("수집원", "Sources"),
        [out.t("상태", "state"), out.t("이름", "name"), out.t("분야", "group"),
         out.t("마지막 결과", "last"), out.t("마지막 성공", "last good"),
         out.t("자료의 최신 날짜", "newest inside"), out.t("새 신호", "new signals"),
         out.t("다음", "next"), out.t("오류·알림", "error or note")],
        [
            (f"{word(s.state, out.lang)}\n{state_words(s, now, out.lang)}".strip(),
             s.name + _unverified(out, s), word(s.group, out.lang),
             outcome_word(s.last_outcome, out.lang), moment(s.last_good_at), moment(s.newest),
             flow_words(s, out.lang), "-" if s.state == "off" else ago(s.next_due, now, out.lang),
             clean("; ".join(filter(None, [trouble(s, out.lang), a_round(s, out.lang)]))))
            for s in found.sources
        ],
    )  # fmt: skip
    counts = ", ".join(f"{word(state, out.lang)} {n}" for state, n in found.states.items() if n)
    out.say(out.t(f"모두 {found.count}곳: {counts}", f"{found.count} in all: {counts}"))
    if found.blind:
        out.say(out.t(f"보이지 않는 수집원 {found.blind}곳: 조용함이 이상 없음은 아닙니다.",
                      f"{found.blind} blind: quiet there does not mean calm."))  # fmt: skip
    _dark(out, found)
    _todo(out, found)
    for one in found.broken:
        out.say(clean(out.t(f"읽을 수 없는 수집원 폴더: {one.error}",
                            f"a folder that is no source: {one.error}")), "bold")  # fmt: skip


def _dark(out: Output, found: SourcesReport) -> None:
    if not found.dark:
        return
    names = ", ".join(one.subject.text(out.lang) for one in found.dark[:20])
    more = f" +{len(found.dark) - 20}" if len(found.dark) > 20 else ""
    out.say(out.t(f"그래서 보이지 않는 것: {names}{more}", f"Not seen for it: {names}{more}"))


def _todo(out: Output, found: SourcesReport) -> None:
    """What to do, the most pressing first, with what could be switched on in one line each."""
    rows = []
    for one in found.todo:
        names = ", ".join(one.sources[:6])
        more = f" +{len(one.sources) - 6}" if len(one.sources) > 6 else ""
        command = one.advice.command
        if len(one.sources) == 1:
            command = command.replace("NAME", one.sources[0])
        if one.advice.code not in CHOSEN:
            rows.append((clean(one.advice.text(out.lang)), f"{names}{more}", command))
    if rows:
        out.table(out.t("지금 할 일", "What to do now"),
                  [out.t("무엇", "what"), out.t("수집원", "sources"), out.t("명령", "command")], rows)  # fmt: skip
    keys = sorted({one.more for one in found.todo if one.advice.code == "key" and one.more})
    if keys:
        out.say(out.t(f"API 키가 없어 꺼진 수집원이 있습니다: {', '.join(keys)} (docs/settings.md).",
                      f"Off for want of an API key: {', '.join(keys)} (docs/settings.md)."))  # fmt: skip


def _unverified(out: Output, one: SourceLine) -> str:
    return "" if one.trusted else out.t(" (확인되지 않은 출처)", " (unverified source)")


def source(out: Output, found: SourceReport, now: datetime) -> None:
    """One source: how it stands, what to do, what rests on it, its last turns."""
    _facts(out, found, now)
    for advice in found.source.advice:
        said = advice.text(out.lang) + (f": {advice.command}" if advice.command else "")
        out.say(clean(f"-> {said}"), "bold")
    if found.turns:
        out.table(
            out.t("시도 기록", "Tries"),
            [out.t("때", "when"), out.t("결과", "outcome"), "HTTP", out.t("행", "rows"),
             out.t("신호", "signals"), out.t("최신 날짜", "newest inside"), out.t("오류·알림", "error or note")],
            [(moment(t.at), outcome_word(t.outcome, out.lang), t.status, t.rows, t.signals,
              moment(t.newest), clean(t.error)) for t in found.turns[:10]],
            right=[2, 3, 4],
        )  # fmt: skip


def _facts(out: Output, found: SourceReport, now: datetime) -> None:
    one, lang = found.source, out.lang
    state = " · ".join(filter(None, [word(one.state, lang), state_words(one, now, lang)]))
    learnt = one.learnt_s or 0
    every = span(one.every_s, lang) + (f" -> {span(learnt, lang)}" if learnt > one.every_s else "")
    rests = [n.text(lang) for n in found.covers]
    dark = [d.subject.text(lang) for d in found.dark]
    out.facts([
        (out.t("이름", "name"), one.name + _unverified(out, one)),
        (out.t("제목", "title"), clean(out.t(one.title_ko, one.title))),
        (out.t("발행처", "publisher"), clean(one.publisher)),
        (out.t("국가·언어·등급", "country, language, tier"),
         f"{one.country.text(lang)} · {language_words(one.lang, lang)} · {tier_words(one.tier, lang)}"),
        (out.t("독립 묶음", "independence"), clean(one.independence)),
        (out.t("상태", "state"), state),
        (out.t("마지막 수집", "last fetch"), moment(one.last_at)),
        (out.t("결과", "outcome"), outcome_word(one.last_outcome, lang)),
        (out.t("마지막 성공", "last good"), moment(one.last_good_at)),
        (out.t("자료의 최신 날짜", "newest inside"), moment(one.newest)),
        (out.t("행", "rows"), rows_words(one, lang)),
        (out.t("새 신호", "new signals"), flow_words(one, lang)),
        (out.t("주기", "every"), every),
        (out.t("다음", "next due"), " · ".join(filter(None, [moment(one.next_due), why_next(one.why, lang)]))),
        (out.t("옮겨진 주소", "moved to"), clean(one.moved_to)),
        (out.t("오류·알림", "error or note"), clean(trouble(one, lang))),
        (out.t("나누어 묻기", "asks in parts"), a_round(one, lang)),
        (out.t("다루는 것", "covers"), _some(rests)),
        (out.t("지금 보이지 않음", "dark now"), _some(dark)),
        (out.t("API 키", "API key"), one.key_env),
        ("URL", clean(one.url)),
        (out.t("이용 조건", "terms"), clean(terms_words(one.terms, lang))),
    ])  # fmt: skip


def _some(names: list[str]) -> str:
    return ", ".join(names[:20]) + (f" +{len(names) - 20}" if len(names) > 20 else "")
