"""Shared by the suite: the shipped classifier (loaded once) and pipelines over a folder.

Where the environment variable CI is set, the cases of property tests are the same in every run;
elsewhere each run looks at new ones, and without TEST_EVERY_CASE at a fifth of as many. What a fixture needs is imported by the fixture: the process
that hands tests to the workers runs none.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    import typer

    from ews.pipeline import Pipeline
    from ews.storage import Store
    from graph import Network
    from nlp.classifier import Classifier

settings.register_profile("ci", derandomize=True, print_blob=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")

EVERY_CASE = bool(os.environ.get("CI") or os.environ.get("TEST_EVERY_CASE"))  # as .ci/run has it
FEWEST = 25  # cases of a property in any run


# Files that take longest: they begin first, so that no core is idle while the last of them ends.
LONGEST = (
    "test_isolation", "test_demo", "test_torture_kill", "test_leaks", "test_architecture",
    "test_scheduler_leader", "test_alerts_kill", "test_graph_sweeps", "test_browser_tuning",
    "test_pipeline", "test_tuning_backtest", "test_storage_durability",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, and of each property a fifth of its cases."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda one: place.get(one.path.stem, len(place)))
    _look_at_fewer(items)


def _look_at_fewer(items: list[pytest.Item]) -> None:
    """A fifth of the cases of each property, but of one that looks at the same ones in every run."""
    tests = {id(one.obj): one.obj for one in items if isinstance(one, pytest.Function)}
    for test in () if EVERY_CASE else tests.values():
        asked = getattr(test, "_hypothesis_internal_use_settings", None)
        if asked is not None and not asked.derandomize and asked.max_examples > FEWEST:
            fewer = settings(asked, max_examples=max(FEWEST, asked.max_examples // 5))
            getattr(test, "__func__", test)._hypothesis_internal_use_settings = fewer


gc.disable()  # while hundreds of modules are imported, nearly all of which stay


def pytest_collection_finish() -> None:
    """What was imported is no rubbish: it is not looked through again in each round."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def commands_built_once() -> Iterator[None]:
    """The tree of commands is made once for each process: it costs more than most commands do."""
    import typer.testing

    real = typer.testing._get_command
    built: dict[typer.Typer, Any] = {}

    def command(app: typer.Typer) -> Any:
        if app not in built:
            built[app] = real(app)
        return built[app]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", command)
        yield


@pytest.fixture(scope="session", autouse=True)
def answers_described_once() -> Iterator[None]:
    """What a path of the API answers is the same in each app: its schema is made once."""
    import fastapi.routing

    real = fastapi.routing.create_model_field
    made: dict[Any, Any] = {}

    def field(name: str, type_: Any, mode: Any) -> Any:
        if (name, type_, mode) not in made:
            made[name, type_, mode] = real(name=name, type_=type_, mode=mode)
        return made[name, type_, mode]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastapi.routing, "create_model_field", field)
        yield


@pytest.fixture(scope="session", autouse=True)
def in_one_thread() -> Iterator[None]:
    """A question to the application is answered in the thread that asks it."""
    from tests.asked_directly import asked_directly

    with asked_directly():
        yield


@pytest.fixture(scope="session", autouse=True)
def migrated_once() -> Iterator[None]:
    """New databases begin as a copy of one that was migrated once for each process."""
    from tests import empty_store

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ews.storage.store.migrate", empty_store.begun)
        yield


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    from nlp.classifier import load_classifier

    return load_classifier(threads=1)  # the suite has a process on each core


@pytest.fixture
def loaded_once(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands take the model that is loaded: for where every command is asked what it tells."""
    monkeypatch.setattr("ews.cli.opening.classifier_of", lambda _: classifier)


@pytest.fixture(scope="session")
def network() -> Network:
    from graph import build_network

    return build_network()


@pytest.fixture(scope="session")
def tuning_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Four weeks that were judged and told, with people; its rules are never changed."""
    from tests.tuning_home import open_tuning_home

    yield from open_tuning_home(tmp_path_factory.mktemp("tuning"))


@pytest.fixture(scope="module")
def store(home: Path) -> Iterator[Store]:
    """The store in `home`, which each module makes; a module may have a `store` of its own."""
    from ews.storage import Store

    opened = Store.open(home)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def pipeline_at(classifier: Classifier, network: Network) -> Iterator[Callable[[Path], Pipeline]]:
    """Makes a pipeline whose store and console record live in the folder; nothing is printed."""
    from alerts.channels import ChannelSettings, open_channel
    from alerts.routing import load_routes
    from ews.pipeline import Pipeline, Rooms
    from ews.reports import Names
    from ews.storage import Store

    opened: list[Store] = []

    def build(home: Path) -> Pipeline:
        store = Store.open(home)
        _without_waiting(store)
        opened.append(store)
        console = open_channel("console", ChannelSettings(home=home))
        rooms = Rooms(classifier, network, load_routes(), {"console": console}, Names())
        return Pipeline(store, rooms)

    yield build
    for store in opened:
        store.close()


def _without_waiting(store: Store) -> None:
    """Commits that do not wait for the disk: a year's replay makes thousands.

    What a power cut leaves is the business of test_storage_durability.
    """
    import sqlalchemy as sa

    engine = store._engine
    sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF").close())
    engine.dispose()  # the connections that are open began without it
