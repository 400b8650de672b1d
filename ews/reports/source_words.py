"""What is wrong with a source, in words that say what to do? In Korean with the source's own words behind."""

from __future__ import annotations

from datetime import datetime

from ews.reports.source_errors import in_korean
from ews.reports.source_views import SourceLine
from ews.spans import ago, span


def trouble(line: SourceLine, lang: str) -> str:
    """What a person should know of the source now: why it is off, what failed, what was left out."""
    if line.state == "off":
        return next(one.text(lang) for one in line.advice if one.code != "unverified")
    said = line.error or line.note
    return in_korean(said) if lang == "ko" else said


def a_round(line: SourceLine, lang: str) -> str:
    """How long it takes until everything was asked, for a source that asks a part each turn."""
    if line.round_s is None:
        return ""
    days = line.round_s / 86_400
    return f"한 바퀴 도는 데 {days:.1f}일" if lang == "ko" else f"a round takes {days:.1f} d"


# --------------------------------------------------------------------------- facts in words

TIERS = {
    1: ("자기 발표·측정", "its own acts or measurements"), 2: ("언론", "a newsroom"),
    3: ("기계가 모음", "gathered by a machine"), 4: ("자체 추가", "added here"),
}  # fmt: skip
LANGUAGES = {
    "ko": ("한국어", "Korean"), "en": ("영어", "English"), "zh": ("중국어", "Chinese"),
    "ja": ("일본어", "Japanese"), "ru": ("러시아어", "Russian"), "es": ("스페인어", "Spanish"),
    "id": ("인도네시아어", "Indonesian"), "fr": ("프랑스어", "French"), "de": ("독일어", "German"),
    "vi": ("베트남어", "Vietnamese"), "ar": ("아랍어", "Arabic"), "pt": ("포르투갈어", "Portuguese"),
    "mul": ("여러 언어", "several languages"),
}  # fmt: skip
# What set the next turn (Polling.why, scrapers.schedule): (Korean, English)
WHY = {
    "schedule": ("정해 둔 주기대로", "on its schedule"),
    "history": ("새 글이 뜸해 천천히", "less often: it rarely brings something new"),
    "cache": ("발행처가 알린 유효 시간이 지나면", "when its answer stops being good, as it says (TTL, Cache-Control)"),
    "retry-after": ("발행처가 기다리라고 한 때에", "not before it asked us to (Retry-After)"),
    "back-off": ("실패하여 간격을 늘려 다시", "after a failure, with a growing wait"),
    "circuit": (
        "거듭 실패하여 드물게 한 번씩 확인",
        "it failed many times in a row: one try at the end of each wait",
    ),
    "gone": (
        "발행처가 없앴다고 답함(410): 다시 묻지 않음. 주소를 고치거나 `ews sources resume`",
        "gone (410): not asked again; correct url in source.toml, or `ews sources resume`",
    ),
    "host": ("서버를 잠시 쉬게 하는 중", "its host is left alone for now"),
}  # fmt: skip

TERMS_KO = {
    "publisher's terms not read yet: title, short summary and link are kept, nothing is republished":
        "발행처의 조건을 아직 읽지 않음: 제목, 짧은 요약, 링크만 두고 다시 펴내지 않음",
    "KOGL licence per item (type differs): title, short summary and link are kept":
        "글마다 공공누리(유형이 다름): 제목, 짧은 요약, 링크만 둠",
    "US government work, public domain": "미국 정부 저작물, 누구나 쓸 수 있음",
    "undocumented service: low rate, title and outlet only, links are not decoded":
        "문서가 없는 서비스: 드물게 묻고, 제목과 매체만 두며, 링크는 풀지 않음",
    "(c) Yonhap: keep title and link, do not republish":
        "저작권 연합뉴스: 제목과 링크만 두고 다시 펴내지 않음",
    "JMA website terms: free use with the source named (not read in full)":
        "일본 기상청 누리집 조건: 출처를 밝히면 자유 이용(다 읽지는 않음)",
}  # fmt: skip


def said(pair: tuple[str, str] | None, spare: str, lang: str) -> str:
    return spare if pair is None else pair[0 if lang == "ko" else 1]


def tier_words(tier: int, lang: str) -> str:
    return said(TIERS.get(tier), str(tier), lang)


def language_words(code: str, lang: str) -> str:
    return said(LANGUAGES.get(code), code, lang)


def terms_words(terms: str, lang: str) -> str:
    """What the publisher allows, as source.toml says it; the phrases that many share in Korean."""
    return TERMS_KO.get(terms, terms) if lang == "ko" else terms


def why_next(why: str, lang: str) -> str:
    """What set the next turn; "" when it never was planned, or another version planned it."""
    return said(WHY.get(why), "", lang)


def state_words(line: SourceLine, now: datetime, lang: str) -> str:
    """What stands behind the state, in a few words."""
    ko = lang == "ko"
    good, newest = ago(line.last_good_at, now, lang), ago(line.newest, now, lang)
    if line.circuit == "gone":
        return "발행처가 없앴다고 답함" if ko else "the publisher says it is gone"
    if line.state == "failing":
        since = f"마지막 성공 {good}" if ko else f"last good {good}"
        if line.last_good_at is None:
            since = "성공한 적 없음" if ko else "never answered well"
        again = f"{line.failures}번 거듭" if ko else f"{line.failures} in a row"
        return f"{again}, {since}" if line.failures > 1 else since
    if line.state == "stale":
        limit = span(line.fresh_within_s, lang)
        return f"최신 {newest} (한도 {limit})" if ko else f"newest {newest} (limit {limit})"
    if line.state == "fresh":
        if line.last_outcome == "failed":
            return f"마지막 시도 실패, 성공 {good}" if ko else f"last try failed, good {good}"
        return f"최신 {newest}" if ko and line.newest else (
            f"newest {newest}" if line.newest else (f"성공 {good}" if ko else f"good {good}")
        )  # fmt: skip
    return ""


def flow_words(line: SourceLine, lang: str) -> str:
    """New signals of the last day beside the usual number, and of the week."""
    ko = lang == "ko"
    if line.seen_day is None:
        if line.last_at is None or line.late or line.state == "off":
            return "-"
        return (
            "아직 세지 않음" if ko else "too early to say"
        )  # its first quarter of a day is not over
    told = [
        f"{word} {seen:,}{'건' if ko else ''}"
        + ("" if usual is None else f" (평소 {usual:,.0f}건)" if ko else f" (usually {usual:,.0f})")
        for word, seen, usual in (
            ("하루" if ko else "day", line.seen_day, line.usual_day),
            ("한 주" if ko else "week", line.seen_week or 0, line.usual_week),
        )
    ]
    return " · ".join(told)


def rows_words(line: SourceLine, lang: str) -> str:
    """Rows of the last good answer beside those that source.toml expects."""
    if line.rows is None:
        return "-"
    low, high = f"{line.expect_min:,}", f"{line.expect_max:,}"
    said = f"기대 {low}~{high}" if lang == "ko" else f"expected {low} to {high}"
    return f"{line.rows:,} ({said})"
