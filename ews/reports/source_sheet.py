"""Sources as a flat sheet for a spreadsheet program: a line for each."""

from __future__ import annotations

from datetime import datetime

from ews.reports.sheet_text import written
from ews.reports.source_views import SourceLine, SourcesReport
from ews.reports.source_words import trouble
from ews.reports.words import outcome_word, word

COLUMNS = {
    "name": "수집원", "title": "제목", "publisher": "발행처", "url": "주소", "group": "분야",
    "country": "국가", "language": "언어", "tier": "등급", "independence": "독립 묶음",
    "private": "자체 추가", "trusted": "확인됨", "live_tested": "실제로 읽어 봄", "state": "상태",
    "blind": "보이지 않음", "last_at": "마지막 시도", "last_outcome": "결과", "status": "HTTP",
    "last_good_at": "마지막 성공", "newest_inside": "자료의 최신 날짜", "next_due": "다음",
    "next_due_why": "다음의 까닭", "every_s": "정한 주기(초)", "learnt_s": "배운 주기(초)",
    "fresh_within_s": "신선 한도(초)", "rows": "행", "expect_min": "기대 최소", "expect_max": "기대 최대",
    "new_last_day": "하루 새 신호", "usual_day": "하루 평소", "new_last_week": "한 주 새 신호",
    "usual_week": "한 주 평소", "failures_in_a_row": "거듭 실패", "circuit": "차단기",
    "moved_to": "옮겨진 주소", "items_covered": "다루는 품목", "countries_covered": "다루는 국가",
    "covered_and_dark": "그 가운데 안 보이는 것", "what_to_do": "할 일", "command": "명령",
    "error_or_note": "오류·알림",
}  # fmt: skip


def sources_sheet(found: SourcesReport, lang: str) -> str:
    """A line for each source that was asked for; times are ISO 8601 in UTC."""
    columns = tuple(COLUMNS.values() if lang == "ko" else COLUMNS)
    return written(columns, (_row(one, lang) for one in found.sources))


def _row(one: SourceLine, lang: str) -> tuple[object, ...]:
    todo = one.advice[0] if one.advice else None
    return (
        one.name, one.title_ko if lang == "ko" else one.title, one.publisher, one.url,
        word(one.group, lang), one.country.code, one.lang, one.tier, one.independence,
        _yes(one.private, lang), _yes(one.trusted, lang), _yes(one.live_tested, lang),
        word(one.state, lang), _yes(one.blind, lang), _time(one.last_at),
        outcome_word(one.last_outcome, lang), one.status, _time(one.last_good_at),
        _time(one.newest), _time(one.next_due), one.why, one.every_s, one.learnt_s,
        one.fresh_within_s, one.rows, one.expect_min, one.expect_max, one.seen_day, one.usual_day,
        one.seen_week, one.usual_week, one.failures, one.circuit, one.moved_to, one.covers_items,
        one.covers_countries, one.dark, todo.text(lang) if todo else "",
        todo.command if todo else "", trouble(one, lang),
    )  # fmt: skip


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _yes(value: bool, lang: str) -> str:
    return ("예" if lang == "ko" else "yes") if value else ""
