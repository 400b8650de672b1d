"""Shared by the suite: the shipped classifier (loaded once) and pipelines over a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alerts.channels import ChannelSettings, open_channel
from alerts.routing import load_routes
from ews.pipeline import Pipeline, Rooms
from ews.reports import Names
from ews.storage import Store
from graph import Network, build_network
from nlp.classifier import Classifier, load_classifier


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return load_classifier(threads=2)


@pytest.fixture(scope="session")
def network() -> Network:
    return build_network()


@pytest.fixture(scope="session")
def pipeline_at(classifier: Classifier, network: Network) -> Iterator[Callable[[Path], Pipeline]]:
    """Makes a pipeline whose store and console record live in the folder; nothing is printed."""
    opened: list[Store] = []

    def build(home: Path) -> Pipeline:
        store = Store.open(home)
        opened.append(store)
        console = open_channel("console", ChannelSettings(home=home))
        rooms = Rooms(classifier, network, load_routes(), {"console": console}, Names())
        return Pipeline(store, rooms)

    yield build
    for store in opened:
        store.close()
