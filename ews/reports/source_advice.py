"""What is there to do about a source? One table of words; the most pressing first.

An answer is judged by the HTTP status of the last fetch, how the source is polled, and the few words
by which our own errors begin; what the source or the error says itself is shown beside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ews.reports.source_views import Advice, SourceLine, TodoLine

# code: (what is wrong, what to do) in Korean, in English, and the command that helps. The order is
# that of urgency: what only a person can mend before what mends itself.
ADVICE: dict[str, tuple[str, str, str]] = {
    "late": (
        "물을 때가 지났는데 묻지 않았습니다. `ews run`이 돌고 있는지 확인하십시오",
        "Its turn is past and nobody asked: see that `ews run` is running",
        "ews doctor",
    ),
    "gone": (
        "없어진 주소(410)입니다. 새 주소를 찾아 source.toml의 url을 고치십시오. 그 주소가 맞다면 다시 묻게 하십시오",
        "Gone (410): find the new address and correct url in source.toml, or ask again if it is right",
        "ews sources resume {name}",
    ),
    "refused": (
        "거절되었습니다. 키가 맞는지 보고, 아니면 발행처에 허락을 구하십시오. 우회하지 마십시오",
        "Refused: check the key, else ask the publisher for leave; do not get round it",
        "ews sources test {name} --live",
    ),
    "barred": (
        "묻지 못하게 막혀 있습니다(robots.txt, 안전 규칙, 설정). 적힌 까닭대로 고치거나 끄십시오",
        "We may not ask (robots.txt, our safety rules, its settings): mend what the reason says, or switch it off",
        "ews sources off {name}",
    ),
    "address": (
        "주소나 질의가 맞지 않습니다. source.toml의 url을 발행처 안내와 비교하십시오",
        "The address or the query is wrong: compare url in source.toml with the publisher's pages",
        "ews sources test {name} --live",
    ),
    "short": (
        "목록이 갑자기 짧아져 믿지 않았습니다. 발행처에서 정말 줄었는지 보고, 맞으면 받아들이십시오",
        "Its list shrank at once and is not believed: see at the publisher whether it is so, then accept it",
        "ews sources resume {name}",
    ),
    "format": (
        "형식이 바뀌었거나 다른 것이 왔습니다. 보관한 원문을 열어 표본과 비교하고 매핑을 고치십시오",
        "The format changed, or something else came: compare the kept body with the sample, and mend the mapping",
        "ews sources test {name} --live",
    ),
    "stale": (
        "답은 하지만 새 자료가 없습니다. 주소를 열어 발행이 멈췄는지 보고, 멈췄으면 대신할 출처를 찾으십시오",
        "It answers without anything new: open the address; where publishing has ended, find another source",
        "ews sources test {name} --live",
    ),
    "unanswered": (
        "응답이 없거나 발행처 서버의 오류입니다. 스스로 다시 묻습니다. 하루 넘게 이어지면 망과 주소를 확인하십시오",
        "No answer, or a fault of its server: it is asked again by itself. Check network and address after a day",
        "",
    ),
    "dry": (
        "여느 때보다 훨씬 적게 옵니다. 끊기기 전에 주소를 열어 확인하십시오",
        "Far less comes than usual: open the address before it runs dry",
        "ews sources test {name} --live",
    ),
    "fewer": (
        "답에 든 행이 기대보다 적습니다. 주소를 열어 확인하십시오",
        "Fewer rows than expected in its answer: open the address and look",
        "ews sources test {name} --live",
    ),
    "never": (
        "아직 한 번도 읽지 않았습니다. `ews run`이 돌면 곧 묻습니다",
        "Never read yet: `ews run` asks it soon",
        "ews scrape {name}",
    ),
    "moved": (
        "주소가 영구히 옮겨졌습니다. source.toml의 url을 {moved_to}(으)로 고치십시오",
        "Moved for good: correct url in source.toml to {moved_to}",
        "",
    ),
    "waits": (
        "발행처가 기다리라고 했습니다. 정한 때에 스스로 다시 묻습니다",
        "The publisher asked us to wait: it is asked again by itself then",
        "",
    ),
    "key": (
        "API 키가 없어 꺼져 있습니다. 환경변수 {key_env}에 키를 넣고 다시 시작하십시오",
        "Off for want of an API key: set {key_env} and start again",
        "",
    ),
    "unverified": (
        "확인되지 않은 출처라 사건을 만들지 않습니다. 믿을 만하면 승격하십시오",
        "Unverified, so it makes no event: promote it if it can be believed",
        'ews sources promote {name} --why "..." --by ...',
    ),
    "switched": (
        "운영자가 껐습니다",
        "An operator switched it off",
        "ews sources on {name}",
    ),
    "resting": (
        "source.toml에 꺼 둔 채로 적혀 있습니다",
        "Off in its own source.toml",
        "ews sources on {name}",
    ),
    "consent": (
        "꺼진 채로 나옵니다. 발행처의 동의를 얻은 뒤에 켜십시오",
        "Ships off: switch it on once the publisher has agreed",
        "ews sources on {name}",
    ),
}  # fmt: skip
ORDER = {code: at for at, code in enumerate(ADVICE)}
# Nothing is broken where only these stand.
CHOSEN = frozenset({"key", "unverified", "switched", "resting", "consent"})


def advise(line: SourceLine) -> tuple[Advice, ...]:
    """What to do about the source, the most pressing first; () when there is nothing."""
    codes = set(_off(line) if line.state == "off" else _on(line))
    if not line.trusted:
        codes.add("unverified")
    return tuple(_advice(code, line) for code in sorted(codes, key=ORDER.__getitem__))


def _off(line: SourceLine) -> list[str]:
    if line.off_here:
        return ["switched"]
    if line.key_env:
        return ["key"]
    return ["resting" if line.private else "consent"]


def _on(line: SourceLine) -> list[str]:
    codes = ["moved"] if line.moved_to else []
    if line.late:  # nobody asked, so its silence says nothing of the source itself
        return [*codes, "late"]
    if line.circuit == "gone":
        codes.append("gone")
    elif line.last_outcome == "failed":
        codes.append(_failed(line))
    elif line.state == "stale":
        codes.append("stale")
    elif line.state == "never":
        codes.append("never")
    if line.drying and line.state == "fresh":
        codes.append("dry")
    return codes


def _failed(line: SourceLine) -> str:
    """The kind of the failure of the last turn."""
    status, error = line.status, line.error
    if "needs an API key" in error:
        return "key"
    if "suspicious" in error:
        return "short"
    if "rows where at least" in error:
        return "fewer"
    if status in (401, 403, 407, 451):
        return "refused"
    if status == 429 or line.why == "retry-after":
        return "waits"
    if status is not None and 400 <= status < 500:
        return "address"
    if status is not None and status < 400:
        return "format"
    if status is None and line.permanent:
        return "barred"
    return "unanswered"


def _advice(code: str, line: SourceLine) -> Advice:
    ko, en, command = ADVICE[code]
    facts = {"name": line.name, "moved_to": line.moved_to, "key_env": line.key_env}
    return Advice(code, ko.format(**facts), en.format(**facts), command.format(**facts))


def todo(lines: Iterable[SourceLine]) -> tuple[TodoLine, ...]:
    """What there is to do over all sources, the most pressing first: one line for each kind of
    trouble, and for each key that is wanted."""
    found: dict[tuple[int, str, str], list[SourceLine]] = defaultdict(list)
    for line in lines:
        for advice in line.advice:
            key = (
                line.key_env
                if advice.code == "key"
                else line.moved_to
                if advice.code == "moved"
                else ""
            )
            found[ORDER[advice.code], advice.code, key].append(line)
    return tuple(
        TodoLine(
            advice=_general(code, own[0]),
            sources=tuple(line.name for line in own),
            more=key,
        )
        for (_, code, key), own in sorted(found.items(), key=lambda one: one[0])
    )


def _general(code: str, line: SourceLine) -> Advice:
    """The advice for all of a kind: its command says NAME."""
    ko, en, command = ADVICE[code]
    facts = {"name": "NAME", "moved_to": line.moved_to, "key_env": line.key_env}
    return Advice(code, ko.format(**facts), en.format(**facts), command.format(**facts))
