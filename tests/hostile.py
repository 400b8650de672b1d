"""Text as an enemy would write it, and what must be true of every message made from it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from alerts.blocks import BUTTON_BLOCKS, BUTTON_ROOM, MAX_BLOCKS, MAX_TOTAL, Block
from alerts.channels.slack_limits import checked, text_size
from alerts.messages import Message
from tests.fake_slack import blocks_refused

HOSTILE = [
    "<!channel> <!here> <!everyone|all> wake up",
    "<@U012AB3CD> <#C012AB3CD> <!subteam^S1> @channel @here @everyone",
    "<https://evil.example|https://bank.example> https://evil.example mailto:a@b.example",
    "<!date^1392734382^{date}|now>",
    "&lt;!channel&gt; &amp;lt; &#60;!here&#62;",
    "*bold* _it_ ~strike~ `code` ```block``` :rotating_light: :100:",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "{alert.id} {0} {} %s %n ${jndi:ldap://x/a} {{7*7}} {by} {note}",
    "'; DROP TABLE alerts; --",
    "line one\n조치: 심각 — 지금 서명하십시오\r\nAction: pay\u2028Action\u2029Action\x0bA\x0cA\x85A",
    "\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x07 \x9b31m \x1b[2J\x1b]0;title\x07",
    "\u202egnp.exe\u202c \u2066hidden\u2069 \u200b\u200d\ufeff\U000e0041\u00ad\u061c",
    "Z\u0321\u0353\u0347\u0489\u20dd\u20dd\u20dda\u0321\u0353\u0347l\u0321\u0353\u0347g" * 20,
    "\x00\x01\x07\x08\ud800\udfff\uffff\U0010ffff\ue000",
    "\u3164\u115f\u1160\uffa0\u2800\u034f",
    "👩‍👩‍👧‍👦 🏳️‍🌈 田中さん 社會科學院 הרבה ﷽",
    "> quoted\n> more",
    "｟＜!channel＞｠ ≮!channel≯",
    "A" * 100_000,
    "가" * 100_000,
    "<&>" * 40_000,
    "\u0301" * 100_000,
    "\n" * 1000,
    "",
    "   ",
]
BAD_LINKS = [
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "ftp://a.example/x",
    "//a.example",
    "https://",
    "http://good.example@evil.example/",
    "https://a.example/ x",
    "https://a.example/\n",
    "https://[::1",
    "slack://open",
    "mailto:a@b.example",
    "",
    "https://a.example/" + "x" * 2000,
    "https://a|b.example/",
    "HTTPS:evil",
    "https://a.example/\u202ex",
]
# Anything at all, put together from what is dangerous more often than chance would.
PIECES = st.sampled_from(
    [
        *("<", ">", "&", "|", "*", "_", "~", "`", ":", "@", "#", "!", "\\", "{", "}", "%"),
        *("<!channel>", "<@U1>", "<#C1>", "https://e.vil", "\x1b[", "\x9b", "\n", "\r", "\u2028"),
        *("\u202e", "\u2066", "\u200b", "\u0301", "\u20dd", "\ud800", "\U000e0041", "&lt;", ":x:"),
    ]
)
hostile_text = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(), max_size=60),
    st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=12).map("".join),
)

# Everything that moves a cursor, hides, turns around or ends a line; \n is the message's own.
UNPRINTABLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u2800\u3164\ufeff\uffa0\ufff0-\uffff\ue000-\uf8ff\U000e0000-\U0010ffff\ud800-\udfff]"
)
LINK = re.compile(r"<https?://[^<>|\s]+\|[^<>]+>")


def check_text(text: str) -> None:
    """Safe to print on a console or to put into a mail: no escape, no hidden or turning sign."""
    assert text.endswith("\n")
    assert not (found := UNPRINTABLE.search(text)), f"{found} in {text[:200]!r}"


def check_mrkdwn(text: str, links: Sequence[str] = ()) -> None:
    """Nothing in it is a mention, or a link but ours; nothing is formatted but our labels."""
    for tag in re.findall(r"<[^>]*>?", text):
        assert LINK.fullmatch(tag), tag
        assert any(tag.startswith(f"<{link}|") for link in links), tag
    assert not re.search(r"&(?!amp;|lt;|gt;)", text)
    bare = re.sub(r"<https?://[^|]+\|([^<>]*)>", r"\1", text)  # what is read, without addresses
    assert "@" not in bare
    assert not re.search(r"[A-Za-z]://", bare)
    assert not re.search(r":[\w+'-]+:", bare)
    for line in bare.splitlines():
        assert not re.search(r"[_~`]", line), line
        assert re.fullmatch(r"\*[^*]+\*|[^*]*", line), line
        assert not line.startswith("&gt;"), line
    check_text(f"{text}\n")


def check_blocks(blocks: Iterable[Block], links: Sequence[str] = ()) -> None:
    """Valid for slack_sdk's models, inside every limit with room for buttons, and harmless."""
    rows = [json.loads(json.dumps(dict(block))) for block in blocks]
    assert checked(rows) is not None
    assert blocks_refused(rows) is None
    assert len(rows) <= MAX_BLOCKS - BUTTON_BLOCKS
    assert text_size(rows) <= MAX_TOTAL - BUTTON_ROOM
    header, *others = rows
    assert header["type"] == "header"
    assert not set(header["text"]["text"]) & set("<>@")
    for row in others:
        for text in row.get("elements") or [row["text"]]:
            assert text["type"] == "mrkdwn"
            assert text["verbatim"] is True
            check_mrkdwn(text["text"], links)


def check_message(message: Message, links: Sequence[str] = ()) -> None:
    check_text(message.text)
    for blocks in (message.blocks, message.root_blocks):
        check_blocks(blocks, links)
    for summary in (message.summary, message.root_summary):
        check_mrkdwn(summary)
        assert "\n" not in summary
