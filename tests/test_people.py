"""People, their tokens, passwords and sessions: who is known, for how long, and what is kept."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import argon2
import pytest
import time_machine
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ews.acting import MACHINE, NotAllowed, NotFound, recorded
from ews.config import load_settings
from ews.model import ActKind
from ews.reports import Viewer, WrongToken, passwords, viewer_of
from ews.reports.passwords import check_password, fits, hashed, outdated
from ews.reports.people import (
    add_person,
    change_person,
    disable_person,
    give_token,
    people_lines,
    set_password,
    take_token,
)
from ews.reports.sessions import (
    IDLE,
    LASTS,
    WrongPassword,
    looking,
    sign_in_by_password,
    sign_in_by_token,
    sign_out,
)
from ews.reports.viewer import SignedOut, digest_of
from ews.storage import Store
from ews.web import create_app
from ews.web.asking import GUESSES, WINDOW
from tests.people_home import (
    FIRM,
    LATER,
    NOW,
    PEOPLE,
    Home,
    cheap_passwords,
    doing,
    open_home,
    parsed_once,
    without_waiting,
)

PASSWORD = "a canary sings at dawn"


@pytest.fixture(scope="module", autouse=True)
def stopped() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, time_machine.travel(LATER, tick=False):
        cheap_passwords(patch)
        parsed_once(patch)
        yield


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    without_waiting(opened)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def home(stopped: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One for all: each test here uses its own keys and addresses."""
    yield from open_home(tmp_path_factory.mktemp("home"))


def given_password(home: Home, name: str) -> None:
    home.made += 1
    set_password(home.store, doing(f"p{home.made}", home.person("운영자")), name, PASSWORD)


# --------------------------------------------------------------------------- who there is


def test_a_name_that_differs_by_a_blank_is_the_same_name_to_a_reader(store: Store) -> None:
    boss = add_person(store, doing("a"), "박운영", "operator")
    add_person(store, doing("b", boss), "김서명", "official")
    with pytest.raises(ValueError, match="reads like '김서명'"):
        add_person(store, doing("c", boss), "김 서명", "official")


def test_the_machine_makes_the_first_operator_and_no_other_after(store: Store) -> None:
    add_person(store, doing("a"), "이분석", "analyst")
    boss = add_person(store, doing("b"), "박운영", "operator")
    for name in ("최공무", "정운영"):
        with pytest.raises(NotAllowed, match="--by"):
            add_person(store, doing(f"c {name}"), name, "operator")
    add_person(store, doing("d", boss), "최공무", "official", signs=True)
    assert sorted(one.by for one in store.acts()) == [MACHINE.name, MACHINE.name, "박운영"]
    disable_person(store, doing("e", boss), "박운영")  # the last one: the machine may again
    add_person(store, doing("f"), "정운영", "operator")


def test_the_machine_does_nothing_but_people(store: Store) -> None:
    for kind in set(ActKind) - {ActKind.PEOPLE}:
        with pytest.raises(NotAllowed), store.begin() as tx:
            recorded(tx, MACHINE, kind, via="cli", key=kind.value, now=NOW)


WRONG: list[tuple[str, str, dict[str, object]]] = [
    ("", "official", {}), (" Kim", "official", {}), ("Kim\n", "official", {}),
    ("a" * 61, "official", {}), ("Kim\u200b", "official", {}), ("rules", "official", {}),
    ("Operator of the Machine", "official", {}), ("홍길동", "official", {}),
    ("ＨＯＮＧ", "official", {}), ("new", "king", {}), ("new", "firm", {}),
    ("new", "official", {"owner": "Acme"}), ("new", "firm", {"owner": FIRM, "signs": True}),
    ("new", "analyst", {"signs": True}), ("new", "official", {"slack_id": "U1"}),
    ("new", "official", {"slack_id": "bob"}), ("new", "official", {"email": "a@b"}),
    ("new", "official", {"email": "a@b.kr\nBcc: x@y.kr"}),
    ("new", "official", {"ministries": ("weather",)}),
    ("new", "official", {"slack_id": "U0HONG123"}),
]  # fmt: skip


