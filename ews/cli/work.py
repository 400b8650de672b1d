"""Commands that make ews work: run, cycle, scrape, serve, demo."""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from ews.cli.options import Home, Json, Lang

LOCAL = ("127.0.0.1", "localhost")


def register(app: typer.Typer) -> None:
    for command in (demo, run, cycle, scrape, serve):
        app.command()(command)


def demo(
    home: Home = None,
    lang: Lang = None,
    case: Annotated[
        list[str] | None, typer.Option("--case", help="Play this case only; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Play six past crises and three quiet weeks through the real pipeline; offline, no key.

    Exit 1 when a case was told late, incompletely, or a quiet week raised an alert.
    """
    from ews.cli.demo import play

    raise typer.Exit(play(home, lang, tuple(case or ()), as_json))


def run(home: Home = None) -> None:
    """Run the scheduler: every source on its own clock, and the cycle. Stop with Ctrl-C or SIGTERM.

    On PostgreSQL a second one stands by and takes over when the first is gone.
    """
    from ews.cli.logs import start_logging
    from ews.cli.opening import build_pipeline, opened
    from ews.pipeline import Pipeline
    from ews.scheduler import AlreadyRunning, serve_forever

    start_logging()
    for chatty in ("apscheduler", "alembic"):
        logging.getLogger(chatty).setLevel("WARNING")
    with opened(home) as (settings, store):
        print(f"ews: running, home {settings.home}; stop with Ctrl-C", file=sys.stderr)
        try:
            rooms = build_pipeline(settings, store, sys.stdout, live=True).rooms
            serve_forever(settings, store, lambda fenced: Pipeline(fenced, rooms))
        except AlreadyRunning as err:
            print(f"ews: {err}", file=sys.stderr)
            raise typer.Exit(3) from err


def cycle(
    home: Home = None,
    lang: Lang = None,
    fetch: Annotated[
        bool, typer.Option("--scrape/--no-scrape", help="First fetch the sources that are due.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Do one cycle now: scrape what is due, classify, detect, propagate, evaluate, route, deliver."""
    from ews.cli.opening import build_pipeline, opened
    from ews.cli.output import output, working
    from ews.scheduler import due_sources, make_client

    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        stream = sys.stderr if as_json else sys.stdout
        pipeline = build_pipeline(settings, store, stream, live=True)
        done: dict[str, int] = {}
        with working(out.t("한 바퀴 도는 중", "working through one cycle")):
            if fetch:
                client = make_client(settings, store)
                sources = due_sources(settings, store, datetime.now(UTC))
                done["scraped"] = sum(
                    pipeline.scrape(one, client, datetime.now(UTC)) for one in sources
                )
            done |= pipeline.cycle(datetime.now(UTC), lambda: datetime.now(UTC))
    if out.as_json:
        out.json(done)
        return
    out.table("", [out.t("단계", "stage"), out.t("건", "rows")], list(done.items()), right=[1])


def scrape(
    name: Annotated[str, typer.Argument(help="Source, as `ews sources` lists it.")],
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Fetch one source now, due or not. Exit 1 when the fetch failed."""
    from ews.cli.opening import build_pipeline, opened
    from ews.cli.output import moment, output, working
    from ews.own_sources import read_sources
    from ews.reports.source_errors import in_korean
    from ews.reports.words import outcome_word
    from ews.scheduler import make_client
    from nlp.classifier import LexiconClassifier

    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        source = read_sources(settings.home, store, os.environ).named(name)
        client = make_client(settings, store)
        # The model stays unloaded: a scrape reads no text.
        pipeline = build_pipeline(settings, store, None, classifier=LexiconClassifier())
        with working(source.url):
            new = pipeline.scrape(source, client, datetime.now(UTC))
        fetch = store.last_fetch(name)
    assert fetch is not None
    if out.as_json:
        out.json({"source": name, "outcome": fetch.outcome.value, "signals": fetch.signals,
                  "new": new, "newest": fetch.newest, "error": fetch.error,
                  "permanent": fetch.permanent})  # fmt: skip
    else:
        out.facts([
            (out.t("결과", "outcome"), outcome_word(fetch.outcome.value, out.lang)),
            (out.t("신호", "signals"), f"{fetch.signals} ({out.t('새것', 'new')} {new})"),
            (out.t("최신 날짜", "newest inside"), moment(fetch.newest)),
            (out.t("오류·알림", "error or note"), in_korean(fetch.error or "") if out.lang == "ko" else fetch.error),
        ])  # fmt: skip
    raise typer.Exit(1 if fetch.outcome.value == "failed" else 0)


def serve(
    home: Home = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on (default: the setting web_host).")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port (default: the setting web_port).")
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="A host name to answer to, as a proxy passes it on; may be repeated."),
    ] = None,
    owner: Annotated[
        str | None, typer.Option(help="Show this firm's imported rows too (a firm's own server).")
    ] = None,
) -> None:
    """Serve the pages and the read-only API."""
    import uvicorn

    from ews.cli.opening import opened
    from ews.reports import OPEN, Viewer
    from ews.web import create_app

    with opened(home) as (settings, store):
        viewer = OPEN if owner is None else Viewer("firm", owner)
        host, port = host or settings.web_host, settings.web_port if port is None else port
        print(f"ews: http://{host}:{port}/  (API: /api/v1/openapi.json)", file=sys.stderr)
        uvicorn.run(
            create_app(settings, store, viewer=viewer, hosts=(*LOCAL, host, *(name or ()))),
            host=host, port=port, log_level="warning", server_header=False,
        )  # fmt: skip
