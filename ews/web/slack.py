"""Presses that Slack sends over HTTP: only signed ones, only fresh ones, each only once.

Answered within three seconds whatever the store does: the desk works on, and we answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import parse_qs

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from alerts.channels.slack_payloads import (
    Asked,
    PayloadError,
    Way,
    read_command,
    read_interaction,
)
from alerts.channels.slack_signature import Signatures
from ews.slack_desk import Desk, Outcome, open_desk
from ews.slack_desk.desk import WAIT_S
from ews.web.site import Site

LONGEST = 600_000  # bytes: a press repeats the whole message it stands under
FIELDS = 40
FORM = "application/x-www-form-urlencoded"
Read = Callable[[dict[str, str]], Asked]


class Refused(Exception):
    """A request that is not taken; `status` and words for whoever looks at a log of the sender."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


def desk_of(site: Site) -> Desk | None:
    """The desk for signed HTTP; None where no signing secret or no bot token is set."""
    if site.settings.slack_signing_secret is None or site.settings.slack_bot_token is None:
        return None
    return open_desk(site.settings, site.store, site.clock)


def slack_router(site: Site, desk: Desk | None) -> APIRouter:
    """POST /slack/actions and /slack/commands; no path at all without a desk."""
    router = APIRouter(include_in_schema=False)
    secret = site.settings.slack_signing_secret
    if desk is None or secret is None:
        return router
    signatures = Signatures(secret.get_secret_value(), site.clock)

    async def answered(request: Request, read: Read) -> Response:
        try:
            given = await _fields(request, signatures)
            if given.get("ssl_check") == "1":
                return Response(status_code=200)
            asked = read(given)
        except Refused as err:
            return PlainTextResponse(str(err), err.status)
        except PayloadError as err:
            return PlainTextResponse(f"not taken: {err}", 400)
        if asked.way is Way.NOTHING:
            return Response(status_code=200)
        return _answer(await _worked(desk, asked))

    @router.post("/slack/actions")
    async def actions(request: Request) -> Response:
        return await answered(request, lambda given: read_interaction(given.get("payload", "")))

    @router.post("/slack/commands")
    async def commands(request: Request) -> Response:
        return await answered(request, read_command)

    return router


async def _fields(request: Request, signatures: Signatures) -> dict[str, str]:
    """The fields of a request that Slack signed. Nothing of it is read before that is sure."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise Refused(413, "this is longer than anything Slack sends")
    headers = request.headers
    signed = signatures.good(
        body, headers.get("X-Slack-Request-Timestamp"), headers.get("X-Slack-Signature")
    )
    if not signed:
        raise Refused(401, "not signed by Slack, too old, or seen before")
    if headers.get("Content-Type", "").partition(";")[0].strip().lower() != FORM:
        raise Refused(400, f"Slack sends {FORM}")
    try:
        found = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError:
        raise Refused(400, "this is no form that Slack sends") from None
    return {key: values[-1] for key, values in found.items()}


async def _worked(desk: Desk, asked: Asked) -> Outcome:
    """What came of it, or of as much as there was time for; the event loop never waits."""
    taken = desk.take(asked)
    await asyncio.wait([asyncio.wrap_future(taken)], timeout=WAIT_S)
    return desk.in_time(asked, taken)


def _answer(outcome: Outcome) -> Response:
    if outcome.refused:
        return PlainTextResponse("not for this Slack account; nothing was done", 403)
    if outcome.busy:
        return PlainTextResponse("too much at once; try again", 503, {"Retry-After": "5"})
    if outcome.errors:
        return JSONResponse({"response_action": "errors", "errors": dict(outcome.errors)})
    return Response(status_code=200)  # an empty body closes a form and leaves a message as it is


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def closing(lifespan: Lifespan, desk: Desk | None) -> Lifespan:
    """That lifespan, and at its end the desk finishes what it took."""
    if desk is None:
        return lifespan

    @asynccontextmanager
    async def both(app: FastAPI) -> AsyncIterator[None]:
        async with lifespan(app):
            yield
        await asyncio.to_thread(desk.close)

    return both