def test_a_person_that_does_not_fit_is_refused(store: Store) -> None:
    boss = add_person(store, doing("boss"), "boss", "operator")
    add_person(store, doing("x", boss), "홍길동", "official")
    add_person(store, doing("y", boss), "hong", "official", slack_id="U0HONG123")
    before = (store.people(), store.audit_head())
    for name, role, facts in WRONG:
        with pytest.raises((ValueError, NotFound), match=r".{9}"):
            add_person(store, doing("z", boss), name, role, **facts)
    assert (store.people(), store.audit_head()) == before


def test_a_change_follows_at_once_and_an_empty_text_takes_a_fact_away(store: Store) -> None:
    boss = add_person(store, doing("boss"), "boss", "operator")
    add_person(store, doing("k", boss), "Kim", "official", signs=True, slack_id="U0KIM12345",
               ministries=("국토교통부",))  # fmt: skip
    token, _ = give_token(store, doing("t", boss), "Kim")
    assert viewer_of(store, token) == Viewer("official", None, "Kim")
    changed = change_person(store, doing("c", boss), "Kim", role="firm", owner=FIRM, slack_id="")
    assert (changed.signs, changed.slack_id, changed.ministries) == (False, None, ("molit",))
    assert viewer_of(store, token) == Viewer("firm", FIRM, "Kim")
    assert change_person(store, doing("d", boss), "Kim", role="analyst").owner is None
    with pytest.raises(NotFound):
        change_person(store, doing("e", boss), "Nobody", role="analyst")
    with pytest.raises(NotAllowed):
        change_person(store, doing("f", store.person(name="Kim") or boss), "boss", role="firm")


def test_a_disabled_person_has_no_token_session_or_password_left(store: Store) -> None:
    boss = add_person(store, doing("boss"), "boss", "operator")
    add_person(store, doing("k", boss), "Kim", "official")
    token, _ = give_token(store, doing("t", boss), "Kim")
    set_password(store, doing("p", boss), "Kim", PASSWORD)
    sessions = [
        sign_in_by_token(store, token, NOW),
        sign_in_by_password(store, "Kim", PASSWORD, NOW),
    ]
    disable_person(store, doing("x", boss), "Kim")
    for one in (token, *sessions):
        with pytest.raises(WrongToken):
            looking(store, one, NOW)
    with pytest.raises(WrongPassword):
        sign_in_by_password(store, "Kim", PASSWORD, NOW)
    with pytest.raises(ValueError, match="disabled"):
        give_token(store, doing("u", boss), "Kim")
    change_person(store, doing("y", boss), "Kim", disabled_at=None)
    with pytest.raises(WrongPassword):
        sign_in_by_password(store, "Kim", PASSWORD, NOW)
    assert [one.detail["what"] for one in store.acts()].count("disabled") == 1


def test_a_token_that_is_taken_back_takes_its_sessions_along(store: Store) -> None:
    boss = add_person(store, doing("boss"), "boss", "operator")
    first, id = give_token(store, doing("a", boss), "boss")
    second, _ = give_token(store, doing("b", boss), "boss")
    kept, gone = (sign_in_by_token(store, one, NOW) for one in (second, first))
    take_token(store, doing("c", boss), id)
    for one in (first, gone):
        with pytest.raises(WrongToken):
            looking(store, one, NOW)
    assert looking(store, kept, NOW) == looking(store, second, NOW)
    with pytest.raises(NotFound):
        take_token(store, doing("d", boss), id)
    assert people_lines(store)[0].tokens == 1  # a session is no token


# --------------------------------------------------------------------------- passwords


