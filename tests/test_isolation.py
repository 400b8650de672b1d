"""Firm A, and everybody who is no firm, sees 0 bytes of firm B: by command, path, page, error, log.

Two homes are asked the same questions, one where B gave rows and one where it never did. What a
viewer other than B reads is the same in both, byte for byte, and holds none of B's canaries.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
import time_machine
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from alerts.routing import load_routes
from ews.cli import app as cli
from ews.cli.opening import firms_of
from ews.config import load_settings
from ews.model import content_id
from ews.pipeline import Pipeline, Rooms
from ews.reports import TABLES, Names, outlook
from ews.reports.viewer import digest_of
from ews.storage import Store
from ews.web import create_app
from graph import build_network
from nlp.classifier import LexiconClassifier
from tests import firms_home
from tests.docs_text import commands
from tests.faces_home import NOW
from tests.firms_home import A_FILES, B_FILES, FIGURES, TEXTS, A, B

pytestmark = pytest.mark.usefixtures("loaded_once")
ALERT, EVENT, CLOSURE = "alr-urea0000000001", "evt-urea0000000001", "evt-closure000000002"
VIEWERS = ("firm", "official", "analyst", "open")
# What a nosy viewer asks for by name: B, its firms, suppliers, parts, and what does not exist.
NAMES = (
    B,
    "카나리비",
    "CANARYB Second",
    "canaryb urea works",
    "CANARYB-P1",
    "카나리비산업/canaryb-second",
)
NOBODY = "no-such-name-at-all"


ASKED_WITHIN = (B, ALERT, EVENT, CLOSURE)  # of a path with a name in it, also asked with a query
# Every how many-th question each is asked; A, who has the most to gain, is asked them all.
SHARE = {"firm": 1, "open": 5, "official": 8, "analyst": 7}
SOURCES = "/api/v1/sources"  # long, and of no firm: asked with the names of B and a good alone
KINDS = ("item", "country", "chokepoint", "industry", "firm", "event")
EVERY_CASE = bool(os.environ.get("TEST_EVERY_CASE"))  # .ci/run: twice as many of the others
WORLDS = 64  # of an outlook, not 512: who may see it does not turn on how fine its bands are


@dataclass
class Home:
    folder: Path
    store: Store
    tokens: dict[str, str]
    app: FastAPI


@pytest.fixture(scope="module", autouse=True)
def fewer_worlds() -> Iterator[None]:
    real = outlook.computed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            outlook,
            "computed",
            lambda shocks, on, firms, days, _, stock: real(shocks, on, firms, days, WORLDS, stock),
        )
        yield


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Home]]:
    made = []
    files = tmp_path_factory.mktemp("files")
    for name in ("with-b", "without"):
        folder = tmp_path_factory.mktemp(name)
        store = firms_home.make(folder, files, name == "with-b")
        tokens = {"firm": firms_home.token(folder, "firm", A)}
        tokens |= {role: firms_home.token(folder, role) for role in ("official", "analyst")}
        app = create_app(load_settings(folder), store, clock=lambda: NOW)
        made.append(Home(folder, store, tokens, app))
    yield made[0], made[1]
    for home in made:
        home.store.close()


@pytest.fixture(scope="module")
def asked(homes: tuple[Home, Home]) -> list[tuple[str, dict[str, str]]]:
    """What every viewer asks of the paths and pages, made once."""
    with time_machine.travel(NOW, tick=False):
        every = dict.fromkeys((p, tuple(q.items())) for p, q in addresses(homes[0]))
    return [(path, dict(query)) for path, query in every]


@pytest.fixture(autouse=True)
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock stands, and what a command writes to the name it was given falls in no checkout."""
    monkeypatch.chdir(tmp_path)
    with time_machine.travel(NOW, tick=False):
        yield


