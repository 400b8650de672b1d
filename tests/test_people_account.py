"""One's own password on a page, what happens at once with a sign-in, and refusals in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from fastapi.testclient import TestClient

import ews.acting
from alerts.channels.slack_buttons import SIGNING, root_buttons
from alerts.messages import build_message
from alerts.silences import MATCHERS
from ews.model import Alert, Stage
from ews.reports import passwords, sessions
from ews.reports.people import disable_person, set_password
from ews.reports.sessions import WrongPassword, sign_in_by_password
from ews.web.acts_pages import offered
from tests.alert_samples import change, urea_alert, view_of
from tests.people_home import LATER, Home, cheap_passwords, doing, open_home

OLD, NEW = "an old sentence nobody knows", "새 비밀번호는 아무도 모른다"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with pytest.MonkeyPatch.context() as patch, time_machine.travel(LATER, tick=False):
        cheap_passwords(patch)
        yield from open_home(tmp_path / "home")


def form(asks: TestClient) -> dict[str, str]:
    text = asks.get("/account").text
    found = {name: re.search(rf'name="{name}" value="([^"]*)"', text) for name in ("form", "key")}
    return {name: one[1] for name, one in found.items() if one}


def send(asks: TestClient, **fields: str) -> Any:
    return asks.post("/account", data={**form(asks), **fields})


def test_whoever_is_signed_in_changes_their_own_password(home: Home) -> None:
    asks, elsewhere = home.browser("김공무"), home.browser("김공무")
    assert send(asks, new=OLD, again=OLD).status_code == 303  # the first one: there is no old one
    assert elsewhere.get("/account").status_code == 401, "the sessions of before have ended"
    wrong = send(asks, old="not the old one", new=NEW, again=NEW)
    assert (wrong.status_code, "이름이나 비밀번호가 틀렸습니다" in wrong.text) == (409, True)
    differ = send(asks, old=OLD, new=NEW, again=f"{NEW}!")
    assert (differ.status_code, "서로 다릅니다" in differ.text) == (409, True)
    short = send(asks, old=OLD, new="short", again="short")
    assert (short.status_code, "12자" in short.text, "short" in short.text) == (409, True, False)
    assert sign_in_by_password(home.store, "김공무", OLD, LATER)
    assert send(asks, old=OLD, new=NEW, again=NEW).status_code == 303
    assert "바꾸었습니다" in asks.get("/account?did=password").text, "and is signed in still"
    assert sign_in_by_password(home.store, "김공무", NEW, LATER)
    with pytest.raises(WrongPassword):
        sign_in_by_password(home.store, "김공무", OLD, LATER)
    kept = [one for one in home.store.acts() if one.detail.get("what") == "password set"]
    assert [(one.by, one.via) for one in kept] == [("김공무", "page")] * 2


def test_the_page_of_a_password_is_for_a_session_and_its_own_form_only(home: Home) -> None:
    asks = home.browser("김공무")
    assert home.api(None).get("/account").status_code == 403
    assert home.api(home.tokens["김공무"]).get("/account").status_code == 403
    fields = {"new": NEW, "again": NEW}
    assert asks.post("/account", data=fields).status_code == 403
    stranger = form(home.browser("서명인"))
    assert asks.post("/account", data={**stranger, **fields}).status_code == 403
    assert home.store.password(home.person("김공무").id) is None


def test_guesses_of_the_old_password_are_slowed_down(home: Home) -> None:
    asks = home.browser("김공무")
    set_password(home.store, doing("set", home.person("운영자")), "김공무", OLD)
    asks = home.browser("김공무")
    codes = [send(asks, old=f"guess {n}", new=NEW, again=NEW).status_code for n in range(12)]
    assert codes == [409] * 10 + [429] * 2


@pytest.mark.parametrize("meanwhile", ["changed", "disabled"])
def test_a_sign_in_that_is_overtaken_is_none_and_brings_no_old_password_back(
    home: Home, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    boss = home.person("운영자")
    set_password(home.store, doing("set", boss), "김공무", OLD)
    real = passwords.fits

    def overtaken(kept: str | None, password: str) -> bool:
        right = real(kept, password)
        if meanwhile == "changed":
            set_password(home.store, doing("new", boss), "김공무", NEW)
        else:
            disable_person(home.store, doing("off", boss), "김공무")
        return right

    monkeypatch.setattr(sessions, "fits", overtaken)
    monkeypatch.setattr(sessions, "outdated", lambda kept: True)
    with pytest.raises(WrongPassword):
        sign_in_by_password(home.store, "김공무", OLD, LATER)
    assert real(home.store.password(home.person("김공무").id), OLD) is False
    assert home.store.counts()["viewers"] == len(home.tokens) - (meanwhile == "disabled")


# --------------------------------------------------------------------------- words


def test_every_refusal_of_an_act_has_korean_words() -> None:
    """What a person reads in Slack or on a page; read from the code, so that none is forgotten."""
    folder = Path(ews.acting.__file__).parent
    files = [*folder.glob("*.py"), folder.parents[1] / "alerts" / "life.py"]
    raised = [
        (file.name, node.lineno, len(node.args))
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"ActRefused", "NotAllowed", "NotFound"}
    ]
    assert len(raised) > 30
    english = [(name, line) for name, line, words in raised if words < 2]
    # Of several alerts whose ids begin alike, only the command line tells.
    assert [name for name, _ in english] in ([], ["doing.py"]), english


def test_a_page_refuses_in_the_language_it_is_read_in(home: Home) -> None:
    alert = home.alert()
    asks = home.browser("김공무")
    for lang, word in (("ko", "서명 권한이 없습니다"), ("en", "may not sign")):
        page = asks.get(f"/alerts/{alert.id}?lang={lang}").text
        found = {n: re.search(rf'name="{n}" value="([^"]*)"', page) for n in ("form", "key")}
        data = {name: one[1] for name, one in found.items() if one} | {"kind": "sign_off"}
        answer = asks.post(f"/alerts/{alert.id}/act?lang={lang}", data={**data, "revision": "1"})
        assert (answer.status_code, word in answer.text) == (403, True), answer.text


# --------------------------------------------------------------------------- what is offered


def test_a_stage_that_was_taken_unsigned_can_be_refused_where_it_can_be_signed(home: Home) -> None:
    taken: Alert = urea_alert(Stage.ALERT, timed_out=True)
    rows = root_buttons(build_message(view_of(change(alert=taken)), "ko"), "ko")
    assert [one["action_id"] for one in rows[0]["elements"]] == [  # type: ignore[attr-defined]
        f"ews_{kind.value}" for kind in SIGNING
    ]
    assert {"sign_off", "refuse"} <= set(offered(home.person("서명인"), taken))


def test_the_api_silences_by_all_that_a_silence_may_name(home: Home) -> None:
    asks = home.api(home.tokens["서명인"])
    for matcher in MATCHERS:
        body = {"reason": "test", "hours": 1, "matchers": {matcher: "x"}}
        assert asks.post("/api/v1/silences", json=body).status_code == 200, matcher