def test_passwords_are_argon2id_and_one_spelling_whichever_keyboard_wrote_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "HASHER", argon2.PasswordHasher())
    kept = hashed("비밀번호는 길게 쓴다")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert fits(kept, "비밀번호는 길게 쓴다")
    assert not fits(kept, "비밀번호는 길게 쓴다.")
    monkeypatch.setattr(passwords, "HASHER", argon2.PasswordHasher(1, 8, 1))
    weak = hashed("비밀번호는 길게 쓴다")
    assert fits(weak, "비밀번호는 길게 쓴다")
    assert not outdated(weak)
    assert outdated(kept)  # other settings than those of now
    assert not fits(None, "\0nobody")
    assert not fits("", "")
    assert not fits("not a hash", "x")


@pytest.mark.parametrize("wrong", ["short", "", "x" * 501, "ababababababab", "kim jong kim jong",
                                   "aaaaaaaaaaaaaaaaaaaa"])  # fmt: skip
def test_a_password_that_is_easy_to_guess_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(ValueError, match="password") as said:
        check_password(wrong, "Kim")
    assert not wrong or wrong not in str(said.value)


def test_a_password_hashed_weakly_is_hashed_anew_at_the_next_sign_in(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = add_person(store, doing("boss"), "boss", "operator")
    set_password(store, doing("p", boss), "boss", PASSWORD)
    before = store.password(boss.id)
    monkeypatch.setattr(passwords, "HASHER", argon2.PasswordHasher(2, 16, 1))
    sign_in_by_password(store, "boss", PASSWORD, NOW)
    after = store.password(boss.id)
    assert before is not None
    assert after is not None
    assert "t=2" in after
    assert before != after


def test_everybody_sets_their_own_password_and_only_an_operator_anothers(home: Home) -> None:
    official = home.tokens["김공무"]
    assert home.ews("people", "password", "김공무", token=official, typed=f"{PASSWORD}\n")[0] == 0
    session = sign_in_by_password(home.store, "김공무", PASSWORD, LATER)
    before = home.dump()
    code, said = home.ews("people", "password", "분석가", token=official, typed=f"{PASSWORD}\n")
    assert code == 2, said
    assert home.ews("people", "password", "김공무", typed=f"{PASSWORD}\n")[0] == 2  # no --by
    assert home.dump() == before
    by = ("--by", "운영자")
    assert home.ews("people", "password", "김공무", *by, typed="short\n")[0] == 2
    assert home.ews("people", "password", "김공무", *by, typed="another canary sings\n")[0] == 0
    with pytest.raises(WrongToken):
        looking(home.store, session, LATER)  # sessions of before have ended
    assert home.ews("people", "password", "김공무", "--remove", *by)[0] == 0
    with pytest.raises(WrongPassword):
        sign_in_by_password(home.store, "김공무", "another canary sings", LATER)


# --------------------------------------------------------------------------- sessions


def test_a_session_ends_after_twelve_hours_or_an_idle_one(store: Store) -> None:
    boss = add_person(store, doing("boss"), "boss", "operator")
    token, _ = give_token(store, doing("t", boss), "boss")
    idle, busy = (sign_in_by_token(store, token, NOW) for _ in range(2))
    assert idle != busy
    at = NOW
    while at < NOW + LASTS:
        assert looking(store, busy, at).person == "boss"
        at += timedelta(minutes=50)
    with pytest.raises(SignedOut):
        looking(store, busy, NOW + LASTS)
    with pytest.raises(SignedOut):
        looking(store, idle, NOW + IDLE)
    assert looking(store, token, at).person == "boss"
    for one in (idle, busy):  # never a token for a header or the command line
        with pytest.raises(WrongToken):
            viewer_of(store, one)
        with pytest.raises(WrongToken):
            sign_in_by_token(store, one, NOW)


def test_a_session_that_was_signed_out_is_wrong_everywhere(store: Store) -> None:
    boss = add_person(store, doing("boss"), "boss", "operator")
    token, _ = give_token(store, doing("t", boss), "boss")
    session = sign_in_by_token(store, token, NOW)
    sign_out(store, session)
    sign_out(store, token)  # is no session: stays
    with pytest.raises(WrongToken):
        looking(store, session, NOW)
    assert looking(store, token, NOW).person == "boss"


def form_of(asks: TestClient) -> str:
    found = re.search(r'name="form" value="([^"]+)"', asks.get("/sign-in").text)
    assert found is not None
    return found[1]


def signed_in(asks: TestClient, name: str, password: str) -> int:
    data = {"form": form_of(asks), "name": name, "password": password}
    return asks.post("/sign-in", data=data).status_code


def browser(app: FastAPI, address: str = "192.0.2.1") -> TestClient:
    return TestClient(
        app, base_url="https://testserver", follow_redirects=False, client=(address, 1)
    )


def test_signing_in_by_name_makes_a_new_session_and_ends_the_old_one(home: Home) -> None:
    given_password(home, "김공무")
    asks = browser(home.app)
    planted = sign_in_by_token(home.store, home.tokens["분석가"], LATER)
    asks.cookies.set("ews_viewer", planted, domain="testserver.local", path="/")
    assert signed_in(asks, "김공무", PASSWORD) == 303
    session = asks.cookies["ews_viewer"]
    assert looking(home.store, session, LATER) == Viewer("official", None, "김공무")
    with pytest.raises(WrongToken):
        looking(home.store, planted, LATER)


def test_the_token_that_was_typed_is_not_what_the_browser_keeps(home: Home) -> None:
    asks = browser(home.app)
    answer = asks.post("/sign-in", data={"form": form_of(asks), "token": home.tokens["김공무"]})
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("ews_viewer"))
    assert home.tokens["김공무"] not in cookie
    assert {"HttpOnly", "SameSite=strict", "Secure", "Path=/"} <= set(cookie.split("; "))
    assert "김공무" in asks.get("/sign-in").text
    assert asks.post("/sign-out", data={"form": form_of(asks)}).status_code == 303
    held = cookie.partition("=")[2].partition(";")[0]
    with pytest.raises(WrongToken):
        looking(home.store, held, LATER)


