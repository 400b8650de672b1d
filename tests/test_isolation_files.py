"""What commands write and pages show tells a viewer nothing of another firm, nor of a network.

As test_isolation.py: a home where B gave rows, and an analyst a network, and one where nobody did,
are asked the same; what is printed and the files that are written are equal byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
import time_machine
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ews.cli import app as cli
from ews.config import load_settings
from ews.reports import outlook
from ews.storage import Store
from ews.web import create_app
from tests import firms_home, networks_home
from tests.faces_home import NOW
from tests.firms_home import FIGURES, TEXTS, A, B

EVENT = "evt-urea0000000001"
FILES = ("sheet.csv", "page.html")
WRITING = (
    ["exposure", "--item", "urea"],
    ["exposure", "--country", "CN"],
    ["exposure", "--event", EVENT],
    ["exposure", "--firm", A],
    ["exposure", "--firm", B],
    ["what-if", "--item", "urea"],
    ["firms", "stress"],
    ["firms", "stress", "--firm", A],
    ["firms", "stress", "--firm", B],
    ["firms", "stress", "--firm", "CANARYB Second"],
)
ASKING = (
    ["firms", "list"],
    ["firms", "list", "--owner", B],
    ["networks", "list"],
    ["networks", "what-if", "secret-net", "--node", "firm:canarymine"],
    ["networks", "systemic", "secret-net"],
    ["networks", "remove", "secret-net"],
    ["systemic", "--top", "1"],
    ["aggregates"],
)


@dataclass
class Home:
    folder: Path
    store: Store
    tokens: dict[str, str]


@pytest.fixture(scope="module", autouse=True)
def few_worlds() -> Iterator[None]:
    real = outlook.computed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            outlook,
            "computed",
            lambda shocks, on, firms, days, _, stock: real(shocks, on, firms, days, 16, stock),
        )
        yield


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Home]]:
    files = tmp_path_factory.mktemp("files")
    made = []
    for secret in (True, False):
        folder = tmp_path_factory.mktemp("home")
        store = firms_home.make(folder, files, secret)
        if secret:
            words = ["networks", "import", "secret-net", *map(str, networks_home.files(files))]
            assert CliRunner().invoke(cli, [*words, "--home", str(folder)]).exit_code == 0
        tokens = {"firm": firms_home.token(folder, "firm", A)}
        tokens["official"] = firms_home.token(folder, "official")
        made.append(Home(folder, store, tokens))
    yield made[0], made[1]
    for home in made:
        home.store.close()


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def told(home: Home, viewer: str, words: Sequence[str], to: Path | None = None) -> dict[str, str]:
    """What a command prints and, asked to write to that folder, writes."""
    asks = [] if viewer == "operator" else ["--as", home.tokens[viewer]]
    wanted = [] if to is None else ["--csv", str(to / FILES[0]), "--html", str(to / FILES[1])]
    result = CliRunner().invoke(cli, [*asks, *words, *wanted], env={"EWS_HOME": str(home.folder)})
    assert result.exit_code in {0, 1, 2}, (words, result.output, result.exception)
    printed = f"{result.exit_code}\n{result.stdout}\n{result.stderr}"
    found = {"printed": printed.replace(str(home.folder), "HOME")}
    for path in () if to is None else [to / name for name in FILES]:
        if path.exists():
            found[path.name] = path.read_bytes().decode()
            path.unlink()
    return found


def canaries(text: str, *asked: str) -> list[str]:
    """Canaries in a text, but for the words of the question itself."""
    for word in sorted(asked, key=len, reverse=True):
        text = text.replace(word, "")
    every = (*TEXTS, *FIGURES, *networks_home.CANARIES, "secret-net")
    text = text.casefold()
    return [c for c in every if c.casefold() in text]


def test_the_operator_finds_b_in_the_files_and_the_network_in_the_list(
    homes: tuple[Home, Home], tmp_path: Path
) -> None:
    """Else the other tests would prove nothing."""
    for words in (["exposure", "--firm", B], ["firms", "stress", "--firm", B]):
        found = told(homes[0], "operator", words, tmp_path)
        assert set(found) == {"printed", *FILES}
        assert canaries(found["page.html"], B)
    assert canaries(told(homes[0], "operator", ["firms", "stress", "--firm", B], tmp_path)["sheet.csv"], B)  # fmt: skip
    assert "secret-net" in told(homes[0], "operator", ["networks", "list"])["printed"]


@pytest.mark.parametrize("viewer", ["firm", "official"])
def test_no_file_that_a_command_writes_tells_of_another_firm(
    homes: tuple[Home, Home], tmp_path: Path, viewer: str
) -> None:
    written = 0
    for words in WRITING:
        seen = told(homes[0], viewer, words, tmp_path)
        assert seen == told(homes[1], viewer, words, tmp_path), words
        for text in seen.values():
            assert not canaries(text, *filter(canaries, words)), words
        written += len(seen) - 1
    assert written >= (10 if viewer == "firm" else 8)
    own = told(homes[0], "firm", ["firms", "stress", "--firm", A], tmp_path)
    assert all("Own Works" in own[name] for name in FILES)


@pytest.mark.parametrize("viewer", ["firm", "official"])
def test_no_listing_or_ranking_tells_of_another_firm_or_of_a_network(
    homes: tuple[Home, Home], viewer: str
) -> None:
    for words in ASKING:
        for more in ([], ["--json"]):
            if words[-2:] == ["remove", "secret-net"] and more:
                continue
            seen = told(homes[0], viewer, [*words, *more])
            assert seen == told(homes[1], viewer, [*words, *more]), words
            assert not canaries(seen["printed"], *filter(canaries, words)), words
    assert "secret-net" in told(homes[0], "operator", ["networks", "list"])["printed"]


def test_no_page_tells_of_another_firm(homes: tuple[Home, Home]) -> None:
    """Every page with a path of its own, as A; its questions are asked of A and of B."""
    clients = []
    for home in homes:
        app = create_app(load_settings(home.folder), home.store, clock=lambda: NOW)
        client = TestClient(app, follow_redirects=False)
        client.cookies.set("ews_viewer", home.tokens["firm"])
        clients.append((app, client))
    routers = [r.original_router for r in clients[0][0].routes if hasattr(r, "original_router")]
    paths = sorted(
        {r.path for of in routers for r in of.routes if isinstance(r, APIRoute)
         and "GET" in r.methods and not r.include_in_schema and "{" not in r.path}
    )  # fmt: skip
    assert {"/", "/exposure", "/firms/stress"} <= set(paths), paths
    for path in paths:
        said = set()
        for query in ("", f"?firm={B}", f"?firm={A}"):
            if query.endswith(A) and len(said) == 1:
                continue  # a page that says the same whichever firm is asked for
            one, other = (client.get(path + query) for _, client in clients)
            plain = _plain(one.text)
            said.add((one.status_code, re.sub(r"\?[^\"]*", "", plain)))
            assert one.status_code == other.status_code, path
            assert plain == _plain(other.text), (path, query)
            assert not canaries(plain, B), (path, query)
    assert "Own Works" in clients[0][1].get(f"/firms/stress?firm={A}").text


def _plain(text: str) -> str:
    """Without the form's own secret, and with what was asked as it was typed."""
    return unescape(unquote_plus(re.sub(r'name="form" value="[^"]*"', "", text)))
