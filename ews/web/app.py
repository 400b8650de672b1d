"""create_app(): routes, security headers, and errors as RFC 9457 problem+json or a plain page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ews.acting import ActRefused, NotAllowed
from ews.config import Settings
from ews.reports import OPEN, NotFound, Viewer, WrongToken
from ews.storage import Store
from ews.web.account_page import account_router
from ews.web.acts_api import acts_api_router
from ews.web.acts_pages import acts_pages_router
from ews.web.api import api_router
from ews.web.asking import Guesses, asking
from ews.web.board_api import board_api_router
from ews.web.board_pages import board_router
from ews.web.case_api import case_api_router
from ews.web.case_pages import case_pages_router
from ews.web.case_plays import Plays
from ews.web.feeds import feed_router
from ews.web.learning_api import learning_api_router
from ews.web.learning_pages import learning_router
from ews.web.ledger_api import ledger_api_router
from ews.web.ledger_asked import Ledgers
from ews.web.ledger_pages import ledger_router
from ews.web.metrics_paths import metrics_router
from ews.web.pages import page_router
from ews.web.people_pages import people_router
from ews.web.problems import HEADERS, FormRefused, problem
from ews.web.series_api import series_api_router
from ews.web.series_asked import SeriesKept
from ews.web.series_pages import series_router
from ews.web.signing import sign_router
from ews.web.site import Site
from ews.web.slack import closing, desk_of, slack_router
from ews.web.source_pages import source_router
from ews.web.tuning_api import tuning_api_router
from ews.web.tuning_desks import Desks
from ews.web.tuning_pages import tuning_router
from ews.web.warming import warming
from ews.web.watch_api import watch_api_router
from ews.web.watch_asked import Books
from ews.web.watch_pages import watch_router


def create_app(
    settings: Settings,
    store: Store,
    *,
    viewer: Viewer = OPEN,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    hosts: Sequence[str] = ("*",),
) -> FastAPI:
    """The application. `viewer` is who asks without a token; it sees a firm's rows only when it is
    that firm's owner. `hosts` are the names it answers to, so that a page elsewhere cannot read it
    by a name of its own."""
    site, guesses = Site(settings, store, viewer, clock), Guesses()
    desk = desk_of(site)
    app = FastAPI(
        title="ews",
        summary="Supply-chain risk early-warning: what is known, and what people do",
        version="1",
        docs_url=None,  # the stock pages load scripts from elsewhere; docs/api.md has the text
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=closing(warming(settings.home), desk),
    )
    who = asking(site, guesses)
    app.include_router(api_router(site, who))
    app.include_router(page_router(site, who))
    app.include_router(source_router(site, who))
    app.include_router(sign_router(site, guesses))
    app.include_router(acts_api_router(site, who))
    app.include_router(acts_pages_router(site, who))
    app.include_router(people_router(site, who))
    app.include_router(account_router(site, who, guesses))
    app.include_router(board_api_router(site, who))
    app.include_router(board_router(site, who))
    ledgers = Ledgers()
    app.include_router(ledger_api_router(site, who, ledgers))
    app.include_router(ledger_router(site, who, ledgers))
    series = SeriesKept()
    app.include_router(series_api_router(site, who, series))
    app.include_router(series_router(site, who, series))
    plays = Plays(site)
    app.include_router(case_api_router(site, who, plays))
    app.include_router(case_pages_router(site, who, plays))
    app.include_router(feed_router(site, who))
    desks = Desks(site)
    app.include_router(tuning_api_router(site, who, desks))
    app.include_router(tuning_router(site, who, desks))
    app.include_router(learning_api_router(site, who, desks))
    app.include_router(learning_router(site, who, desks))
    books = Books()
    app.include_router(watch_api_router(site, who, books))
    app.include_router(watch_router(site, who, books))
    app.include_router(slack_router(site, desk))
    app.include_router(metrics_router(site, who))
    static = Path(str(files("ews.web") / "static"))
    app.mount("/static", StaticFiles(directory=static), name="static")
    if "*" not in hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.add_middleware(Headers)
    _add_errors(app)
    return app


class Headers:
    """Puts our headers on every answer as it leaves. It starts no task of its own, as a middleware
    made by a decorator does for each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    found.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    found.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(HTTPException)
    async def plain_error(request: Request, err: HTTPException) -> Response:
        said = err if isinstance(err, FormRefused) else str(err.detail)
        answer = problem(request, err.status_code, said)
        answer.headers.update(err.headers or {})
        return answer

    @app.exception_handler(RequestValidationError)
    async def bad_request(request: Request, err: RequestValidationError) -> Response:
        said = "; ".join(f"{e['loc'][-1]}: {e['msg']}" for e in err.errors())
        return problem(request, 422, said)

    @app.exception_handler(NotFound)
    async def not_found(request: Request, err: NotFound) -> Response:
        return problem(request, 404, err)

    @app.exception_handler(WrongToken)
    async def wrong_token(request: Request, err: WrongToken) -> Response:
        answer = problem(request, 401, err)
        answer.headers["WWW-Authenticate"] = 'Bearer realm="ews"'
        return answer

    @app.exception_handler(NotAllowed)
    async def forbidden(request: Request, err: NotAllowed) -> Response:
        return problem(request, 403, err)

    @app.exception_handler(ActRefused)
    async def makes_no_sense(request: Request, err: ActRefused) -> Response:
        return problem(request, 409, err)

    @app.exception_handler(Exception)
    async def broken(request: Request, err: Exception) -> Response:
        # The server logs the traceback; the reader gets no inside of it.
        return problem(request, 500, "this is a fault of ews; its log has the details")