def test_an_ended_session_says_so_and_is_no_guess(home: Home) -> None:
    clock = [LATER]
    app = create_app(load_settings(home.folder), home.store, clock=lambda: clock[0])
    asks = browser(app)
    asks.cookies.set("ews_viewer", sign_in_by_token(home.store, home.tokens["김공무"], LATER))
    assert asks.get("/").status_code == 200
    clock[0] += IDLE + timedelta(minutes=1)
    for _ in range(GUESSES + 5):
        answer = asks.get("/")
        assert (answer.status_code, "다시 로그인하십시오" in answer.text) == (401, True)


def test_guesses_of_a_password_are_slowed_by_address_and_by_name(home: Home) -> None:
    clock: list[datetime] = [LATER]
    app = create_app(load_settings(home.folder), home.store, clock=lambda: clock[0])
    for name in ("김공무", "분석가"):
        given_password(home, name)
    known = browser(app)
    assert signed_in(known, "분석가", PASSWORD) == 303
    asks = browser(app)
    assert [signed_in(asks, "김공무", f"guess {n}") for n in range(GUESSES)] == [401] * GUESSES
    assert signed_in(asks, "김공무", PASSWORD) == 429  # the right one is not looked at either
    assert signed_in(browser(app, "192.0.2.99"), "김공무", PASSWORD) == 429  # nor from elsewhere
    assert signed_in(browser(app), "분석가", PASSWORD) == 303  # was right before
    assert signed_in(browser(app), "서명인", "x") == 429  # the address waits
    token = {"form": form_of(known), "token": home.tokens["김공무"]}
    assert browser(app, "192.0.2.98").get("/").status_code == 200
    assert known.post("/sign-in", data=token).status_code == 429
    clock[0] += WINDOW + timedelta(seconds=1)
    assert signed_in(browser(app), "김공무", PASSWORD) == 303