def canaries(text: str, *asked: str) -> list[str]:
    """Canaries in a text, but for the words of the question itself."""
    told = text
    for word in sorted(asked, key=len, reverse=True):
        told = told.replace(word, "")
    told = told.casefold()
    return [c for c in (*TEXTS, *FIGURES) if c.casefold() in told]


def told(home: Home, viewer: str, *words: str) -> str:
    """What a command prints, on both streams, with its exit code."""
    asks = [] if viewer == "open" else ["--as", home.tokens[viewer]]
    result = CliRunner().invoke(cli, [*asks, *words], env={"EWS_HOME": str(home.folder)})
    assert result.exit_code in {0, 1, 2, 3}, (words, result.output, result.exception)
    text = f"{result.exit_code}\n{result.stdout}\n{result.stderr}"
    return text.replace(str(home.folder), "HOME").replace(home.tokens.get(viewer, "-"), "TOKEN")


def client(home: Home, viewer: str, *, cookie: bool = False) -> TestClient:
    asks = TestClient(home.app, raise_server_exceptions=False, follow_redirects=False)
    if viewer != "open" and cookie:
        asks.cookies.set("ews_viewer", home.tokens[viewer])
    elif viewer != "open":
        asks.headers["Authorization"] = f"Bearer {home.tokens[viewer]}"
    return asks


def test_the_canaries_are_there_and_b_itself_sees_them(homes: tuple[Home, Home]) -> None:
    """Else the other tests would prove nothing."""
    home, without = homes
    token = firms_home.token(home.folder, "firm", B)
    asks = TestClient(home.app, headers={"Authorization": f"Bearer {token}"})
    own = asks.get("/api/v1/exposure", params={"firm": B}).text
    assert {B, "canaryb", "31337"} <= set(canaries(own))
    assert "0.31337" in asks.get("/api/v1/exposure?item=urea").text
    assert canaries(asks.get(f"/api/v1/exposure?event={CLOSURE}").text)
    by_command = CliRunner().invoke(cli, ["--as", token, "firms", "list", "--json"],
                                    env={"EWS_HOME": str(home.folder)})  # fmt: skip
    assert by_command.stdout.casefold().count("canaryb") > 10
    assert any(e.firm and "canaryb" in e.firm for e in home.store.exposures())
    assert not any(e.firm and "canaryb" in e.firm for e in without.store.exposures())
    home.store.remove_viewer(content_id("vwr", digest_of(token)))


def test_an_own_row_is_seen_by_its_firm_on_every_face(homes: tuple[Home, Home]) -> None:
    home = homes[0]
    assert "Own Works" in client(home, "firm").get(f"/api/v1/exposure?firm={A}").text
    assert "Own Works" in client(home, "firm", cookie=True).get(f"/exposure?firm={A}").text
    assert "Own Works" in told(home, "firm", "firms", "list", "--json")
    assert "카나상사" in told(home, "firm", "exposure", "--item", "gallium", "--json")


def questions() -> Iterator[list[str]]:
    """Every command there is, with arguments made up from its parameters."""
    for name, command in commands():
        words = name.split()[1:]
        needed, optional = [], []
        for param in command.params:
            if param.param_type_name == "argument":
                needed.append([EVENT if "event" in param.name else ALERT])
            elif param.required or param.name == "by":
                # Who changes a rule and why is told to all: what the test types there is no leak.
                needed.append([param.opts[0], "kim" if param.name in {"by", "reason"} else B])
            elif not getattr(param, "is_flag", False) and param.name not in {
                "home", "lang", "csv", "html",  # files that it would write
            }:  # fmt: skip
                optional.append(param.opts[0])
        base = [*words, *(word for part in needed for word in part)]
        yield base
        for number, option in enumerate(optional):
            yield [*base, option, NAMES[number % 2]]
        for name_asked in NAMES[:2]:
            if any(p.param_type_name == "argument" for p in command.params):
                yield [*words, name_asked, *(w for part in needed[1:] for w in part)]
    for kind in KINDS:
        for name in (*NAMES[:3], "urea", "CN", EVENT, CLOSURE, A):
            yield ["exposure", f"--{kind}", name, "--json"]
    for kind, name in (("item", "urea"), ("firm", A), ("event", CLOSURE)):
        yield ["exposure", f"--{kind}", name]
    for table in TABLES:
        yield ["aggregates", "--by", table, "--json"]
    for name in NAMES:
        yield ["firms", "list", "--owner", name]
        yield ["firms", "remove", "--owner", name]
        yield ["viewers", "remove", name]
    yield ["what-if", "--item", "urea", "--json"]
    yield ["firms", "list", "--json"]
    yield ["explain", ALERT, "--json"]


