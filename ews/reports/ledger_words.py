"""The words of the ledger in both languages: outcomes, what they rest on, what proves them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ews.model import Proof, Resolution
from ews.reports.names import label
from ews.reports.views import Label
from ews.reports.words import word
from ews.storage.ledger import outcome_of
from graph.goods import goods

Words = Mapping[str, tuple[str, str]]
OUTCOMES: Words = {
    "open": ("아직 모름", "open"),
    "true": ("맞음", "true"),
    "false": ("틀림", "false"),
    "late": ("맞았으나 늦음", "true, but late"),
    "prevented": ("맞았고 조치로 막음", "true, and prevented"),
    "unconfirmed": ("확인되지 않음", "unconfirmed"),
}
BASES: Words = {
    "feedback": ("담당자의 판단", "a named person's word"),
    "review": ("사후 판독", "readers who judged it afterwards"),
    "series": ("뒤에 나온 통계·가격", "figures that came later"),
    "reports": ("뒤이은 보도·공고", "later reports and notices"),
    "": ("아직 없음", "nothing yet"),
}
DIMENSIONS: Words = {
    "stage": ("단계", "stage"),
    "type": ("유형", "type"),
    "language": ("글의 언어", "language of the text"),
    "rule": ("규칙", "rule"),
}
LANGUAGES: Words = {
    "ko": ("한국어", "Korean"), "en": ("영어", "English"), "zh": ("중국어", "Chinese"),
    "ja": ("일본어", "Japanese"), "-": ("글이 아님(수치)", "no text (a figure)"),
}  # fmt: skip
STAGES: Words = {
    "watch": ("관심", "watch"), "caution": ("주의", "caution"), "alert": ("경계", "alert"),
    "severe": ("심각", "severe"),
}  # fmt: skip
CHANCES: Words = {
    "alert": ("경보의 확률", "probability of the alert"),
    "event": ("사건의 확률", "probability of its event"),
    "": ("-", "-"),
}
KINDS: Words = {
    "act": ("사람이 한 일", "a person's act"),
    "article": ("글", "text"),
    "observation": ("통계·가격", "figure"),
    "event": ("사건", "event"),
    "verdict": ("판독", "verdict"),
}
MEASURES: Words = {
    "export-kg": ("수출량", "export"),
    "transits": ("통과 선박", "transits"),
    "capacity": ("통과 선복량", "capacity in transit"),
    "price-usd": ("가격", "price"),
    "price-index": ("가격지수", "price index"),
}


def said(table: Words, key: str, lang: str) -> str:
    """The words of a key; an unknown one shows as it is."""
    ko, en = table.get(key, (key, key))
    return ko if lang == "ko" else en


def outcome_word(outcome: str, unconfirmed: bool, lang: str) -> str:
    return said(OUTCOMES, "unconfirmed" if unconfirmed else outcome, lang)


def outcome_label(resolutions: Iterable[Resolution]) -> Label | None:
    """How an alert turned out and on what that rests, in words; None while nothing was decided."""
    held = outcome_of(resolutions)
    if held is None:
        return None
    en, ko = (
        f"{said(OUTCOMES, held.outcome, lang)} ({said(BASES, held.basis, lang)})"
        for lang in ("en", "ko")
    )
    return Label(held.outcome.value, en, ko)


def group_word(by: str, key: str, lang: str) -> str:
    """The name of a group of the calibration."""
    if by == "type":
        return label("type", key).text(lang)
    return said({"stage": STAGES, "language": LANGUAGES}.get(by, {}), key, lang)


def proof_word(proof: Proof, lang: str) -> str:
    """What a proof says, in words; a text's title stays as its outlet wrote it."""
    what, _, rest = proof.says.partition(":")
    if proof.kind == "article":
        return proof.says
    if proof.kind == "observation":
        return _figure(proof.says, lang)
    if proof.kind == "verdict":
        return _verdict(rest, lang)
    if what == "authority":
        who = ", ".join(label("country", code).text(lang) for code in rest.split(",") if code)
        return (
            f"당국이 직접 밝힘 ({who})" if lang == "ko" else f"the authority itself said so ({who})"
        )
    if proof.kind == "event":
        return word(what, lang)
    outcome = said(OUTCOMES, rest, lang)
    return f"{word(what, lang)}: {outcome if rest in OUTCOMES else word(rest, lang)}".rstrip(": ")


def _verdict(text: str, lang: str) -> str:
    real, _, readers = text.partition(";of=")
    was = said(OUTCOMES, "true" if real == "real" else "false", lang)
    return (
        f"판독 {readers}명: {was}"
        if lang == "ko"
        else f"{readers} reader{'' if readers == '1' else 's'}: {was}"
    )


FIGURE = re.compile(r"(.+):move=(.+);usual=(.+);rarer=(.+);n=(\d+)")


def _figure(text: str, lang: str) -> str:
    """`comtrade/export-kg/CN-KR/graphite:move=-0.41;usual=-0.2;rarer=0.015;n=3` in words."""
    found = FIGURE.fullmatch(text)
    if found is None:
        return text
    series, move, usual, rarer, periods = found.groups()
    parts = series.split("/")
    measure = said(MEASURES, parts[1], lang) if len(parts) == 4 else series
    where = _where(parts, lang) if len(parts) == 4 else ""
    moved, ordinary = f"{float(move):+.0%}", f"{float(usual):+.0%}"
    if lang == "ko":
        return (
            f"{where} {measure} {moved} (경보 뒤 {periods}기간 가운데 가장 큰 움직임; 과거 20번 중 "
            f"19번은 {ordinary} 안, 이만한 일은 과거의 {float(rarer):.1%})"
        )
    return (
        f"{measure}, {where}: {moved} (largest of {periods} periods after the alert; 19 of 20 "
        f"earlier ones stayed within {ordinary}, {float(rarer):.1%} moved as far)"
    )


def _where(parts: list[str], lang: str) -> str:
    provider, measure, place, item = parts
    if measure in ("transits", "capacity"):
        named = label("chokepoint", place).text(lang)
    elif measure == "export-kg":
        origin, _, to = place.partition("-")
        ends = [label("country", code).text(lang) for code in (origin, to)]
        named = f"{'→'.join(ends)} {_good(item, lang)}"
    else:
        named = f"{label('item', item).text(lang)} {'' if place == 'WLD' else place}".strip()
    return f"{named} [{provider}]"


def _good(item: str, lang: str) -> str:
    """The name of an item or of an HS6 code, which stays beside it."""
    good = goods().get(item)
    return f"{good.name(lang)} ({item})" if good else label("item", item).text(lang)