def test_an_unknown_name_and_a_wrong_password_are_one_answer(home: Home) -> None:
    given_password(home, "김공무")
    said = set()
    for n, (name, word) in enumerate((("김공무", "wrong"), ("아무개", PASSWORD), ("김\x00", "x"),
                                      ("서명인", PASSWORD), ("", "only a password"))):  # fmt: skip
        asks = browser(home.app, f"192.0.2.{10 + n}")
        data = {"form": form_of(asks), "name": name, "password": word}
        answer = asks.post("/sign-in", data=data)
        said.add((answer.status_code, re.sub(r'name="form" value="[^"]+"', "", answer.text)))
    assert len(said) == 1
    assert next(iter(said))[0] == 401


# --------------------------------------------------------------------------- /people


def code_of(asks: TestClient) -> dict[str, str]:
    page = asks.get("/people").text
    names = ("form", "key")
    return {name: re.findall(rf'name="{name}" value="([^"]+)"', page)[0] for name in names}


def test_an_operator_adds_changes_and_disables_people_on_the_page(home: Home) -> None:
    asks = home.browser("운영자")
    new = {"name": "새사람", "role": "official", "signs": "1", "ministries": "molit, motir"}
    answer = asks.post("/people", data={**code_of(asks), "do": "add", **new})
    assert (answer.status_code, answer.headers["location"]) == (303, "/people?did=add")
    assert (home.person("새사람").signs, home.person("새사람").ministries) == (
        True, ("molit", "motir"),
    )  # fmt: skip
    same = code_of(asks)
    made = asks.post("/people", data={**same, "do": "token", "name": "새사람"})
    token = re.search(r"<code>(ews_[\w-]{43})</code>", made.text)
    assert token is not None
    assert made.headers["cache-control"] == "no-store"
    assert viewer_of(home.store, token[1]).person == "새사람"
    assert asks.post("/people", data={**same, "do": "token", "name": "새사람"}).status_code == 409
    change = {"do": "change", "name": "새사람", "role": "analyst", "slack_id": "U0NEW12345"}
    assert asks.post("/people", data={**code_of(asks), **change}).status_code == 303
    assert (home.person("새사람").role, home.person("새사람").signs) == ("analyst", False)
    gone = {**code_of(asks), "do": "disable", "name": "새사람"}
    assert asks.post("/people", data=gone).status_code == 303
    assert home.person("새사람").disabled_at == LATER
    assert asks.post("/people", data={**code_of(asks), "do": "add", **new}).status_code == 409
    assert asks.post("/people", data={**code_of(asks), "do": "rob"}).status_code == 400
    assert {one.by for one in home.store.acts() if one.via == "page"} == {"운영자"}


def test_people_are_shown_to_operators_only(home: Home) -> None:
    for name in ("김공무", "서명인", "분석가", "표본인"):
        assert home.browser(name).get("/people").status_code == 403, name
        assert home.api(home.tokens[name]).get("/api/v1/people").status_code == 403
        assert home.ews("people", "list", token=home.tokens[name])[0] == 2
    assert browser(home.app).get("/people").status_code == 403
    found = home.api(home.tokens["운영자"]).get("/api/v1/people").json()
    assert {one["name"] for one in found["people"]} >= set(PEOPLE)
    assert "password" not in str(found).replace("has_password", "")


