"""How does a picture get into a thread? Uploaded after the message, at most once, never in its way.

Three calls: an address to upload to, the bytes, and the word that puts the file into the thread.
Only the last one shows anything. It is said once: a picture may be missing after a failure, and
the message, which has the same figures in words, is there without it. A thread of its own does
that, so that neither the record of the message nor the next message waits for it.
"""

from __future__ import annotations

import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from http.client import HTTPException
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from alerts.channels.channel import ChannelError
from alerts.channels.slack_calls import Calls
from alerts.channels.slack_uploads import LEAVE_S, Behind
from alerts.messages import Picture

log = logging.getLogger(__name__)

ROOM_S = 10.0  # of all pictures of a message: those of the next wait for them
LONGEST_PAUSE_S = 60.0  # when Slack wants to be let be
TIMEOUT_S = 5.0
LARGEST = 2_000_000  # bytes
MOST = 3  # pictures of one message
REMEMBERED = 5_000


class Pictures:
    """Puts pictures into threads of one workspace."""

    def __init__(self, calls: Calls, url: str, seconds: Callable[[], float] = time.monotonic):
        self._calls = calls
        self._api = urlsplit(url)
        self._seconds = seconds
        self._put: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._opener = build_opener(_Stay)
        self._behind = Behind("slack-pictures")
        self._pause_s = 0.0

    def later(self, pictures: Sequence[Picture], key: str, address: str, thread: str) -> None:
        """Put them there when their turn comes; at once and without an error, whatever happens."""

        def work() -> float:
            self._pause_s = 0.0
            self.put(pictures, key, address, thread)
            return self._pause_s

        if pictures and not self._behind.add(work):
            log.warning("pictures left out", extra={"why": "too many wait", "notification": key})

    def wait(self, seconds: float = LEAVE_S) -> bool:
        """Whether all of them were tried, at the latest after so many seconds."""
        return self._behind.wait(seconds)

    def put(self, pictures: Sequence[Picture], key: str, address: str, thread: str) -> int:
        """How many of them now lie in the thread; those of `key` that were tried are let be."""
        until, done = self._seconds() + ROOM_S, 0
        for picture in pictures[:MOST]:
            if (key, picture.name) in self._put or self._seconds() > until:
                continue
            self._remember(key, picture.name)
            try:
                self._one(picture, address, thread)
                done += 1
            except (ChannelError, URLError, HTTPException, OSError, ValueError) as error:
                said = str(error) if isinstance(error, ChannelError) else type(error).__name__
                log.warning("picture not uploaded", extra={"picture": picture.name, "why": said})
                if wanted := getattr(error, "retry_after_s", None):
                    self._pause_s = min(float(wanted), LONGEST_PAUSE_S)
                    break
        return done

    def _one(self, picture: Picture, address: str, thread: str) -> None:
        if len(picture.png) > LARGEST:
            raise ValueError("the picture is too large")
        asked = {"filename": picture.name, "length": len(picture.png)}
        answer = self._calls.call("files.getUploadURLExternal", asked)
        self._send(str(answer.get("upload_url", "")), picture.png)
        self._calls.call(
            "files.completeUploadExternal",
            {
                "files": json.dumps(
                    [{"id": str(answer.get("file_id", "")), "title": picture.title}]
                ),
                "channel_id": address,
                "thread_ts": thread,
            },
        )

    def _send(self, url: str, png: bytes) -> None:
        if not self._slacks_own(url):
            raise ValueError("the upload address is not Slack's")
        request = Request(url, png, {"Content-Type": "image/png"}, method="POST")
        with self._opener.open(request, timeout=TIMEOUT_S) as answer:
            answer.read(1_000)

    def _slacks_own(self, url: str) -> bool:
        return slacks_own(url, self._api.geturl())

    def _remember(self, key: str, name: str) -> None:
        self._put[key, name] = None
        while len(self._put) > REMEMBERED:
            self._put.popitem(last=False)


def slacks_own(url: str, api: str) -> bool:
    """Whether an address that Slack gave is Slack's: https below slack.com, or, where another
    server stands in for Slack, that server.

    >>> slacks_own("https://files.slack.com/up/1", "https://slack.com/api/")
    True
    >>> slacks_own("https://files.slack.com.example.org/up/1", "https://slack.com/api/")
    False
    """
    try:
        asked, ours = urlsplit(url), urlsplit(api)
        if asked.netloc == ours.netloc and asked.scheme == ours.scheme:
            return True
        host = asked.hostname or ""
        plain = asked.port in (None, 443) and "@" not in asked.netloc
    except ValueError:
        return False
    below = host == "slack.com" or host.endswith(".slack.com")
    return asked.scheme == "https" and below and plain and ours.hostname == "slack.com"


class _Stay(HTTPRedirectHandler):
    """A redirect would lead elsewhere; it is an error."""

    def redirect_request(self, *_: object) -> None:
        return None
