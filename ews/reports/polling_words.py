"""Why is a source asked when it is, and where? In words, Korean and English."""

from __future__ import annotations

from ews.model import Circuit, Polling

# What set the next turn (Polling.why, scrapers.schedule): (Korean, English)
WHY = {
    "schedule": ("정해 둔 주기대로", "on its schedule"),
    "history": ("새 글이 뜸해 천천히", "less often: it rarely brings something new"),
    "cache": ("출처가 알린 유효 시간까지", "when its answer stops being good, as it says (TTL, Cache-Control)"),
    "retry-after": ("출처가 기다리라고 한 때까지", "not before it asked us to (Retry-After)"),
    "back-off": ("실패하여 간격을 늘려 다시", "after a failure, with a growing wait"),
    "circuit": (
        "거듭 실패하여 드물게 한 번씩 확인",
        "it failed many times in a row: one try at the end of each wait",
    ),
    "gone": (
        "출처가 없앴다고 답함(410): 다시 묻지 않음. 주소를 고치거나 `ews sources resume`",
        "gone (410): not asked again; correct url in source.toml, or `ews sources resume`",
    ),
    "host": ("서버를 잠시 쉬게 하는 중", "its host is left alone for now"),
}  # fmt: skip


def why_words(polling: Polling, lang: str) -> str:
    """What set the source's next turn; "" when it never was planned or another version planned it."""
    pair = WHY.get(polling.why)
    return "" if pair is None else pair[0 if lang == "ko" else 1]


def trouble_words(polling: Polling, lang: str) -> list[str]:
    """What an operator should see to: a source that moved, one that fails on and on."""
    words = []
    if polling.moved_to:
        words.append(
            f"주소가 옮겨졌습니다: source.toml의 url을 {polling.moved_to}(으)로 고치십시오"
            if lang == "ko"
            else f"moved: correct url in source.toml to {polling.moved_to}"
        )
    if polling.circuit is Circuit.OPEN:
        words.append(
            f"{polling.failures}번 거듭 실패했습니다"
            if lang == "ko"
            else f"{polling.failures} failed turns in a row"
        )
    return words
