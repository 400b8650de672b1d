"""A brought network asked by command, API and page: one answer, for those it is for, and no byte of
it for anybody else."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import time_machine
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ews.cli import app as cli
from ews.config import load_settings
from ews.reports import NotFound, Viewer
from ews.reports.network_files import open_network
from ews.reports.network_imports import import_rows, sample_network
from ews.reports.network_ranking import network_systemic
from ews.reports.network_what_if import Blow, network_what_if
from ews.storage import Store
from ews.web import create_app
from graph.esri import closures, esri
from graph.joint import run_joint
from graph.scenario import Hit, scenario
from graph.steps import run
from tests.firms_home import token
from tests.networks_home import ANALYST, CANARIES, NOW, files

MINE, MILL = "firm:canarymine", "firm:canarymill"
WHAT_IF = {"node": MINE, "percent": "60", "days": "30", "horizon": "60"}


@dataclass
class Home:
    folder: Path
    app: FastAPI
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Home]]:
    """One home with networks, and one where nobody ever brought any."""
    made, stores = [], []
    for brings in (True, False):
        folder = tmp_path_factory.mktemp("home")
        store = Store.open(folder)
        tokens = {role: token(folder, role) for role in ("official", "analyst", "operator")}
        tokens["firm"] = token(folder, "firm", "CanaryMill")
        if brings:
            nodes, links = files(tmp_path_factory.mktemp("files"))
            import_rows(folder, "steel", nodes, links, viewer=ANALYST, by="kim", at=NOW)
            sample_network(folder, "toy", 80, 300, viewer=ANALYST, by="kim", at=NOW)
        made.append(
            Home(folder, create_app(load_settings(folder), store, clock=lambda: NOW), tokens)
        )
        stores.append(store)
    yield made[0], made[1]
    for store in stores:
        store.close()


@pytest.fixture
def home(homes: tuple[Home, Home]) -> Path:
    return homes[0].folder


def client(home: Home, viewer: str) -> TestClient:
    asks = TestClient(home.app, raise_server_exceptions=False)
    if viewer != "open":
        asks.headers["Authorization"] = f"Bearer {home.tokens[viewer]}"
        asks.cookies.set("ews_viewer", home.tokens[viewer])
    return asks


def ews(home: Home, viewer: str, *words: str) -> tuple[int, str]:
    asks = [] if viewer == "open" else ["--as", home.tokens[viewer]]
    result = CliRunner().invoke(cli, [*asks, *words], env={"EWS_HOME": str(home.folder)})
    text = result.stdout + result.stderr
    return result.exit_code, text.replace(str(home.folder), "HOME")


# --------------------------------------------------------------------------- the answers


def test_the_joint_mode_is_the_run_of_its_own_and_gives_no_paths(home: Path) -> None:
    asked = Blow((MINE,), percent=60, horizon=30, mode="joint")
    found = network_what_if(home, "steel", asked, ANALYST)
    arrays = open_network(home, "steel", ANALYST).arrays
    supposed = scenario(30, [Hit(np.array([arrays.index(MINE)]), 0.6, 0.0, 30.0)])
    assert [day.loss for day in found.curve] == pytest.approx(
        run_joint(arrays, supposed).curve(arrays).tolist()
    )
    assert found.why is None
    assert found.switches.startswith("joint")
    with pytest.raises(ValueError, match="separate mode"):
        network_what_if(home, "steel", replace(asked, explain=MILL), ANALYST)


def test_a_what_if_is_the_run_of_the_reference(home: Path) -> None:
    found = network_what_if(home, "steel", Blow((MINE,), percent=60, horizon=60), ANALYST)
    arrays = open_network(home, "steel", ANALYST).arrays
    supposed = scenario(60, [Hit(np.array([arrays.index(MINE)]), 0.6, 0.0, 30.0)])
    outcome = run(arrays, supposed)
    assert [day.loss for day in found.curve] == pytest.approx(outcome.curve(arrays), rel=1e-3)
    assert found.loss == pytest.approx(sum(day.loss for day in found.curve))
    assert found.firms[0].loss == max(firm.loss for firm in found.firms)
    assert [f.who.code for f in found.firms if f.struck] == [MINE]
    mill = next(f for f in found.firms if f.who.code == MILL)
    assert mill.first_day == outcome.first_day()[list(outcome.nodes).index(arrays.index(MILL))]
    assert found.theta > 0
    assert "theta" in found.switches


def test_the_paths_and_the_rest_add_up_and_say_where_each_link_was_read(home: Path) -> None:
    found = network_what_if(home, "steel", Blow((MINE,), explain="canarymill"), ANALYST)
    assert found.why is not None
    assert (found.why.who.en, found.why.who.ko) == ("CanaryMill", "카나리제철")
    parts = sum(path.share for path in found.why.paths)
    assert parts + found.why.circles + found.why.rest == pytest.approx(1.0)
    step = found.why.paths[0].steps[0]
    assert (step.basis, step.source, step.as_of, step.synthetic) == (
        "stated", "customs", "2025-03-01", False,
    )  # fmt: skip
    made_up = network_what_if(home, "toy", Blow(("5",)), ANALYST)
    assert made_up.network.synthetic
    assert made_up.why is not None
    assert all(s.synthetic for path in made_up.why.paths for s in path.steps)


def test_a_sector_is_hit_by_its_code_or_how_its_codes_begin(home: Path) -> None:
    assert network_what_if(home, "steel", Blow(sector="24"), ANALYST).struck == 1
    assert network_what_if(home, "steel", Blow(sector="0"), ANALYST).struck == 1
    sectors = open_network(home, "toy", ANALYST).arrays.sector
    assert network_what_if(home, "toy", Blow(sector="3"), ANALYST).struck == (sectors == 3).sum()


@pytest.mark.parametrize(
    "wrong", [{"percent": 0}, {"percent": 101}, {"days": 0}, {"horizon": 0}, {"horizon": 4000},
              {"lag": -1}, {"nodes": ()}, {"top": 0}, {"nodes": ("x",) * 201}],
)  # fmt: skip
def test_a_wrong_number_is_named(home: Path, wrong: dict[str, object]) -> None:
    asked = replace(Blow((MINE,)), **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"percent|days|horizon|name|top"):
        network_what_if(home, "steel", asked, ANALYST)


def test_an_unknown_node_or_sector_offers_near_ones(home: Path) -> None:
    for asked, near in ((Blow(("mill",)), MILL), (Blow(sector="99"), "24")):
        with pytest.raises(NotFound, match=near):
            network_what_if(home, "steel", asked, ANALYST)


def test_the_ranking_is_that_of_the_readable_engine_and_is_kept(home: Path) -> None:
    told: list[tuple[int, int]] = []
    found = network_systemic(home, "toy", ANALYST, at=NOW, top=80,
                             progress=lambda *done: told.append(done))  # fmt: skip
    network = open_network(home, "toy", ANALYST)
    closed = closures(80, [network.numbers[firm.who.code] for firm in found.firms])
    peer = esri(network.arrays, closed, market=True)
    assert [f.esri for f in found.firms] == pytest.approx(peer.esri, abs=1e-5)
    assert [f.esri for f in found.firms] == sorted((f.esri for f in found.firms), reverse=True)
    assert (told[-1], found.converged, found.leak) == ((80, 80), 80, True)
    again = network_systemic(home, "toy", ANALYST, at=NOW.replace(year=2027), top=80,
                             progress=lambda *done: told.append(done))  # fmt: skip
    assert again == found, "read again, not made again"
    assert len(told) == 1
    other = network_systemic(home, "toy", ANALYST, at=NOW, top=1, leak=False)
    assert other.leak is False
    assert len(list(network.folder.glob("systemic-*.npz"))) == 2


def test_a_large_network_is_not_ranked_while_a_reader_waits(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ews.reports.network_ranking.AT_ONCE", 10)
    with pytest.raises(NotFound, match=r"ews networks systemic toy --no-market"):
        network_systemic(home, "toy", ANALYST, at=NOW, market=False)


# --------------------------------------------------------------------------- three faces


def test_command_api_and_page_tell_one_answer(homes: tuple[Home, Home]) -> None:
    asks = client(homes[0], "analyst")
    by_api = asks.get("/api/v1/networks/steel/what-if", params=WHAT_IF).json()
    words = [word for key, value in WHAT_IF.items() for word in (f"--{key}", value)]
    code, text = ews(homes[0], "analyst", "networks", "what-if", "steel", *words, "--json")
    assert code == 0
    assert json.loads(text) == by_api
    page = asks.get("/networks/steel", params={**WHAT_IF, "lang": "en"})
    assert page.status_code == 200
    assert f"{by_api['loss']:,.4g} KRW" in page.text
    for firm in by_api["firms"]:
        assert f"{firm['loss']:,.4g}" in page.text
        assert firm["who"]["en"] in page.text
    assert page.text.count('<svg class="curve"') == 1
    assert by_api["switches"] in page.text
    code, text = ews(homes[0], "analyst", "networks", "what-if", "steel", *words, "--lang", "en")
    assert f"{by_api['loss']:,.4g} KRW" in text


def test_the_ranking_is_one_on_each_face_and_in_the_sheet(homes: tuple[Home, Home]) -> None:
    asks = client(homes[0], "analyst")
    by_api = asks.get("/api/v1/networks/toy/systemic", params={"top": 5}).json()
    code, text = ews(homes[0], "analyst", "networks", "systemic", "toy", "--top", "5", "--json")
    assert (code, json.loads(text)) == (0, by_api)
    sheet = asks.get("/api/v1/networks/toy/systemic.csv", params={"top": 5, "lang": "en"})
    rows = list(csv.DictReader(io.StringIO(sheet.text.lstrip("\ufeff"))))
    assert [row["code"] for row in rows] == [f["who"]["code"] for f in by_api["firms"]]
    assert [row["esri"] for row in rows] == [f"{f['esri']:.6g}" for f in by_api["firms"]]
    assert {row["synthetic"] for row in rows} == {"True"}
    page = asks.get("/networks/toy?lang=en").text
    assert f"{by_api['firms'][0]['esri'] * 100:.1f} %" in page
    assert "Synthetic:" in page
    assert "Final-demand leak" in page


def test_what_would_cost_korea_most_is_one_answer_for_everybody(homes: tuple[Home, Home]) -> None:
    asks = client(homes[1], "firm")
    by_api = asks.get("/api/v1/systemic", params={"top": 3}).json()
    with time_machine.travel(NOW, tick=False):
        code, text = ews(homes[1], "official", "systemic", "--top", "3", "--json")
    assert (code, json.loads(text)) == (0, by_api)
    page = client(homes[1], "open").get("/systemic?lang=en").text
    for line in by_api["lines"]:
        assert line["who"]["en"] in unescape(page)
        assert f"{line['loss_days']:.1f}" in page
    sheet = asks.get("/api/v1/systemic.csv", params={"top": 3, "lang": "en"}).text
    rows = list(csv.DictReader(io.StringIO(sheet.lstrip("\ufeff"))))
    assert [row["loss_days"] for row in rows] == [f"{x['loss_days']:.6g}" for x in by_api["lines"]]


def test_the_pages_stand_in_both_languages(homes: tuple[Home, Home]) -> None:
    asks = client(homes[0], "operator")
    for path in ("/networks", "/networks/steel", "/networks/toy?sector=3", "/systemic"):
        for lang in ("ko", "en"):
            page = asks.get(path, params={**dict(re.findall(r"(\w+)=(\w+)", path)), "lang": lang})
            assert page.status_code == 200, path
            assert f'<html lang="{lang}">' in page.text
            assert len(re.findall(r"<h1[ >]", page.text)) == 1
            assert "style=" not in page.text
    wrong = asks.get("/networks/steel?node=nobody&lang=en")
    assert wrong.status_code == 400
    assert "no node" in unescape(wrong.text)


# --------------------------------------------------------------------------- for whom


def canaries(text: str) -> list[str]:
    return [word for word in CANARIES if word.casefold() in text.casefold()]


def test_the_canaries_are_there_for_those_the_network_is_for(homes: tuple[Home, Home]) -> None:
    for role in ("analyst", "operator"):
        text = client(homes[0], role).get("/networks/steel", params=WHAT_IF).text
        assert {"canarymine", "canarymill", "카나리"} <= set(canaries(text))
        assert '"steel"' in client(homes[0], role).get("/api/v1/networks").text


@pytest.mark.parametrize("viewer", ["firm", "official", "open"])
def test_nobody_else_reads_a_byte_of_a_network(
    homes: tuple[Home, Home], viewer: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The same answers as in a home that has none; names that are there as names that are not."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.WARNING, "httpx2")  # the test's own client, not ours
    asks, elsewhere = (client(home, viewer) for home in homes)
    ranking = ("/systemic", "/systemic.csv")
    for name in ("steel", "toy", "stool"):
        paths = [f"/api/v1/networks/{name}/what-if?node={MINE}",
                 f"/api/v1/networks/{name}/what-if?sector=3", f"/networks/{name}",
                 f"/networks/{name}?node={MINE}"]  # fmt: skip
        paths += [f"/api/v1/networks/{name}{end}" for end in ranking]
        for path in paths:
            one = asks.get(path)
            assert one.status_code == 404, path
            assert one.text == elsewhere.get(path).text
            assert not canaries(one.text.replace("canarymine", ""))
            other = asks.get(path.replace(name, "stool"))
            assert one.text.replace(name, "stool") == other.text
    for path in ("/networks", "/api/v1/networks"):
        assert asks.get(path).text == elsewhere.get(path).text
    assert not canaries(caplog.text.replace("canarymine", ""))


@pytest.mark.parametrize("viewer", ["firm", "official"])
def test_no_command_tells_anybody_else_of_a_network(
    homes: tuple[Home, Home], viewer: str, tmp_path: Path
) -> None:
    nodes, links = files(tmp_path)
    asked = [["list"], ["list", "--json"]]
    for name in ("steel", "stool"):
        asked += [["what-if", name, "--node", MINE], ["systemic", name], ["remove", name],
                  ["import", name, str(nodes), str(links)],
                  ["sample", name, "--firms", "9", "--links", "9"]]  # fmt: skip
    for words in asked:
        one, other = (ews(home, viewer, "networks", *words) for home in homes)
        assert one == other, words
        assert one[0] in {1, 2}
        assert not canaries(one[1].replace(MINE, ""))
    assert (
        ews(homes[0], viewer, "networks", "systemic", "steel")[1].replace("steel", "stool")
        == (ews(homes[0], viewer, "networks", "systemic", "stool")[1])
    )
    assert open_network(homes[0].folder, "steel", Viewer("operator"))
    assert not (homes[0].folder / "networks/stool").exists()
