"""How the command line shows learning and drift: tables of plain text in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ews.cli.output import Output, clean, moment
from ews.model import Example
from ews.reports.learning_words import (
    ASKS,
    BY,
    RELEVANT,
    STATES,
    group_words,
    missed_words,
    reason_words,
    suggestion_words,
)
from ews.reports.ledger_words import said
from ews.reports.names import label
from ews.tuning.drift import Drift
from ews.tuning.drift_telling import sentence, subject
from ews.tuning.learning_lines import ExampleLine, Learning, Ratios, SuggestionLine
from ews.tuning.learning_missed import Missed
from ews.tuning.learning_ratios import LEAST

SHOWN = 200


def examples(out: Output, found: Learning) -> None:
    out.say(out.t(f"결정 대기 {found.waiting} · 받아들임 {found.accepted} · 물리침 {found.rejected}",
                  f"waiting {found.waiting}, accepted {found.accepted}, rejected {found.rejected}"))  # fmt: skip
    if not found.examples:
        return
    out.table(
        out.t("피드백에서 나온 예시", "Examples from feedback"),
        ["ID", out.t("상태", "state"), out.t("글", "text"), out.t("유형", "types"),
         out.t("관련", "relevance"), out.t("물음", "asks")],
        [
            (one.example.id, said(STATES, one.example.state.value, out.lang), clean(one.title),
             _types(one.example.labels, out.lang), _relevant(one.example, out),
             _asks(one.example, out.lang))
            for one in found.examples[:SHOWN]
        ],
    )  # fmt: skip
    if len(found.examples) > SHOWN:
        more = len(found.examples) - SHOWN
        out.say(out.t(f"그 밖에 {more}개: --json", f"{more} more: --json"))


def example(out: Output, one: ExampleLine) -> None:
    out.say(clean(one.title), "bold")
    out.facts([
        ("ID", one.example.id), (out.t("링크", "link"), one.url),
        (out.t("매체", "outlet"), clean(one.outlet)),
        (out.t("상태", "state"), said(STATES, one.example.state.value, out.lang)),
        (out.t("누가", "by"), one.example.decided_by),
        (out.t("유형", "types"), _types(one.example.labels, out.lang)),
        (out.t("관련", "relevance"), _relevant(one.example, out)),
        (out.t("품목", "items"), ", ".join(label("item", i).text(out.lang) for i in one.example.items)),
        (out.t("모델이 읽은 것", "the model says"),
         ", ".join(f"{label('type', t).text(out.lang)} {p:.2f}" for t, p in one.says.items())),
        (out.t("경보", "alert"), one.example.alert_id), (out.t("근거", "from"), one.example.source),
        (out.t("물음", "asks"), _asks(one.example, out.lang)),
    ])  # fmt: skip


def decided(out: Output, one: Example) -> None:
    out.facts([
        ("ID", one.id), (out.t("상태", "state"), said(STATES, one.state.value, out.lang)),
        (out.t("누가", "by"), one.decided_by),
        (out.t("유형", "types"), _types(one.labels, out.lang)),
        (out.t("관련", "relevance"), _relevant(one, out)),
    ])  # fmt: skip


def _types(labels: Sequence[str], lang: str) -> str:
    return ", ".join(label("type", one).text(lang) for one in labels)


def _relevant(one: Example, out: Output) -> str:
    return out.t(*RELEVANT[one.relevant])


def _asks(one: Example, lang: str) -> str:
    return clean(said(ASKS, one.note, lang))


def suggestions(out: Output, found: Sequence[SuggestionLine]) -> None:
    if not found:
        out.say(out.t("피드백이 바꾸자고 할 만한 규칙이 없습니다.", "Feedback speaks for no change of the rules."))  # fmt: skip
    for one in found:
        suggestion(out, one)


def suggestion(out: Output, line: SuggestionLine) -> None:
    one = line.suggestion
    out.say(f"{one.id} · {said(STATES, one.state.value, out.lang)}", "bold")
    out.say(suggestion_words(one, out.lang))
    out.facts([
        *((key, f"{_shown(line.before[key])} → {value}") for key, value in one.changes.items()),
        (out.t("행위", "acts"), len(one.acts)),
        (out.t("누가", "by"), one.decided_by), (out.t("버전", "version"), one.ruleset),
        (out.t("까닭", "reason"), clean(one.note)),
    ])  # fmt: skip


def _shown(value: object) -> object:
    return 1 if value is None else value


def missed(out: Output, found: Iterable[Missed]) -> None:
    rows = [
        (one.act_id, moment(one.at), clean(one.note),
         missed_words(one.why, one.facts, one.nearest, out.lang),
         "\n".join(clean(text.title) for text in one.texts))
        for one in found
    ]  # fmt: skip
    out.table(
        out.t("놓친 경보 신고", "Reports of missed alerts"),
        ["ID", out.t("때", "when"), out.t("내용", "what"), out.t("어디까지 왔나", "how far it came"),
         out.t("글", "texts")],
        rows,
    )  # fmt: skip


def ratios(out: Output, found: Ratios) -> None:
    out.say(out.t(f"경보 {found.alerts}건, 사람이 판단한 것 {found.judged}건, 그 가운데 틀린 것 {found.wrong}건",
                  f"{found.alerts} alerts, {found.judged} judged by people, {found.wrong} of them wrong"))  # fmt: skip
    for by in BY:
        rows = [one for one in found.rows if one.by == by and (one.judged or one.reasons)]
        if rows:
            out.table(
                said(BY, by, out.lang),
                [said(BY, by, out.lang), out.t("경보", "alerts"), out.t("판단", "judged"),
                 out.t("틀림", "wrong"), out.t("비율", "share"), "95%", out.t("단계가 높음", "too high"),
                 out.t("까닭", "reasons")],
                [
                    (group_words(by, one.key, out.lang), one.alerts, one.judged, one.wrong,
                     "-" if one.share is None else f"{one.share:.0%}",
                     "-" if one.interval is None
                     else f"{one.interval[0]:.0%}~{one.interval[1]:.0%}",
                     one.too_high, reason_words(one.reasons, out.lang))
                    for one in rows[:30]
                ],
                right=[1, 2, 3, 4, 6],
            )  # fmt: skip
    out.say(out.t(f"비율은 판단한 경보가 {LEAST}건 이상일 때만 적습니다.",
                  f"A share is given from {LEAST} judged alerts on."))  # fmt: skip


def drift(out: Output, found: Drift) -> None:
    out.facts([
        (out.t("기간", "window"), f"{found.since:%Y-%m-%d} .. {found.until:%Y-%m-%d} UTC"),
        (out.t("견준 기간", "reference"), f"{found.reference_since:%Y-%m-%d} .. {found.since:%Y-%m-%d}"),
        (out.t("글", "texts"), f"{found.texts} / {found.reference_texts}"),
        (out.t("검정", "tests"), len(found.tests)),
    ])  # fmt: skip
    if found.why_not:
        out.say(why_not(found, out.lang))
        return
    for one in found.findings:
        out.say(f"! {clean(sentence(one, out.lang))}", "bold")
    if not found.findings:
        out.say(out.t("달라진 것이 없습니다.", "Nothing drifted."))
    out.table(
        out.t("검정마다", "Test by test"),
        [out.t("무엇", "what"), out.t("종류", "kind"), out.t("크기", "effect"),
         out.t("앞선 주", "past"), out.t("한계", "limit"), "q", "n"],
        [
            (clean(subject(one, out.lang)), one.kind, f"{one.effect:.3f}",
             "-" if one.past is None else f"{one.past:.3f}", f"{one.limit:.3f}", f"{one.q:.2g}",
             one.n)
            for one in found.tests
        ],
        right=[2, 3, 4, 5, 6],
    )  # fmt: skip


def why_not(found: Drift, lang: str) -> str:
    words = {
        "too_little_past": ("견줄 지난 네 주 이상의 글이 없어 검정하지 않았습니다.",
                            "Nothing was tested: fewer than four earlier weeks have texts."),
        "no_texts": ("이 기간에는 글이 하나도 오지 않았습니다. 수집을 확인하십시오.",
                     "No text came in the window: look at what is collected."),
    }  # fmt: skip
    return said(words, found.why_not, lang)
