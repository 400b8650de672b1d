"""The composition root: settings, store and the rooms that the pipeline calls."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from alerts.channels import Channel, ChannelSettings
    from alerts.routing import Routes
    from ews.config import Settings
    from ews.model import Source, Stage
    from ews.pipeline import Pipeline
    from ews.storage import Store
    from graph.firms import FirmLink
    from nlp.classifier import Classifier


class NoHome(OSError):
    """There is nothing to read there; the message says what makes a home."""


def has_store(settings: Settings) -> bool:
    """Whether something was ever kept for this home."""
    return settings.database_url is not None or (settings.home / "ews.db").exists()


@contextmanager
def reading(home: Path | None) -> Iterator[tuple[Settings, Store]]:
    """As `opened`, for a command that only asks: NoHome, and nothing made, where no home is."""
    from ews.config import load_settings

    settings = load_settings(home)
    if not has_store(settings):
        played = Path(".ews-demo")  # where `ews demo` plays
        other = f"--home {played}" if (played / "ews.db").exists() else "--home DIR"
        raise NoHome(f"no such home: {settings.home}; run `ews demo` or `ews cycle` first, "
                     f"or name another: {other}")  # fmt: skip
    with opened(home, settings) as found:
        yield found


@contextmanager
def looking(home: Path | None) -> Iterator[tuple[Settings, Store]]:
    """As `reading`, for what can be answered without a home: then from an empty store."""
    from ews.cli.asking import admit
    from ews.config import load_settings
    from ews.storage import Store

    settings = load_settings(home)
    if has_store(settings):
        with opened(home, settings) as found:
            yield found
        return
    with TemporaryDirectory() as folder:
        store = Store.open(Path(folder))
        try:
            admit(settings, store)
            yield settings, store
        finally:
            store.close()


@contextmanager
def opened(home: Path | None, known: Settings | None = None) -> Iterator[tuple[Settings, Store]]:
    """The settings in force and the store of that home, made if absent; closed at the end. `known`:
    its settings, where they were read already.

    WrongToken or NotForViewer when the command is not for who asks.
    """
    from ews.cli.asking import admit
    from ews.config import load_settings
    from ews.storage import Store

    settings = known or load_settings(home)
    store = Store.open(settings.home, settings.database_url)
    try:
        admit(settings, store)
        yield settings, store
    finally:
        store.close()


def build_pipeline(
    settings: Settings,
    store: Store,
    stream: TextIO | None,
    lang: str | None = None,
    classifier: Classifier | None = None,
    minimum: Stage | None = None,
    live: bool = False,
) -> Pipeline:
    """The live pipeline: the classifier, the network with the firms imported here, the channels.
    The console channel prints to `stream`, None keeps its record only; `lang` overrules the
    language of the receivers and `minimum` the lowest stage they hear of; `classifier` stands in
    for the model; `live` has messages name the sources that are silent."""
    from ews.pipeline import Pipeline, Rooms
    from ews.reports import Names
    from graph import build_network
    from scrapers.worker import Workers

    routes = routes_of(settings)
    routes = replace(
        routes,
        receivers=tuple(
            replace(one, lang=lang or one.lang, minimum=minimum or one.minimum)
            for one in routes.receivers
        ),
    )
    return Pipeline(
        store,
        Rooms(
            classifier=classifier or classifier_of(settings),
            network=build_network(firms_of(store, datetime.now(UTC).date())),
            routes=routes,
            channels=open_channels(settings, {r.channel for r in routes.receivers}, stream, store),
            names=Names(),
            owner=f"{socket.gethostname()}:{os.getpid()}",
            sources=live_sources(settings, store) if live else (),
            public_url=settings.public_url or "",
            keep_raws=settings.keep_raw_days > 0 and settings.keep_raw_mb > 0,
            parser=Workers().parse,
        ),
    )


def live_sources(settings: Settings, store: Store) -> tuple[Source, ...]:
    """The sources whose silence must be told: those that are asked and that somebody vouches for."""
    from ews.own_sources import read_sources

    known = read_sources(settings.home, store, os.environ)
    return tuple(one for one in known.sources if one.enabled and one.trusted)


def classifier_of(settings: Settings) -> Classifier:
    """The model of the setting, or the shipped one; the keyword rules when it cannot be used."""
    from nlp.classifier import load_classifier

    if settings.model_folder is None:
        return load_classifier(settings.threads)
    return load_classifier(settings.threads, settings.model_folder)


def routes_of(settings: Settings) -> Routes:
    """The routes in force, with the Slack channel of the settings as one more receiver."""
    from ews.reports.receivers import routes_of as in_force

    return in_force(settings)


def open_channels(
    settings: Settings, names: Collection[str], stream: TextIO | None, store: Store | None = None
) -> dict[str, Channel]:
    """The channels that the routes name; persons are called by the Slack ids of the store.
    ChannelError, before any work, when one cannot open."""
    from alerts.channels import open_channel

    def slack_id(name: str) -> str | None:
        found = store.person(name=name) if store else None
        return found.slack_id if found and found.disabled_at is None else None

    chosen = replace(channel_settings(settings, stream), slack_id=slack_id)
    return {name: open_channel(name, chosen) for name in sorted(names)}


def channel_settings(settings: Settings, stream: TextIO | None) -> ChannelSettings:
    """What channels need, from the settings and the reference data."""
    from alerts.channels import ChannelSettings, Smtp
    from alerts.channels.webhook import parse_secrets
    from ews.config import SettingsError
    from ews.reports.feeds import codes

    token, password = settings.slack_bot_token, settings.smtp_password
    kept = settings.webhook_secrets
    try:
        secrets = parse_secrets(kept.get_secret_value()) if kept else {}
    except ValueError as error:
        raise SettingsError(f"webhook_secrets: {error}") from None
    smtp = None
    if settings.smtp_host:
        smtp = Smtp(
            settings.smtp_host, settings.smtp_from or "", settings.smtp_port, settings.smtp_tls,
            settings.smtp_user, password.get_secret_value() if password else None,
        )  # fmt: skip
    return ChannelSettings(
        home=settings.home,
        stream=stream,
        slack_token=token.get_secret_value() if token else None,
        slack_url=settings.slack_base_url,
        smtp=smtp,
        webhook_secrets=secrets,
        cap_sender=settings.cap_sender,
        cap_status=settings.cap_status,
        public_url=settings.public_url or "",
        codes=codes(),
        clock=lambda: datetime.now(UTC),
    )


def firms_of(store: Store, on: date | None = None) -> list[FirmLink]:
    """The supplier links that firms imported into this home, with the stocks they stated that are
    not too old on the day; without a day, all."""
    from graph.declarations import links_of
    from graph.firms import FirmLink, StockLine

    return links_of(
        map(FirmLink.from_row, store.firm_links()),
        map(StockLine.from_row, store.firm_rows(shapes=["stocks"])),
        on,
    )
