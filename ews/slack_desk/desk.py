"""One desk for both ways in: it takes what was asked at once, and works from the store after.

Slack wants its answer within three seconds, whatever the store or Slack itself is doing. So the
work runs in threads of the desk; a face waits for it a moment (`finished`), because most of it is
done by then, and answers without it when it is not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from datetime import datetime
from threading import BoundedSemaphore, Lock

from alerts.blocks import Block
from alerts.channels.channel import ChannelError
from alerts.channels.slack_forms import FIELDS
from alerts.channels.slack_payloads import Asked, Way
from alerts.channels.slack_replies import Replies
from alerts.words import say
from ews.config import Settings
from ews.slack_desk.doing import broken, opens_form, work
from ews.slack_desk.outcome import Outcome
from ews.storage import Store

log = logging.getLogger(__name__)

WAIT_S = 1.0  # what a face waits for the work; Slack gives three seconds
WAITING = 200  # asked and not yet worked on; more are turned away
OPENERS, WORKERS = 4, 4  # forms open within three seconds, so a slow act never stands before one


class Desk:
    """Takes what is asked in one workspace. Close it: what was taken is finished first."""

    def __init__(
        self,
        store: Store,
        replies: Replies,
        clock: Callable[[], datetime],
        *,
        team: str | None = None,
        lang: str = "ko",
        public_url: str = "",
    ) -> None:
        self.store, self.replies, self.clock = store, replies, clock
        self.lang, self.public_url = lang, public_url
        self._team = team
        self._asking = Lock()
        self._room = BoundedSemaphore(WAITING)
        self._openers = ThreadPoolExecutor(OPENERS, "slack-form")
        self._workers = ThreadPoolExecutor(WORKERS, "slack-act")

    def take(self, asked: Asked) -> Future[Outcome]:
        """Begin the work on it."""
        if not self._room.acquire(blocking=False):
            busy: Future[Outcome] = Future()
            busy.set_result(_busy(asked, self.lang))
            return busy
        pool = self._openers if opens_form(asked) else self._workers
        try:
            taken = pool.submit(self._work, asked)
        except RuntimeError:
            self._room.release()
            raise
        taken.add_done_callback(lambda _: self._room.release())
        return taken

    def finished(self, asked: Asked, taken: Future[Outcome], seconds: float = WAIT_S) -> Outcome:
        """What came of it; an empty Outcome when it takes longer. A form's errors are then told
        when they are known."""
        wait_for([taken], seconds)
        return self.in_time(asked, taken)

    def in_time(self, asked: Asked, taken: Future[Outcome]) -> Outcome:
        """What came of it until now."""
        if taken.done():
            return taken.result()
        taken.add_done_callback(lambda late: self._tell_late(asked, late))
        return Outcome()

    def close(self) -> None:
        self._openers.shutdown()
        self._workers.shutdown()

    def team(self) -> str:
        """The workspace that may ask: of the settings, else the one that the token is of."""
        with self._asking:
            if not self._team:
                self._team = self.replies.team()
            return self._team

    def tell(self, asked: Asked, text: str, blocks: Sequence[Block] = ()) -> None:
        """Say it to who asked; a reply that does not get through changes nothing that was done."""
        try:
            self.replies.tell(asked, text, blocks)
        except ChannelError as error:
            log.warning("slack reply not told", extra={"why": str(error)})

    def _work(self, asked: Asked) -> Outcome:
        try:
            return work(self, asked)
        except ChannelError as error:
            log.warning("slack does not answer", extra={"why": str(error)})
            return Outcome()
        except Exception:  # the edge of a thread: a fault must be seen, and the asker told
            log.exception("a press in slack failed")
            return broken(self, asked)

    def _tell_late(self, asked: Asked, taken: Future[Outcome]) -> None:
        if asked.way is Way.FORM and taken.exception() is None:
            for said in taken.result().errors.values():
                self.tell(asked, said)


def _busy(asked: Asked, lang: str) -> Outcome:
    said = say("slack.busy", asked.place.lang or lang)
    errors = {FIELDS[asked.name][0]: said} if asked.way is Way.FORM else {}
    return Outcome(errors=errors, busy=not errors)


def open_desk(settings: Settings, store: Store, clock: Callable[[], datetime]) -> Desk:
    """The desk of the settings. ChannelError when no bot token is set: nobody could be answered."""
    if settings.slack_bot_token is None:
        raise ChannelError(
            "slack: no bot token; set EWS_SLACK_BOT_TOKEN (docs/howto-slack.md)", permanent=True
        )
    return Desk(
        store,
        Replies(settings.slack_bot_token.get_secret_value(), settings.slack_base_url),
        clock,
        team=settings.slack_team,
        lang=settings.lang,
        public_url=settings.public_url or "",
    )
