"""What does the form of a new case hold? Fields as typed, the row that they make, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from alerts.words import Bilingual
from ews.tuning.case_fields import CaseFieldError
from ews.tuning.casework import Draft

FIELDS: Mapping[str, tuple[str, str]] = {
    "id": ("사례 ID", "ID of the case"), "name_ko": ("이름(한국어)", "Name, Korean"),
    "name_en": ("이름(영어)", "Name, English"), "event_type": ("유형", "Event type"),
    "onset": ("시작한 날", "Day it began"), "reference_time": ("뜻이 드러난 때", "First clear report"),
    "countries": ("국가", "Countries"), "items": ("품목", "Items"), "hs": ("HS 코드", "HS codes"),
    "names": ("기업·항만·해협", "Firms, ports, straits"), "severity": ("심각도", "Severity"),
    "expected_stage": ("기대 단계", "Expected stage"), "end": ("끝난 날", "Day it ended"),
    "links": ("보도 링크", "Links of reports"), "matching_query": ("찾을 말", "Words to find more"),
    "historical_reaction": ("실제 첫 대응", "The state's first reaction"), "note": ("메모", "Note"),
}  # fmt: skip
# What a field must be, for who reads Korean; the English words are those of the check itself.
MUST: Mapping[str, str] = {
    "id": "영문 소문자, 숫자, -, _ 로 3~64자를 적으십시오.",
    "name_en": "한국어나 영어 이름 하나는 있어야 합니다.",
    "event_type": "목록에서 고르십시오.",
    "onset": "날짜를 2026-01-05 처럼 적으십시오.",
    "reference_time": "때를 2026-01-05T12:00 처럼 적으십시오(한국 시각).",
    "countries": "두 글자 국가 코드를 쉼표로 나누어 적으십시오(유럽연합은 EU).",
    "items": "ews의 품목 코드를 쉼표로 나누어 적으십시오.",
    "hs": "4자리나 6자리 HS 코드를 쉼표로 나누어 적으십시오.",
    "severity": "0에서 3 사이를 고르십시오.",
    "expected_stage": "관심, 주의, 경계, 심각 가운데 고르십시오.",
    "end": "뜻이 드러난 때보다 뒤의 날짜를 적으십시오.",
    "links": "http(s)로 시작하는 주소를 한 줄에 하나씩, 200개까지 적으십시오.",
    "matching_items": "http(s)로 시작하는 주소를 한 줄에 하나씩, 200개까지 적으십시오.",
    "matching_query": "정규식으로 읽을 수 있는 말을 한 줄에 하나씩 적으십시오.",
    "historical_reaction": "날짜, 누가 무엇을, 출처를 모두 적으십시오.",
}
TEXTS = ("id", "name_ko", "name_en", "event_type", "onset", "expected_stage", "end", "note")
LISTS = ("countries", "items", "hs", "names")
REACTION = {"reaction_date": "date", "reaction_who": "who", "reaction_source": "source"}
TYPED = (*TEXTS, *LISTS, "reference_time", "severity", "links", "queries", *REACTION)
NAIVE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?")


def typed_of(sent: Mapping[str, str]) -> dict[str, str]:
    """What was typed, field by field; a field that was not sent is empty."""
    return {name: sent.get(name, "").strip() for name in TYPED}


def row_of(typed: Mapping[str, str]) -> dict[str, object]:
    """The row that the typed fields make; what was left empty is left out.

    >>> row_of({"countries": "cn, kr", "severity": "2", "reference_time": "2026-01-05T12:00"})
    {'countries': ['CN', 'KR'], 'reference_time': '2026-01-05T12:00+09:00', 'severity': 2}
    """
    row: dict[str, object] = {name: typed.get(name, "") for name in TEXTS}
    row |= {name: _parts(typed.get(name, ""), ",") for name in LISTS}
    row["countries"] = [one.upper() for one in _parts(typed.get("countries", ""), ",")]
    at = typed.get("reference_time", "")
    row["reference_time"] = f"{at}+09:00" if NAIVE.fullmatch(at) else at
    said = typed.get("severity", "")
    row["severity"] = int(said) if said in {"0", "1", "2", "3"} else said
    row["links"] = typed.get("links", "").split()
    if queries := _parts(typed.get("queries", ""), "\n"):
        row["matching_query"] = {"any_of": queries}
    reaction = {name: typed.get(key, "") for key, name in REACTION.items()}
    if any(reaction.values()):
        row["historical_reaction"] = reaction
    return {key: value for key, value in row.items() if value not in ("", [])}


def begun(draft: Draft) -> dict[str, str]:
    """The fields of a form that begins with what an alert says."""
    row = {key: _shown(key, value) for key, value in draft.row.items()}
    return typed_of(row)


def wrong(err: ValueError, lang: str) -> list[str]:
    """What is wrong, one line for each field, in the reader's language."""
    if isinstance(err, CaseFieldError):
        return [_said(one, lang) for one in err.problems]
    return [err.text(lang) if isinstance(err, Bilingual) else str(err)]


def _said(problem: str, lang: str) -> str:
    field, _, said = problem.partition(": ")
    ko, en = FIELDS.get("links" if field == "matching_items" else field, (field, field))
    if lang != "ko":
        return f"{en}: {said}"
    lacking = "빠졌습니다. " if said == "is missing" else ""
    return f"{ko}: {lacking}{MUST.get(field, said)}"


def _parts(text: str, mark: str) -> list[str]:
    return [part.strip() for part in text.split(mark) if part.strip()]


def _shown(key: str, value: object) -> str:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ("\n" if key == "links" else ", ").join(map(str, value))
    return str(value)
