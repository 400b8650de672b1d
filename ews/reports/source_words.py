"""What is wrong with a source, in words that say what to do? In Korean with the source's own words behind."""

from __future__ import annotations

import re

from ews.reports.source_views import SourceLine

# The first that fits tells a Korean reader what to do; what a source said itself stays as it was said.
_KOREAN = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"needs an API key: set (\w+)", r"API 키가 없습니다. 환경변수 {0}을(를) 설정하십시오"),
        (r"data\.go\.kr refused \(code 30\)", "등록되지 않은 키입니다. ‘디코딩’ 키를 넣었는지 확인하십시오"),
        (r"data\.go\.kr refused \(code 31\)", "키의 기한이 끝났습니다. data.go.kr에서 갱신하십시오"),
        (r"data\.go\.kr refused \(code 20\)", "이 서비스의 활용신청이 되어 있지 않습니다. data.go.kr에서 신청하십시오"),
        (r"data\.go\.kr refused \(code 22\)", "오늘의 호출 한도를 다 썼습니다. 한도가 풀리면 다시 가져옵니다"),
        (r"data\.go\.kr refused", "data.go.kr이 요청을 거절했습니다"),
        (r"slots? given up", "하루가 지나도록 없던 15분 파일을 포기했습니다. 그 시간의 문서는 빠져 있습니다"),
        (r"is not there yet", "아직 올라오지 않은 파일입니다. 나중에 다시 읽습니다"),
        (r"differs from the index|not a whole zip file", "파일이 온전하지 않습니다. 나중에 다시 읽습니다"),
        (r"to be read later", "밀린 15분 파일을 차례로 읽고 있습니다"),
        (r"articles over the cap", "한 번에 받는 한도를 넘어 언급이 적은 것은 뺐습니다"),
        (r"begins anew", "기억이 손상되어 가장 새 파일부터 다시 시작했습니다"),
        (r"compare the clock", "발행 시각이 미래입니다. 이 기계의 시계를 확인하십시오"),
        (r"HTTP 401", "키가 거절되었습니다. 키를 확인하거나 갱신하십시오"),
        (r"HTTP 403", "발행처가 접근을 막았습니다. 우회하지 말고 발행처에 문의하십시오"),
        (r"HTTP 429|asked us to wait|asked too often", "너무 자주 물었습니다. 발행처가 정한 때까지 기다립니다"),
        (r"HTTP 40[04]|HTTP 410", "주소나 질의가 맞지 않습니다. source.toml의 url을 발행처 안내와 비교하십시오"),
        (r"HTTP 5\d\d", "발행처 서버의 오류입니다. 다음 차례에 다시 가져옵니다"),
        (r"did not finish within|ConnectError|ConnectTimeout|cannot be resolved|RemoteProtocolError",
         "연결되지 않거나 제때 끝나지 않았습니다. 다음 차례에 다시 가져옵니다"),
        (r"robots\.txt", "robots.txt가 허락하지 않습니다"),
        (r"rows where at least", "행이 기대보다 적습니다. 자료가 마르거나 형식이 바뀌었는지 주소를 열어 보십시오"),
        (r"differ from those of a source that goes first", "먼저 믿는 출처와 값이 달라 그 값은 두지 않았습니다"),
        (r"is kept in .* and came in|is now in .*, not|unit .* is unknown", "단위가 바뀌었습니다. 다른 계열이므로 받지 않았습니다"),
        (r"cut off|rows came of|more rows than one page", "응답이 행 한도에서 잘렸습니다. 한 번에 묻는 양을 줄이십시오"),
        (r"same page again", "어느 쪽을 물어도 같은 쪽이 옵니다. 더 짧은 기간을 물으십시오"),
        (r"web page .*came instead|not JSON|broken or cut-off XML|no SDMX|no table|not an xlsx|no list at|our parser|no longer links|no data message",
         "자료 대신 다른 것이 왔거나 형식이 바뀌었습니다. 주소를 열어 표본과 비교하십시오"),
        (r"the format has changed|has changed|is missing in", "형식이 바뀌었습니다. 표본과 source.toml을 새 응답과 비교하십시오"),
        (r"entries without a usable date", "날짜가 없거나 있을 수 없는 날짜인 글은 받은 때를 썼습니다"),
        (r"requests failed", "일부 요청이 실패했습니다. 나머지는 받았고 실패한 것은 다음 차례에 다시 묻습니다"),
        (r"left out|cannot be read|unchecked|add up to", "읽을 수 없거나 합계가 맞지 않는 행이 있어 그 값은 뺐습니다"),
    )
)  # fmt: skip


OTHERWISE = "확인이 필요합니다"


def in_korean(error: str) -> str:
    """What to do about an error of a source, in Korean, with its own words behind it; "" for none.

    >>> in_korean("x needs an API key: set FRED_API_KEY, or enabled = false").split(".")[0]
    'API 키가 없습니다'
    """
    for pattern, words in _KOREAN if error else ():
        if found := pattern.search(error):
            return f"{words.format(*found.groups())} ({error})"
    return f"{OTHERWISE} ({error})" if error else ""


def trouble(line: SourceLine, lang: str) -> str:
    """What a person should know of the source now: a missing key, what failed, what was left out."""
    if line.state == "off":
        return _why_off(line, lang)
    said = line.error or line.note
    return in_korean(said) if lang == "ko" else said


def _why_off(line: SourceLine, lang: str) -> str:
    if line.key_env:
        return (
            f"꺼짐: 환경변수 {line.key_env}에 API 키를 넣고 다시 시작하면 켜집니다" if lang == "ko"
            else f"off: set {line.key_env} to its API key and start again"
        )  # fmt: skip
    return (
        "꺼짐: 발행처의 동의가 필요합니다 (docs/sources.md)" if lang == "ko"
        else "off: the publisher's consent is needed (docs/sources.md)"
    )  # fmt: skip


def a_round(line: SourceLine, lang: str) -> str:
    """How long it takes until everything was asked, for a source that asks a part each turn."""
    if line.round_s is None:
        return ""
    days = line.round_s / 86_400
    return f"한 바퀴 {days:.1f}일" if lang == "ko" else f"a round takes {days:.1f} d"
