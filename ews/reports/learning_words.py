"""The words of learning in both languages: examples, suggestions, ratios, why an alert was missed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from alerts.words import say
from ews.model import FALSE_ALARMS, Stage, Suggestion
from ews.reports.ledger_words import LANGUAGES, Words, said
from ews.reports.names import label

STATES: Words = {
    "open": ("결정 대기", "waiting"),
    "accepted": ("받아들임", "accepted"),
    "rejected": ("물리침", "rejected"),
}
ASKS: Words = {
    "labels_unread": ("유형은 모델이 읽은 것입니다. 맞는 유형을 적으면 유형도 가르치고, 비우면 관련 여부만 가르칩니다",
                      "the types are the model's own: give the right ones to teach types too"),
    "type_asked": ("맞는 유형을 적어야 합니다", "say which types are right"),
    "items_asked": ("맞는 품목을 적어야 합니다", "say which items are right"),
    "choice": ("신고한 일의 글로 보이는 것 여럿 가운데 하나입니다. 하나를 받아들이면 나머지는 치웁니다",
               "one of several texts that the report may mean: accepting one puts the others away"),
    "superseded": ("같은 경보에 더 새로운 말이 있습니다", "a newer word on the same alert took its place"),
    "": ("", ""),
}  # fmt: skip
BY: Words = {
    "rule": ("규칙", "rule"), "type": ("유형", "event type"), "outlet": ("매체", "outlet"),
    "group": ("독립 계열", "independence group"), "language": ("글의 언어", "language"),
    "item": ("품목", "item"),
}  # fmt: skip
RELEVANT: Mapping[bool | None, tuple[str, str]] = {
    True: ("한국과 관련 있음", "matters to Korea"),
    False: ("한국과 관련 없음", "does not matter to Korea"),
    None: ("말한 사람 없음", "nobody said"),
}
WHYS: Words = {
    "told": ("경보가 있었습니다: 최고 단계 {stage}. 받는 곳의 조건이나 한도에 걸렸는지 경보 화면에서 보십시오.",
             "There was an alert, up to {stage}: its page shows whether conditions or budgets of a receiver held it."),
    "nearest": ("사건으로는 잡혔으나 규칙에 미치지 못했습니다. 가장 가까운 규칙 {rule}: {short}",
                "An event was made of it, and no rule held. The nearest, {rule}: {short}"),
    "not_open": ("사건으로 잡혔으나 그 유형에 맞는 규칙이 없습니다.", "An event was made of it; no rule is for its type."),
    "in_story": ("글이 {type}(확률 {p})을(를) 말하지만, 이 글을 근거로 둔 사건을 찾지 못했습니다. 글이 많은 사건은 처음과 최근 글만 근거로 둡니다.",
                 "A text states {type} (probability {p}), and no event keeps it as evidence: of many texts an event keeps the first and newest."),
    "no_event": ("글은 있었으나 모델이 사건으로 읽지 않았습니다: 가장 높은 유형 {type}, 확률 {p}",
                 "A text was there, and the model read no event in it: at most {type}, probability {p}"),
    "screened": ("글은 있었으나 첫 거르기에서 걸러졌습니다: 사건일 확률 {p}",
                 "A text was there, and the first pass put it aside: probability of an event {p}"),
    "untagged": ("글은 있었으나 아직 읽지 않았습니다.", "A text was there and is not read yet."),
    "source_silent": ("그 무렵 수집원 {source}에서 아무것도 오지 않았습니다.",
                      "The source {source} brought nothing in those days."),
    "no_text": ("그 무렵 모은 글 가운데 맞는 것이 없습니다. 링크를 주면 더 확실합니다.",
                "No text collected in those days fits. A link makes it surer."),
    "unknown_item": ("‘{item}’은(는) 아는 품목이 아니어서 찾지 못했습니다.",
                     "Nothing is known of the item “{item}”, so nothing was found."),
}  # fmt: skip


class Shortfall(Protocol):
    @property
    def measure(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def needed(self) -> float: ...


class Near(Protocol):
    @property
    def rule(self) -> str: ...
    @property
    def short(self) -> tuple[Shortfall, ...]: ...
    @property
    def other(self) -> str: ...


def missed_words(why: str, facts: Mapping[str, str], nearest: Near | None, lang: str) -> str:
    """Why no alert came."""
    values = dict(facts)
    if why == "nearest" and nearest is not None:
        values["short"] = lacking(nearest, lang)
    if "type" in values:
        values["type"] = label("type", values["type"]).text(lang) if values["type"] else "-"
    if "stage" in values:
        stage = Stage.parse(values["stage"])
        values["stage"] = stage.ko if lang == "ko" else stage.en
    return said(WHYS, why, lang).format(**values)


def lacking(nearest: Near, lang: str) -> str:
    """`probability 0.62 < 0.7`, one after the other."""
    parts = [
        f"{say(f'measure.{one.measure}', lang)} {one.value:g} < {one.needed:g}"
        for one in nearest.short
    ]
    others: Words = {
        "phase": ("국면이 맞지 않음", "of another phase"),
        "corroborated": ("독립된 출처가 하나뿐", "one independent source only"),
    }
    if nearest.other:
        parts.append(said(others, nearest.other, lang))
    return ", ".join(parts) or said({"-": ("나중에 올라섰음", "it holds by now")}, "-", lang)


def suggestion_words(one: Suggestion, lang: str) -> str:
    """What speaks for a change, with its counts."""
    facts = one.facts
    if one.why == "missed":
        measure = say(f"measure.{facts['measure']}", lang)
        why = (
            f"놓쳤다고 신고된 일이 규칙 {facts['rule']}에 한 가지만 모자랐습니다: {measure} {facts['value']} < {facts['needed']}."
            if lang == "ko"
            else f"What was reported as missed lacked one line of {facts['rule']}: {measure} {facts['value']} < {facts['needed']}."
        )
    else:
        why = _wrong_words(facts, lang)
    return f"{why} {_effect_words(facts, lang)}"


def _wrong_words(facts: Mapping[str, str], lang: str) -> str:
    kind, _, name = facts["subject"].partition(":")
    if kind in ("type", "country"):
        name = label(kind, name).text(lang)
    low, high = float(facts["low"]), float(facts["high"])
    share = float(facts["share"])
    what = said({"rule": ("규칙", "rule"), "type": ("유형", "type"), "country": ("국가", "country")},
                kind, lang)  # fmt: skip
    if lang == "ko":
        return (f"{what} {name}: 사람이 판단한 경보 {facts['judged']}건 가운데 {facts['against']}건이 틀렸거나 단계가 "
                f"높다고 했습니다({share:.0%}, 95% 구간 {low:.0%}~{high:.0%}).")  # fmt: skip
    return (f"{what} {name}: of {facts['judged']} alerts that people judged, {facts['against']} were wrong or "
            f"too high ({share:.0%}, 95% interval {low:.0%} to {high:.0%}).")  # fmt: skip


def _effect_words(facts: Mapping[str, str], lang: str) -> str:
    stage = Stage(int(facts["stage"]))
    if lang == "ko":
        return (f"기간 전체에 대보면 틀린 경보 {facts['drops_wrong']}건, 맞은 경보 {facts['drops_right']}건, 판단 없는 경보 "
                f"{facts['drops_unjudged']}건이 {stage.ko} 이상에서 빠지고, 하루 {facts['per_day_before']}건이 "
                f"{facts['per_day_after']}건이 됩니다.")  # fmt: skip
    return (f"Over the period {facts['drops_wrong']} wrong, {facts['drops_right']} right and "
            f"{facts['drops_unjudged']} unjudged alerts would not have reached {stage.en}: "
            f"{facts['per_day_before']} a day become {facts['per_day_after']}.")  # fmt: skip


def group_words(by: str, key: str, lang: str) -> str:
    """The name of a group of a ratio."""
    if key == "-":
        return said({"-": ("글이 아님(수치)", "no text (a figure)")}, "-", lang)
    if by in ("type", "item"):
        return label(by, key).text(lang)
    return said(LANGUAGES, key, lang) if by == "language" else key


def reason_words(reasons: Mapping[str, int], lang: str) -> str:
    """`opinion 3, too high 1`."""
    return ", ".join(
        f"{say(f'false.{name}', lang) if name in FALSE_ALARMS else name} {count}"
        for name, count in reasons.items()
    )
