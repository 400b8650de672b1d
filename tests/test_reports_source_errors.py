"""Whatever an error of a source says, a Korean reader is told in Korean what to do about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ews.reports.source_errors import OTHERWISE, in_korean
from scrapers import load_source
from scrapers.differences import HELD
from scrapers.worker import _lost

ROOM = Path(__file__).parents[1] / "scrapers"
# A file of the reader's own disk, read at once by the command that names it.
AT_THE_TERMINAL = {"opml.py"}
FILLED = "404"  # for what an f-string puts in: names, counts, statuses


def texts(node: ast.expr) -> list[str]:
    """What an expression in a message may say; FILLED where only the run knows."""
    match node:
        case ast.Constant(value=str(words)):
            return [words]
        case ast.JoinedStr(values=parts):
            told = [""]
            for part in parts:
                inside = part.value if isinstance(part, ast.FormattedValue) else part
                told = [before + words for before in told for words in texts(inside)]
            return told
        case ast.BinOp(left=left, right=right):
            return [one + two for one in texts(left) for two in texts(right)]
        case ast.IfExp(body=body, orelse=orelse):
            return [*texts(body), *texts(orelse)]
    return [FILLED]


def messages() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOM.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if named and node.func.id in ("SourceError", "Truncated") and node.args:
                for words in texts(node.args[0]):
                    yield f"{path.name}:{node.lineno}", words


def test_every_error_of_the_room_is_told_in_korean() -> None:
    found = [
        (where, words)
        for where, words in messages()
        # an error in the words of another one
        if where.partition(":")[0] not in AT_THE_TERMINAL and set(words) - set(f"{FILLED}: ")
    ]
    assert len(found) > 100
    mute = [f"{where} {words}" for where, words in found if in_korean(words).startswith(OTHERWISE)]
    assert not mute, "\n".join(mute)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("https://a.org/robots.txt could not be read (HTTP 503), so nothing is fetched", "robots.txt를 읽지 못해"),
        ("https://a.org/robots.txt does not allow /x; ask the publisher", "robots.txt가 허락하지"),
        ("x: HTTP 410 from a.org; the publisher removed it", "없앤 주소"),
        ("x: HTTP 302 from a.org; it is tried again at the next turn", "다음 차례"),
        ("x: f.zip did not come (HTTP 503); the slot is read again later", "서버의 오류"),
        ("a.org failed 7 times in a row and is tried again in 60 s; nothing is sent before", "쉬게"),
        (f"suspicious: 90 of 100 entries are gone at once; believed after {HELD}", "짧아져"),
        ("first sight of the list: 9,000 entries, none told", "기준"),
        ("a.org sends us to its front page (a.org); find the new address", "새 주소"),
        ("3 rows without 'title'", "뺐습니다"),
    ],
)  # fmt: skip
def test_what_is_known_of_the_cause_is_said(error: str, words: str) -> None:
    assert words in in_korean(error).partition(" (")[0]


def test_a_worker_that_was_lost_is_told_by_its_cause() -> None:
    source = load_source("bbc_world")
    assert "한도보다 많은 시간" in in_korean(_lost(source, True, 20.0, 72))
    assert "프로세스가 끝났습니다" in in_korean(_lost(source, False, 20.0, 72))