@pytest.mark.parametrize("viewer", ["firm", "official", "analyst"])
def test_no_command_tells_anything_of_another_firm(
    homes: tuple[Home, Home], viewer: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    asked = 0
    for number, words in enumerate(questions()):
        if number % SHARE[viewer]:  # the gate is one for all
            continue
        seen = told(homes[0], viewer, *words)
        assert seen == told(homes[1], viewer, *words), words
        assert not canaries(seen, *filter(canaries, words)), (words, seen)
        asked += 1
    assert asked > (300 if viewer == "firm" else 40)
    assert homes[0].store.firm_rows(B), "nobody but B and the operator may remove B's rows"
    assert not canaries(caplog.text.replace(B, "")), "in a log"


def addresses(home: Home) -> Iterator[tuple[str, dict[str, str]]]:
    """Every path of the API and every page, with each of its parameters in turn.

    A path with a name in it is asked with every name alone, and with queries about B for a few; a
    page whose answer no name in the query changes, with all kinds of names at once.
    """
    app, by_header = home.app, client(home, "firm")
    values = (*NAMES[:4], ALERT, EVENT, CLOSURE, "urea", "CN", A, NOBODY)
    document = app.openapi()
    for path, methods in document["paths"].items():
        if "get" not in methods:  # what people do: test_acting_faces
            continue
        params = [p for p in methods["get"].get("parameters", [])]
        inside = [p["name"] for p in params if p["in"] == "path"]
        for value in values if inside else (None,):
            at = path
            for name in inside:
                at = at.replace(f"{{{name}}}", str(value))
            yield at, {}
            if inside and value not in ASKED_WITHIN:
                continue
            if inside and value != B and by_header.get(at).status_code == 404:
                continue  # what is not there is as little there with a query
            for param in params:
                if param["in"] == "query":
                    told = (*NAMES[:3], "urea") if inside or path == SOURCES else values
                    if path.endswith(".csv"):  # the same report as the path without it
                        told = (B, "urea", CLOSURE, A)
                    if not _takes_text(param["schema"]):
                        told = told[:1]
                    yield from ((at, {param["name"]: v}) for v in told)
        for table in TABLES if any(p["name"] == "by" for p in params) else TABLES[:1]:
            yield path, {"by": table}
    asks = client(home, "official", cookie=True)
    for route in pages(app):
        for value in values if "{" in route.path else (None,):
            at = re.sub(r"\{\w+\}", str(value), route.path)
            yield at, {}
            if "{" in route.path:
                continue
            yield from ((at, dict.fromkeys(KINDS, name)) for name in (B, "urea"))
            if _turns_on_names(asks, at):
                yield from ((at, {kind: v}) for kind in KINDS for v in (*NAMES[:3], "urea"))


def _turns_on_names(asks: TestClient, path: str) -> bool:
    """Whether a page says anything else, its links left out, when a name stands in the query."""
    plain, *others = (asks.get(path, params=q) for q in ({}, *({kind: B} for kind in KINDS)))
    said = {
        (one.status_code, re.sub(r"\?[^\"]*", "", _plain(one.text)))
        for one in (plain, *others)
        if "unknown parameter" not in one.text
    }
    return len(said) > 1


def pages(app: FastAPI) -> list[APIRoute]:
    """The routes of pages: FastAPI keeps an included router whole."""
    routers = [getattr(route, "original_router", None) for route in app.routes]
    found = [route for router in routers if router is not None for route in router.routes]
    return [
        route
        for route in (*app.routes, *found)
        if isinstance(route, APIRoute) and "GET" in route.methods and not route.include_in_schema
    ]


def test_the_walk_finds_the_pages(homes: tuple[Home, Home]) -> None:
    assert {"/", "/exposure", "/what-if", "/firms/stress"} <= {r.path for r in pages(homes[0].app)}


def _takes_text(schema: dict[str, object]) -> bool:
    """Whether a name is a possible value: of a number, a switch or a day any name is as wrong."""
    kinds = schema.get("anyOf", [schema])
    assert isinstance(kinds, list)
    return any(one.get("type") == "string" and "format" not in one for one in kinds)


@pytest.mark.parametrize("viewer", VIEWERS)
def test_no_path_or_page_tells_anything_of_another_firm(
    homes: tuple[Home, Home],
    asked: list[tuple[str, dict[str, str]]],
    viewer: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.WARNING, "httpx2")  # the test's own client, not ours
    by_page = [client(home, viewer, cookie=True) for home in homes]
    by_header = [client(home, viewer) for home in homes]
    count = 0
    every = SHARE[viewer] * (1 if EVERY_CASE or viewer == "firm" else 2)
    for number, (path, params) in enumerate(asked):
        if number % every:  # the edge is one for all
            continue
        asks = by_header if path.startswith("/api/") else by_page
        one, other = (c.get(path, params=params) for c in asks)
        assert one.status_code == other.status_code, (path, params)
        said = _plain(one.text)
        same = _unsigned(one.text) == _unsigned(other.text) or said == _plain(other.text)
        assert same, (path, params, said, other.text)
        parts = path.removesuffix(".xml").split("/")
        own = filter(canaries, [*params.values(), *parts])
        assert not canaries(said, *own), (path, params)
        count += 1
    assert count > (400 if viewer == "firm" else 60)
    assert not canaries(caplog.text), "in a log"


def _plain(text: str) -> str:
    """Without the form's own secret, and with what was asked as it was typed."""
    return unescape(unquote_plus(_unsigned(text)))


def _unsigned(text: str) -> str:
    return re.sub(r'name="form" value="[^"]*"', "", text)


@pytest.mark.parametrize("viewer", VIEWERS)
def test_not_yours_and_not_there_are_one_answer(homes: tuple[Home, Home], viewer: str) -> None:
    asks = client(homes[0], viewer)
    answers = {
        (found.status_code, found.text)
        for name in (*NAMES[:3], NOBODY)
        for found in [asks.get("/api/v1/exposure", params={"firm": name})]
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == 404


def test_nothing_that_was_sent_names_a_firm(homes: tuple[Home, Home]) -> None:
    """Slack and console messages, and every alert, are the same with and without B."""
    home, without = homes
    for folder in (home.folder, without.folder):
        assert list(folder.glob("*console*")), "nothing was told; the test would prove nothing"
    told_there, told_here = (
        {p.name: p.read_text("utf-8") for p in h.folder.glob("*console*")} for h in homes
    )
    assert told_there == told_here
    assert not canaries("".join(told_there.values()))
    assert "Own Works" not in "".join(told_there.values())
    assert A not in "".join(told_there.values())
    for at in (h.store.alerts() for h in homes):
        assert [a.items for a in at] == [a.items for a in without.store.alerts()]
    assert CLOSURE not in {a.event_id for a in home.store.alerts()} or (
        CLOSURE in {a.event_id for a in without.store.alerts()}
    )


def test_a_firm_cannot_name_itself_into_the_rows_of_another(
    homes: tuple[Home, Home], tmp_path: Path
) -> None:
    """A imports a row that says it is B; it is shown that row and nothing of B's."""
    home = homes[0]
    before = home.store.firm_rows(B)
    file = tmp_path / "links.csv"
    file.write_text(f"firm,item,country,share\n{B},urea,CN,0.11\nCANARYB Second,gallium,CN,0.12\n")
    told(home, "firm", "firms", "import", str(file), "--owner", A)
    try:
        seen = client(home, "firm").get("/api/v1/exposure?item=urea").json()
        assert all(e["firm"] is None or e["firm"].startswith(A) for e in seen["exposures"])
        own = client(home, "firm").get("/api/v1/exposure", params={"firm": B}).json()
        assert [link["share"] for link in own["links"]] == [0.11]
        assert home.store.firm_rows(B) == before
        refused = told(home, "firm", "firms", "import", str(file), "--owner", B)
        assert refused.startswith("2\n")
        assert home.store.firm_rows(B) == before
    finally:
        file.write_text(A_FILES["links.csv"], "utf-8")
        told(home, "firm", "firms", "import", str(file), "--owner", A)


def test_an_error_in_the_file_of_b_is_told_to_b_alone(
    homes: tuple[Home, Home], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="ews")
    home = homes[0]
    token = firms_home.token(home.folder, "firm", B)
    file = tmp_path / "canaryb-wrong.csv"
    file.write_text(B_FILES["canaryb-links.csv"].replace("gallium", "canarybium"), "utf-8")
    result = CliRunner().invoke(cli, ["--as", token, "firms", "import", str(file), "--owner", B],
                                env={"EWS_HOME": str(home.folder)})  # fmt: skip
    assert result.exit_code == 2
    assert "canaryb-wrong.csv:3: item" in result.stderr
    assert not canaries(caplog.text)
    home.store.remove_viewer(content_id("vwr", digest_of(token)))


def test_what_b_takes_back_is_in_no_byte_of_the_home(tmp_path: Path) -> None:
    """Rows, exposures that came of them, shocks on its suppliers: the file itself is searched."""
    files = tmp_path / "files"
    files.mkdir()
    store = firms_home.make(tmp_path / "home", files, True)
    events = {e.event_id for e in store.exposures() if e.firm and "canaryb" in e.firm}
    assert events
    wanted = [B.encode(), "카나리비".encode(), b"31337"]
    assert all(any(w in p.read_bytes() for p in _database(store, tmp_path)) for w in wanted)
    words = ["firms", "remove", "--owner", B, "--home", str(tmp_path / "home")]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    assert CliRunner().invoke(cli, words).exit_code == 1
    assert {e.id for e in store.unpropagated()} >= events
    left = b"".join(p.read_bytes() for p in _database(store, tmp_path))
    assert not [w for w in wanted if w in left]
    # The name of the plant is in the event, as the news told it; that it is B's supplier is not.
    assert left.lower().count(b"canaryb") == left.count(b"Canaryb Urea Works")
    assert A.encode() in left
    store.close()


def _database(store: Store, folder: Path) -> list[Path]:
    return [p for p in (folder / "home").iterdir() if p.name.startswith("ews.db")]


def test_a_network_that_is_older_than_the_removal_brings_nothing_back(tmp_path: Path) -> None:
    """A scheduler that runs on holds the links it began with."""
    files = tmp_path / "files"
    files.mkdir()
    store = firms_home.make(tmp_path / "home", files, True)
    old = build_network(firms_of(store))
    store.remove_firm(B)
    pipeline = Pipeline(store, Rooms(LexiconClassifier(), old, load_routes(), {}, Names()))
    pipeline.propagate(NOW)
    assert not store.unpropagated()
    assert not [e for e in store.exposures() if e.firm and "canaryb" in e.firm]
    assert [e for e in store.exposures() if e.firm and e.firm.startswith(A)]
    store.close()


def test_what_is_public_does_not_depend_on_who_gave_links(homes: tuple[Home, Home]) -> None:
    one, other = (
        [e for e in home.store.exposures(event_id=EVENT) if e.firm is None] for home in homes
    )
    assert one == other
    assert one
