"""What does an error of a source mean for a Korean reader, and what is to be done about it?"""

from __future__ import annotations

import re

OTHERWISE = "확인이 필요합니다"

# The first that fits is said; what a source or we ourselves said stays behind it as it was said. Those
# that name their cause stand before those that only a few words of the message tell.
_TABLE = (
    # keys and refusals
    (r"needs an API key: set (\w+)", "API 키가 없습니다. 환경변수 {0}을(를) 설정하십시오"),
    (r"(\w+) holds a space, a line break", "환경변수 {0}의 키에 키에 있을 수 없는 글자가 있습니다. 다시 설정하십시오"),
    (r"data\.go\.kr refused \(code 30\)", "등록되지 않은 키입니다. ‘디코딩’ 키를 넣었는지 확인하십시오"),
    (r"data\.go\.kr refused \(code 31\)", "키의 기한이 끝났습니다. data.go.kr에서 갱신하십시오"),
    (r"data\.go\.kr refused \(code 20\)", "이 서비스의 활용신청이 되어 있지 않습니다. data.go.kr에서 신청하십시오"),
    (r"data\.go\.kr refused \(code 22\)", "오늘의 호출 한도를 다 썼습니다. 한도가 풀리면 다시 가져옵니다"),
    (r"data\.go\.kr refused", "data.go.kr이 요청을 거절했습니다"),
    (r"with our key in the address", "키를 담은 주소가 다른 서버로 넘어가 따르지 않았습니다. 새 주소를 찾아 source.toml의 url을 고치십시오"),
    # lists told by their differences
    (r"suspicious: ", "목록이 갑자기 짧아져 믿지 않았습니다. 발행처에서 정말 줄었는지 확인하십시오"),
    (r"entries were rewritten at once", "목록의 표기 방식이 한꺼번에 바뀌어 항목마다 알리지 않았습니다"),
    (r"first sight of the list", "처음 읽은 목록이라 기준으로만 삼고 알리지 않았습니다"),
    (r"read in another way than before", "읽는 방법이 바뀌어 새 기준으로만 삼고 알리지 않았습니다"),
    # files of fifteen minutes
    (r"slots? given up", "하루가 지나도록 없던 15분 파일을 포기했습니다. 그 시간의 문서는 빠져 있습니다"),
    (r"is not there yet", "아직 올라오지 않은 파일입니다. 나중에 다시 읽습니다"),
    (r"differs from the index|not a whole zip file",
     "파일이 온전하지 않습니다. 나중에 다시 읽습니다"),
    (r"index names no three files", "색인이 15분 파일 셋을 가리키지 않습니다. 다음 차례에도 그러면 주소를 열어 보십시오"),
    (r"to be read later", "밀린 15분 파일을 차례로 읽고 있습니다"),
    (r"articles over the cap", "한 번에 받는 한도를 넘어 언급이 적은 것은 뺐습니다"),
    (r"begins anew", "기억이 손상되어 가장 새 파일부터 다시 시작했습니다"),
    (r"compare the clock", "발행 시각이 미래입니다. 이 기계의 시계를 확인하십시오"),
    # answers of HTTP
    (r"robots\.txt could not be read", "robots.txt를 읽지 못해 묻지 않았습니다. 스스로 다시 봅니다"),
    (r"robots\.txt", "robots.txt가 허락하지 않습니다"),
    (r"HTTP 401", "키가 거절되었습니다. 키를 확인하거나 갱신하십시오"),
    (r"HTTP 403", "발행처가 접근을 막았습니다. 우회하지 말고 발행처에 문의하십시오"),
    (r"HTTP 429|asked us to wait|asked too often", "너무 자주 물었습니다. 발행처가 정한 때까지 기다립니다"),
    (r"HTTP 410", "발행처가 없앤 주소입니다. 새 주소를 찾거나 끄십시오"),
    (r"HTTP 40[04]", "주소나 질의가 맞지 않습니다. source.toml의 url을 발행처 안내와 비교하십시오"),
    (r"HTTP 5\d\d", "발행처 서버의 오류입니다. 다음 차례에 다시 가져옵니다"),
    (r"HTTP \d\d\d", "쓸 수 없는 응답입니다. 다음 차례에 다시 가져옵니다"),
    (r"the slot is read again later", "15분 파일을 읽지 못했습니다. 나중에 다시 읽습니다"),
    # the way there
    (r"times in a row and is tried again|queue of our own requests|nothing is sent before",
     "서버를 잠시 쉬게 하는 중입니다. 때가 되면 스스로 다시 묻습니다"),
    (r"cannot be resolved|has no address", "그 이름의 서버를 찾지 못했습니다. 주소의 철자와 우리 망을 확인하십시오. 스스로 다시 묻습니다"),
    (r"did not finish within|ConnectError|ConnectTimeout|cannot be resolved|RemoteProtocolError|tried again next turn",
     "연결되지 않거나 제때 끝나지 않았습니다. 다음 차례에 다시 가져옵니다"),
    (r"sends us to (?:its front page|a login)", "주소가 첫 화면이나 로그인으로 넘어갑니다. 새 주소를 찾아 source.toml의 url을 고치십시오"),
    (r"not a public address|unix sockets|port \d+ is refused|scheme refused|user name in the URL|no usable host|"
     r"not a usable URL|redirects|not to its own host",
     "안전 규칙에 맞지 않는 주소라 묻지 않았습니다. source.toml의 url과 그 주소가 넘겨 주는 곳을 확인하십시오"),
    # too much
    (r"larger than [\d,]+ bytes|bytes (?:on the wire|together)|has [\d,]+ headers|unpacks to too much|nested deeper|too large a table",
     "답이 한도보다 큽니다. 주소를 열어 보고, 맞는 답이면 묻는 양을 줄이거나 source.toml의 max_bytes를 올리십시오"),
    (r"needed more than [\d.,]+ (?:s|MiB) to read", "답을 읽는 데 한도보다 많은 시간이나 기억이 들어 그만두었습니다. 주소를 열어 보십시오"),
    (r"the process that read its answer ended", "답을 읽던 프로세스가 끝났습니다. 되풀이되면 원문을 보관해 신고하십시오"),
    (r"the process that reads answers did not start", "답을 읽는 프로세스가 시작되지 않습니다. `ews check`를 실행하십시오"),
    # looks at an address
    (r"a web page: give the address", "웹 페이지입니다. 피드나 자료의 주소를 주십시오"),
    (r"a zip or xlsx file", "압축 파일이나 엑셀 파일입니다. 읽을 시트와 행은 손으로 적어야 합니다"),
    (r"neither a feed nor XML", "피드도 XML·JSON·CSV도 아닙니다. 주소를 열어 보십시오"),
    (r"holds no entries now",
     "지금은 글이 하나도 없어 얼마나 자주 바뀌는지 알 수 없습니다. 나중에 다시 보거나 every, fresh_within, expect를 손으로 적으십시오"),
    (r"its newest entry is (\d+) days old", "가장 새 글이 {0}일 전 것입니다. 멈춘 피드일 수 있으니 발행처를 열어 보십시오"),
    (r"FILL_IN still stands", "source.toml에 FILL_IN이 남아 있습니다. 그 자리에 맞는 칸의 이름을 적으십시오"),
    (r"no feed was recognised", "피드를 알아보지 못했습니다. 주소를 열어 보십시오"),
    (r"ENTITY is refused", "해로울 수 있는 XML(ENTITY)이라 읽지 않았습니다. 발행처에 알리십시오"),
    # what came is not what was expected
    (r"rows where at least", "행이 기대보다 적습니다. 자료가 마르거나 형식이 바뀌었는지 주소를 열어 보십시오"),
    (r"rows (?:a slot )?where at most", "행이 기대보다 많습니다. source.toml의 expect를 확인하십시오"),
    (r"differ from those of a source that goes first", "먼저 믿는 출처와 값이 달라 그 값은 두지 않았습니다"),
    (r"is kept in .* and came in|is now in .*, not|unit .* is unknown", "단위가 바뀌었습니다. 다른 계열이므로 받지 않았습니다"),
    (r"so it is cut off|rows came of|more rows than one page|more than \d+ pages",
     "응답이 행 한도에서 잘렸습니다. 한 번에 묻는 양을 줄이십시오"),
    (r"same page again", "어느 쪽을 물어도 같은 쪽이 옵니다. 더 짧은 기간을 물으십시오"),
    (r"an empty body came|the feed is cut off|ends before its end|length that it states|cannot be decoded|was not asked for|is damaged \(",
     "답이 비었거나 도중에 끊겼습니다. 다음 차례에 다시 가져옵니다"),
    (r"expected\.json is damaged", "expected.json이 손상되었습니다. 지우고 다시 만드십시오"),
    (r"the service answered (?:an error|code)|service (?:wants|gives)|months asked for|must read YYYYMM",
     "서비스가 질의를 받지 않았습니다. source.toml의 url을 발행처 안내와 비교하십시오"),
    (r"web page .*came instead|DOCTYPE came instead|not JSON|not XML|not CSV|broken|no SDMX|no table|not an xlsx|no list at|"
     r"our parser|no longer links|no data message|no feed in|no XML element|no entry in the list",
     "자료 대신 다른 것이 왔거나 형식이 바뀌었습니다. 주소를 열어 표본과 비교하십시오"),
    (r"correct (?:options|url)|check options|add it to options|has no rule in|compare options|must read provider|a vintage reads",
     "source.toml의 설정이 답과 맞지 않습니다. 적힌 항목을 고치십시오"),
    (r"has changed|is missing in|field .* is missing|compare it with the sample|look at a fresh|something else than we think",
     "형식이 바뀌었습니다. 표본과 source.toml을 새 응답과 비교하십시오"),
    (r"not well-formed", "XML이 규격에 맞지 않지만 읽었습니다"),
    (r"entries without a usable date", "날짜가 없거나 있을 수 없는 날짜인 글은 받은 때를 썼습니다"),
    (r"requests failed|requests were not made|were not made this turn",
     "일부 요청이 실패했습니다. 나머지는 받았고 실패한 것은 다음 차례에 다시 묻습니다"),
    (r"a day of an unverified source", "확인되지 않은 출처의 하루 한도를 넘은 새 글은 두지 않았습니다"),
    (r"over the cap", "한 번에 받는 한도를 넘은 것은 뺐습니다"),
    (r"left out|cannot be read|unchecked|add up to|rows without",
     "읽을 수 없거나 합계가 맞지 않는 행이 있어 그 값은 뺐습니다"),
)  # fmt: skip
_KOREAN = tuple((re.compile(pattern), words) for pattern, words in _TABLE)


def in_korean(error: str) -> str:
    """What to do about an error or a note of a source, in Korean, with its own words behind it; ""
    for none.

    >>> in_korean("x needs an API key: set FRED_API_KEY, or enabled = false").split(".")[0]
    'API 키가 없습니다'
    """
    for pattern, words in _KOREAN if error else ():
        if found := pattern.search(error):
            return f"{words.format(*found.groups())} ({error})"
    return f"{OTHERWISE} ({error})" if error else ""