def test_a_form_from_elsewhere_does_nothing(home: Home) -> None:
    alert, asks = home.alert(), home.browser("운영장")
    good = {**code_of(asks), "kind": "acknowledge", "do": "disable", "name": "김공무"}
    other = {**code_of(home.browser("운영자")), "kind": "acknowledge"}
    before = home.dump()
    for path in (f"/alerts/{alert.id}/act", "/people"):
        cross = {"Sec-Fetch-Site": "cross-site"}
        assert asks.post(path, data=good, headers=cross).status_code == 403
        assert asks.post(path, data=good | {"form": "x"}).status_code == 403
        assert asks.post(path, data=good | {"form": other["form"]}).status_code == 403
        assert asks.post(path, data={"kind": "acknowledge"}).status_code == 403
        assert asks.post(path, content=b"\xff" * 99).status_code == 403
        assert asks.post(path, data=good | {"note": "x" * 70_000}).status_code == 413
        assert asks.post(path, data={str(n): "x" for n in range(99)}).status_code == 400
        assert browser(home.app).post(path, data=good).status_code == 403
        assert asks.post(path, data=good | {"key": ""}).status_code == 400
    assert asks.post("/alerts/alr-none/act", data=good).status_code == 404
    assert asks.post(f"/alerts/{alert.id}/act", data=good | {"kind": "rules"}).status_code == 400
    assert home.dump() == before


def test_a_form_is_done_once_says_so_and_keeps_what_was_typed_when_refused(home: Home) -> None:
    alert, asks = home.alert(), home.browser("서명인")
    page = asks.get(f"/alerts/{alert.id}?lang=en").text
    assert "Waits for a signature" in page
    fields = {name: re.findall(rf'name="{name}" value="([^"]+)"', page)[0]
              for name in ("form", "key", "revision")}  # fmt: skip
    sign = fields | {"kind": "sign_off", "note": ""}
    for _ in range(2):
        answer = asks.post(f"/alerts/{alert.id}/act?lang=en", data=sign)
        at = f"/alerts/{alert.id}?did=sign_off&lang=en#acts"
        assert (answer.status_code, answer.headers["location"]) == (303, at)
    assert len(home.store.acts(alert_id=alert.id)) == 1
    assert "done, and on record" in asks.get(at).text
    late = fields | {"kind": "clear", "note": "it <b>ended</b>"}
    answer = asks.post(f"/alerts/{alert.id}/act", data=late)
    assert answer.status_code == 409
    assert "그사이 경보가 바뀌었습니다" in answer.text
    assert "it &lt;b&gt;ended&lt;/b&gt;" in answer.text


# --------------------------------------------------------------------------- canaries


def test_no_token_session_or_password_is_in_a_log_file_audit_error_or_output(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    boss = home.person("운영자")
    token, _ = give_token(home.store, doing("canary", boss), "김공무")
    said = [home.ews("people", "password", "김공무", "--by", "운영자", typed=f"{PASSWORD}\n")[1]]
    asks, wrong = browser(home.app), "a wrong canary flies"
    answers = [asks.post("/sign-in", data={"form": form_of(asks), "name": "김공무",
                                           "password": word}) for word in (wrong, PASSWORD)]  # fmt: skip
    session = asks.cookies["ews_viewer"]
    answers += [asks.get(path) for path in ("/", "/alerts/alr-urea0000000001", "/sign-in")]
    api = home.api(token)
    answers.append(api.post("/api/v1/alerts/alr-urea0000000001/note", json={"note": 7}))
    answers.append(api.post("/api/v1/alerts/alr-urea0000000001/note", json={"note": "x"}))
    answers.append(home.api(home.tokens["운영자"]).get("/api/v1/people"))
    said += [home.ews(*words, token=token)[1] for words in (["ack", "alr-none"], ["alerts"])]
    said += [
        home.ews("--debug", "people", "list", "--json")[1],
        home.ews("viewers", "list", "--json")[1],
    ]
    said += [answer.text for answer in answers] + [caplog.text]
    said += [str(answer.request.url) for answer in answers]
    said += [row.body for row in home.store.audit_rows()]
    files = b"".join(one.read_bytes() for one in home.folder.rglob("*") if one.is_file())
    assert digest_of(session).encode() in files  # else the look-up would prove nothing
    for secret in (token, session, PASSWORD, wrong, *home.tokens.values()):
        assert secret.encode() not in files
        for text in said:
            assert secret not in text
    for text in said:
        assert "$argon2id$" not in text
        assert digest_of(token) not in text
