"""Who asks: tokens on the command line, in a header, in a cookie; wrong ones are never no token."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ews.cli import app as cli
from ews.config import load_settings
from ews.model import content_id
from ews.reports import OPERATOR, Viewer, WrongToken, add_viewer, viewer_of
from ews.reports.viewer import digest_of
from ews.storage import Store
from ews.web import create_app
from ews.web.asking import GUESSES, WINDOW, Guesses
from tests.faces_home import NOW, make_home
from tests.firms_home import token

OWNER = "표본상사"  # as tests.faces_home has it
WRONG = "ews_this-is-a-wrong-token"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_home(tmp_path)
    return tmp_path


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    opened = Store.open(home)
    yield opened
    opened.close()


@pytest.fixture
def app(home: Path, store: Store) -> FastAPI:
    return create_app(load_settings(home), store, clock=lambda: NOW)


def ews(home: Path, *words: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(cli, list(words), env={"EWS_HOME": str(home), **(env or {})})
    return result.exit_code, result.output


# --------------------------------------------------------------------------- tokens


def test_a_token_is_printed_once_and_only_its_digest_is_kept(home: Path, store: Store) -> None:
    made = token(home, "firm", OWNER)
    assert re.fullmatch(r"ews_[\w-]{43}", made)
    assert made != token(home, "firm", OWNER)
    assert viewer_of(store, made) == Viewer("firm", OWNER)
    everything = b"".join(p.read_bytes() for p in home.iterdir() if p.is_file())
    assert made.encode() not in everything
    assert digest_of(made).encode() in everything
    code, listed = ews(home, "viewers", "list", "--json")
    assert (code, listed.count('"firm"')) == (0, 2)
    assert made not in listed
    assert digest_of(made) not in listed


def test_a_viewer_that_is_removed_has_a_wrong_token(home: Path, store: Store) -> None:
    made = token(home, "official")
    id = content_id("vwr", digest_of(made))
    assert ews(home, "viewers", "remove", id)[0] == 0
    assert ews(home, "viewers", "remove", id)[0] == 1
    with pytest.raises(WrongToken):
        viewer_of(store, made)
    assert ews(home, "--as", made, "alerts")[0] == 3


@pytest.mark.parametrize("words", [["--role", "king"], ["--role", "firm"],
                                   ["--role", "analyst", "--owner", "A"]])  # fmt: skip
def test_a_wrong_role_or_owner_makes_no_viewer(home: Path, store: Store, words: list[str]) -> None:
    assert ews(home, "viewers", "add", *words)[0] == 2
    assert store.viewers() == []


def test_an_owner_that_reads_like_another_gets_no_token(store: Store) -> None:
    with pytest.raises(ValueError, match="reads like"):
        add_viewer(store, "t", "firm", f" {OWNER}!", "", NOW)


# --------------------------------------------------------------------------- command line


def test_a_command_asks_as_the_operator_or_as_its_token_says(home: Path) -> None:
    firm, official = token(home, "firm", OWNER), token(home, "official")
    question = ["exposure", "--firm", OWNER, "--json"]
    assert ews(home, *question)[0] == 0
    assert ews(home, "--as", firm, *question)[0] == 0
    assert ews(home, *question, env={"EWS_VIEWER_TOKEN": firm})[0] == 0
    assert ews(home, *question, env={"EWS_VIEWER_TOKEN": official})[0] == 1
    assert ews(home, "--as", official, *question, env={"EWS_VIEWER_TOKEN": firm})[0] == 1


def test_a_wrong_token_is_refused_by_every_command_and_not_repeated(home: Path) -> None:
    for words in (["alerts"], ["exposure", "--item", "urea"], ["sources"], ["firms", "list"],
                  ["rules", "test"], ["aggregates"], ["viewers", "list"], ["cycle"]):  # fmt: skip
        for env, args in (({}, ["--as", WRONG]), ({"EWS_VIEWER_TOKEN": WRONG}, [])):
            code, said = ews(home, *args, *words, env=env)
            assert code == 3, (words, said)
            assert "not known here" in said
            assert WRONG not in said


@pytest.mark.parametrize(
    ("role", "words", "allowed"),
    [
        ("firm", ["firms", "list"], True), ("official", ["firms", "list"], False),
        ("analyst", ["rules", "show"], True), ("firm", ["rules", "undo", "--by", "x", "--reason", "y"], False),
        ("analyst", ["firms", "list"], False), ("official", ["viewers", "list"], False),
        ("firm", ["doctor"], False), ("firm", ["serve"], False), ("firm", ["run"], False),
        ("firm", ["viewers", "add", "--role", "operator"], False), ("firm", ["config"], False),
        ("operator", ["viewers", "list"], True), ("official", ["cycle", "--no-scrape"], False),
    ],
)  # fmt: skip
def test_each_role_has_its_commands(home: Path, role: str, words: list[str], allowed: bool) -> None:
    made = token(home, role, OWNER if role == "firm" else None)
    code, said = ews(home, "--as", made, *words)
    assert (code in {0, 1}) == allowed, said


# --------------------------------------------------------------------------- pages and API


def test_a_header_or_a_cookie_makes_the_viewer_of_each_request(app: FastAPI, home: Path) -> None:
    made = token(home, "firm", OWNER)
    asks = TestClient(app)
    own = f"/api/v1/exposure?firm={OWNER}"
    assert asks.get(own).status_code == 404
    assert asks.get(own, headers={"Authorization": f"Bearer {made}"}).status_code == 200
    assert asks.get(own, headers={"Authorization": "Basic Zm9vOmJhcg=="}).status_code == 404
    asks.cookies.set("ews_viewer", made)
    assert asks.get(own).status_code == 200
    assert asks.get(f"/exposure?firm={OWNER}").status_code == 200


def test_a_wrong_token_is_401_on_every_path_and_page(app: FastAPI) -> None:
    paths = ["/api/v1/alerts", "/api/v1/health", "/api/v1/exposure?item=urea", "/", "/help",
             "/exposure", "/api/v1/aggregates"]  # fmt: skip
    for number, path in enumerate(paths):
        asks = TestClient(app, client=(f"192.0.2.{number}", 1))
        answer = asks.get(path, headers={"Authorization": f"Bearer {WRONG}"})
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert WRONG not in answer.text
        asks.cookies.set("ews_viewer", WRONG)
        assert asks.get(path).status_code == 401, path
    assert asks.get("/", headers={"Authorization": "Bearer "}).status_code == 401
    assert TestClient(app).get("/api/v1/alerts").status_code == 200  # no token: the open viewer


def form_of(asks: TestClient) -> str:
    found = re.search(r'name="form" value="([^"]+)"', asks.get("/sign-in").text)
    assert found is not None
    return found.group(1)


def test_signing_in_and_out_by_the_form(app: FastAPI, home: Path) -> None:
    made = token(home, "firm", OWNER)
    asks = TestClient(app, base_url="https://testserver", follow_redirects=False)
    answer = asks.post("/sign-in", data={"form": form_of(asks), "token": f" {made} "})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("ews_viewer"))
    assert {"HttpOnly", "SameSite=strict", "Secure", "Path=/"} <= set(cookie.split("; "))
    assert OWNER in asks.get("/sign-in").text
    assert asks.get(f"/exposure?firm={OWNER}").status_code == 200
    answer = asks.post("/sign-out", data={"form": form_of(asks)})
    assert answer.status_code == 303
    assert "ews_viewer" not in asks.cookies
    assert asks.get(f"/exposure?firm={OWNER}").status_code == 404


def test_a_wrong_token_in_the_form_signs_nobody_in(app: FastAPI) -> None:
    asks = TestClient(app, follow_redirects=False)
    answer = asks.post("/sign-in", data={"form": form_of(asks), "token": WRONG})
    assert answer.status_code == 401
    assert WRONG not in answer.text
    assert "ews_viewer" not in asks.cookies


def test_a_cookie_that_was_taken_back_can_still_be_thrown_away(app: FastAPI) -> None:
    asks = TestClient(app, follow_redirects=False)
    asks.cookies.set("ews_viewer", WRONG, domain="testserver.local", path="/")
    assert asks.get("/").status_code == 401
    assert asks.post("/sign-out", data={"form": form_of(asks)}).status_code == 303
    assert asks.get("/").status_code == 200


def test_a_form_from_elsewhere_is_refused(app: FastAPI, home: Path) -> None:
    made = token(home, "firm", OWNER)
    for path in ("/sign-in", "/sign-out"):
        asks = TestClient(app, follow_redirects=False)
        form = form_of(asks)
        good = {"form": form, "token": made}
        cross = {"Sec-Fetch-Site": "cross-site"}
        assert asks.post(path, data=good, headers=cross).status_code == 403
        assert asks.post(path, data={"form": "x", "token": made}).status_code == 403
        assert TestClient(app, follow_redirects=False).post(path, data=good).status_code == 403
        assert asks.post(path, data=good | {"token": "x" * 9_000}).status_code == 413


def test_guesses_are_slowed_down_and_nobody_else_is_locked_out(home: Path, store: Store) -> None:
    clock = [NOW]
    app = create_app(load_settings(home), store, clock=lambda: clock[0])
    known, new = token(home, "official"), token(home, "official")
    asks = TestClient(app)

    def ask(token: str) -> int:
        return asks.get("/api/v1/health", headers={"Authorization": f"Bearer {token}"}).status_code

    assert ask(known) == 200
    assert [ask(f"{WRONG}{n}") for n in range(GUESSES)] == [401] * GUESSES
    answer = asks.get("/api/v1/health", headers={"Authorization": f"Bearer {WRONG}"})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= WINDOW.total_seconds()
    assert ask(new) == 429  # not looked at: a guess that is right is not told either
    assert ask(known) == 200  # was right before
    assert asks.get("/api/v1/health").status_code == 200
    store.remove_viewer(content_id("vwr", digest_of(known)))
    assert ask(known) == 401
    assert ask(known) == 429
    clock[0] += WINDOW + timedelta(seconds=1)
    assert ask(new) == 200


def test_the_guesses_of_many_addresses_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ews.web.asking.ADDRESSES", 100)
    guesses = Guesses()
    for n in range(1_000):
        guesses.was_wrong(str(n), "d", NOW)
        guesses.was_right(str(n))
    assert (len(guesses.wrong), len(guesses.right)) == (100, 100)


def test_no_token_is_in_a_log_or_an_address(
    app: FastAPI, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = token(home, "firm", OWNER)
    asks = TestClient(app)
    for one in (made, WRONG):
        asks.get("/", headers={"Authorization": f"Bearer {one}"})
        asks.post("/sign-in", data={"form": form_of(TestClient(app)), "token": one})
        ews(home, "--as", one, "exposure", "--item", "urea")
        ews(home, "--debug", "--as", one, "alerts")
    # The database library logs rows it reads when asked to; the token is in none.
    told = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith("httpx2"))
    assert made not in told
    assert WRONG not in told


def test_the_server_of_one_firm_still_shows_that_firm_without_a_token(
    home: Path, store: Store
) -> None:
    app = create_app(load_settings(home), store, viewer=Viewer("firm", OWNER), clock=lambda: NOW)
    assert TestClient(app).get(f"/api/v1/exposure?firm={OWNER}").status_code == 200
    assert OPERATOR.sees_firm("b/acme")
