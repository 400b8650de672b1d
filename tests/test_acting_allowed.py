"""Who may do what: every role, act and face, and nothing written where the answer is no."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import time_machine
from fastapi.testclient import TestClient

from ews.acting import MAY, SIGNING, act
from ews.model import (
    Act,
    ActKind,
    Alert,
    ChangeKind,
    Delivery,
    DeliveryState,
    Notification,
    RouteReason,
)
from ews.reports import add_viewer
from ews.reports.people import add_person, disable_person, give_token
from tests.people_home import (
    LATER,
    NOW,
    PEOPLE,
    Home,
    cheap_passwords,
    doing,
    open_home,
    parsed_once,
)

# As the issue has it, written down once more. Columns: 김공무 (official), 서명인 (official who
# signs), 분석가 (analyst), 표본인 (firm), 운영자 (operator), 운영장 (operator who signs).
TABLE = """
acknowledge  yes yes yes no  yes yes
hand_over    yes yes yes no  yes yes
sign_off     no  yes no  no  no  yes
refuse       no  yes no  no  no  yes
silence      yes yes yes no  yes yes
unsilence    yes yes yes no  yes yes
false_alarm  yes yes yes yes yes yes
missed       yes yes yes yes yes yes
clear        yes yes yes no  yes yes
close        yes yes yes no  yes yes
note         yes yes yes no  yes yes
plan         no  no  yes no  yes yes
rules        no  no  yes no  yes yes
resend       no  no  no  no  yes yes
people       no  no  no  no  yes yes
"""
ALLOWED = {
    (name, ActKind(kind)): word == "yes"
    for kind, *words in (line.split() for line in TABLE.split("\n") if line)
    for name, word in zip(PEOPLE, words, strict=True)
}


@dataclass(frozen=True)
class Ways:
    """How one act is asked for on each face; {id} is the alert, {other} what else it needs."""

    command: list[str] = field(default_factory=list)
    path: str = ""
    body: dict[str, object] = field(default_factory=dict)
    form: dict[str, str] | None = None
    method: str = "POST"


WAYS = {
    ActKind.ACKNOWLEDGE: Ways(["ack", "{id}"], "alerts/{id}/acknowledge", {}, {}),
    ActKind.HAND_OVER: Ways(
        ["hand-over", "{id}", "--to", "서명인"], "alerts/{id}/hand-over", {"to": "서명인"},
        {"to": "서명인"},
    ),
    ActKind.SIGN_OFF: Ways(["sign", "{id}"], "alerts/{id}/sign", {"revision": 1},
                           {"revision": "1"}),
    ActKind.REFUSE: Ways(
        ["refuse", "{id}", "--reason", "no"], "alerts/{id}/refuse",
        {"revision": 1, "reason": "no"}, {"revision": "1", "note": "no"},
    ),
    ActKind.SILENCE: Ways(
        ["silences", "add", "--alert", "{id}", "--hours", "4", "--reason", "known"], "silences",
        {"alert": "{id}", "hours": 4, "reason": "known"}, {"hours": "4", "note": "known"},
    ),
    ActKind.UNSILENCE: Ways(["silences", "end", "{other}"], "silences/{other}",
                            method="DELETE"),
    ActKind.FALSE_ALARM: Ways(
        ["false", "{id}", "--reason", "not_real"], "alerts/{id}/false-alarm",
        {"reason": "not_real"}, {"reason": "not_real"},
    ),
    ActKind.MISSED: Ways(["missed", "--item", "urea", "--note", "a notice"], "missed",
                         {"item": "urea", "note": "a notice"}),
    ActKind.CLEAR: Ways(["clear", "{id}", "--reason", "over"], "alerts/{id}/clear",
                        {"reason": "over"}, {"note": "over"}),
    ActKind.CLOSE: Ways(
        ["close", "{id}", "--decision", "bought", "--outcome", "enough"], "alerts/{id}/close",
        {"decision": "bought", "outcome": "enough"}, {"decision": "bought", "outcome": "enough"},
    ),
    ActKind.NOTE: Ways(["note", "{id}", "seen"], "alerts/{id}/note", {"note": "seen"},
                       {"note": "seen"}),
    ActKind.PLAN: Ways(
        ["planned", "add", "--title", "a strike", "--until", "2021-12-01", "--match", "country=US"],
        "silences", {"planned": True, "title": "a strike", "hours": 9, "reason": "told",
                     "matchers": {"country": "US"}},
    ),
    ActKind.RULES: Ways(["rules", "set", "news.min_probability=0.{number}", "--reason", "try"]),
    ActKind.RESEND: Ways(["outbox", "resend", "{other}"], "outbox/{other}/resend"),
    ActKind.PEOPLE: Ways(["people", "add", "새사람{number}", "--role", "analyst"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with pytest.MonkeyPatch.context() as patch, time_machine.travel(LATER, tick=False):
        cheap_passwords(patch)
        parsed_once(patch)
        yield from open_home(tmp_path_factory.mktemp("home"))


def filled(value: object, alert: Alert, other: str, number: int) -> object:
    if isinstance(value, str):
        for name, text in (("id", alert.id), ("other", other), ("number", str(number))):
            value = value.replace(f"{{{name}}}", text)
        return value
    if isinstance(value, dict):
        return {key: filled(one, alert, other, number) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, alert, other, number) for one in value]
    return value


def other_of(home: Home, kind: ActKind, alert: Alert) -> str:
    """The silence to end, or the dead letter to send again."""
    if kind is ActKind.RESEND:
        return dead_letter(home, alert)
    if kind is not ActKind.UNSILENCE:
        return ""
    done = act(
        home.store, home.person("운영자"), ActKind.SILENCE, alert_id=alert.id, note="for the test",
        detail={"hours": "9"}, via="cli", key=f"silence {alert.id}", now=LATER,
    )  # fmt: skip
    return done.act.detail["silence"]


def dead_letter(home: Home, alert: Alert) -> str:
    told = Notification(
        Notification.make_id(alert.id, 1, "mof"), alert.id, 1, ChangeKind.PROPOSED, "mof", "slack",
        "C1", "ko", RouteReason.FIRST, NOW,
    )  # fmt: skip
    home.store.save_notifications([], [told])
    home.store.save_delivery(Delivery(told.id, DeliveryState.DEAD, attempts=1, error="no channel"))
    return told.id


FACES = ("cli", "api", "page")


def answered(
    home: Home, face: str, name: str, kind: ActKind, alert: Alert, other: str = "", code: str = ""
) -> int:
    """What that face answers when that person asks it to do that."""
    ways, number, token = WAYS[kind], 100 + home.made, home.tokens[name]
    if face == "cli":
        words = filled(ways.command, alert, other, number)
        assert isinstance(words, list)
        return home.ews(*words, token=token)[0]
    if face == "api":
        body = filled(ways.body, alert, other, number) if ways.method == "POST" else None
        path = filled(ways.path, alert, other, number)
        return home.api(token).request(ways.method, f"/api/v1/{path}", json=body).status_code
    form = {"form": code, "key": f"key-{alert.id}", "kind": kind.value, **(ways.form or {})}
    return home.browsers[name].post(f"/alerts/{alert.id}/act", data=form).status_code


def code_of(asks: TestClient, alert: Alert) -> str:
    """The code of the forms, as the alert's page carries it."""
    found = re.search(r'name="form" value="([^"]+)"', asks.get(f"/alerts/{alert.id}").text)
    return found[1] if found else ""


YES = {"cli": 0, "api": 200, "page": 303}
NO = {"cli": 2, "api": 403, "page": 403}


def kinds_of(face: str) -> list[ActKind]:
    part = {"cli": "command", "api": "path", "page": "form"}[face]
    return [kind for kind, ways in WAYS.items() if getattr(ways, part) not in ([], "", None)]


def test_the_table_of_the_code_is_that_of_the_issue() -> None:
    assert {kind for _, kind in ALLOWED} == set(ActKind)
    for (name, kind), allowed in ALLOWED.items():
        role, signs, _ = PEOPLE[name]
        assert (kind in MAY[role] and (signs or kind not in SIGNING)) == allowed, (name, kind)


@pytest.mark.parametrize("face", FACES)
def test_each_role_may_do_what_the_table_says_on_every_face(home: Home, face: str) -> None:
    asked = 0
    for name in PEOPLE:
        code = code_of(home.browser(name), home.alert()) if face == "page" else ""
        for kind in kinds_of(face):
            alert = home.alert()
            other = other_of(home, kind, alert)
            before = "" if ALLOWED[name, kind] else home.dump()
            status = answered(home, face, name, kind, alert, other, code)
            assert status == (YES if ALLOWED[name, kind] else NO)[face], (face, kind, name, status)
            if ALLOWED[name, kind]:
                made = newest(home, kind)
                assert (made.by, made.via) == (name, face), made
            else:
                assert home.dump() == before, (face, kind, name, "a refusal wrote something")
            asked += 1
            if kind is ActKind.RESEND:
                dead = {told.id for told, _ in home.store.dead_letters()}
                assert (other in dead) != ALLOWED[name, kind]
    assert asked == len(PEOPLE) * len(kinds_of(face)) > 50


def newest(home: Home, kind: ActKind) -> Act:
    """The newest act, which the audit has under the same name."""
    rows = list(home.store.audit_rows(after=home.store.audit_head()[0] - 3))
    made = {one.id: one for one in home.store.acts(kinds=[kind])}
    (row,) = [one for one in rows if one.kind == "act" and json.loads(one.body)["id"] in made]
    found = made[json.loads(row.body)["id"]]
    assert row.who == found.by
    return found


@pytest.mark.parametrize("role", ["official", "analyst", "operator"])
def test_a_token_that_names_nobody_looks_and_does_nothing(home: Home, role: str) -> None:
    name = f"nobody of role {role}"
    home.tokens[name] = token = f"ews_nobody-{role}"
    add_viewer(home.store, token, role, None, "", NOW)
    assert home.api(token).get("/api/v1/alerts").status_code == 200
    page = home.browser(name).get("/alerts/alr-urea0000000001")
    assert (page.status_code, 'name="form"' in page.text) == (200, False)
    code = form_code(sessions={"ews_viewer": home.browsers[name].cookies["ews_viewer"]})
    alert = home.alert()
    other = other_of(home, ActKind.UNSILENCE, alert)
    before = home.dump()
    for face in FACES:
        for kind in kinds_of(face)[:: 1 if role == "operator" else 3]:
            assert answered(home, face, name, kind, alert, other, code) == NO[face], (face, kind)
    assert home.dump() == before


def form_code(sessions: dict[str, str]) -> str:
    """The code that a page would carry, had it a form."""
    return hmac.new(sessions["ews_viewer"].encode(), b"ews form", hashlib.sha256).hexdigest()


@pytest.mark.parametrize("face", FACES)
def test_a_disabled_person_can_do_nothing_at_once(home: Home, face: str) -> None:
    boss = home.person("운영자")
    name = f"나간이 {face}"
    add_person(home.store, doing(f"add {name}", boss), name, "official", signs=True)
    home.tokens[name], _ = give_token(home.store, doing(f"give {name}", boss), name)
    alert = home.alert()
    code = code_of(home.browser(name), alert)
    assert code
    disable_person(home.store, doing(f"end {name}", boss), name)
    before = home.dump()
    gone = {"cli": 3, "api": 401, "page": 401}[face]
    assert answered(home, face, name, ActKind.ACKNOWLEDGE, alert, "", code) == gone
    assert home.ews("ack", alert.id, "--by", name)[0] == 2  # nor does the machine act for them
    assert home.dump() == before


def test_a_cookie_acts_for_nobody_over_the_api(home: Home) -> None:
    asks, alert = home.browser("운영장"), home.alert()
    before = home.dump()
    for path in ("acknowledge", "sign", "clear"):
        answer = asks.post(f"/api/v1/alerts/{alert.id}/{path}", json={"revision": 1, "reason": "x"})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert asks.get("/api/v1/people").status_code == 401
    assert home.dump() == before


def test_the_operator_of_the_machine_acts_under_a_name_and_it_says_who_entered_it(
    home: Home,
) -> None:
    alert = home.alert()
    assert home.ews("ack", alert.id)[0] == 2  # nobody named
    assert home.ews("ack", alert.id, "--by", "아무도 아닌 이")[0] == 2
    assert home.ews("ack", alert.id, "--by", "표본인")[0] == 2  # of a firm
    assert home.ews("ack", alert.id, "--by", "김공무", token=home.tokens["분석가"])[0] == 2
    assert home.store.acts(alert_id=alert.id) == []
    assert home.ews("ack", alert.id, "--by", "김공무")[0] == 0
    assert home.ews("note", alert.id, "seen", token=home.tokens["김공무"])[0] == 0
    made = {one.kind: one for one in home.store.acts(alert_id=alert.id)}
    assert {one.by for one in made.values()} == {"김공무"}
    assert made[ActKind.ACKNOWLEDGE].detail == {"entered_by": "operator of the machine"}
    assert made[ActKind.NOTE].detail == {}


def test_a_silence_that_hides_the_highest_stage_is_for_who_may_sign(home: Home) -> None:
    for name, status in (("분석가", 403), ("서명인", 200)):
        body = {"reason": "drill", "hours": 2, "matchers": {"item": "urea"}, "stage": "심각"}
        answer = home.api(home.tokens[name]).post("/api/v1/silences", json=body)
        assert answer.status_code == status, answer.text


def test_silences_and_the_decision_log_are_for_persons_who_work_here(home: Home) -> None:
    alert = home.alert()
    silence = other_of(home, ActKind.UNSILENCE, alert)
    plan = ["planned", "add", "--title", "a strike at the port", "--until", "2021-11-02",
            "--match", "country=미국", "--lang", "en"]  # fmt: skip
    assert home.ews(*plan, "--by", "분석가")[0] == 0
    for name, may in zip(PEOPLE, (True, True, True, False, True, True), strict=True):
        asks, token = home.api(home.tokens[name]), home.tokens[name]
        for path in ("silences", "decisions"):
            answer = asks.get(f"/api/v1/{path}")
            assert answer.status_code == (200 if may else 403), (name, path)
            assert (silence in answer.text or alert.id in answer.text) == may
        for words, told in ((["silences", "list"], silence), (["decisions"], alert.id),
                            (["planned", "list"], "a strike at the port")):  # fmt: skip
            code, said = home.ews(*words, "--json", token=token)
            assert (code, told in said) == ((0, True) if may else (2, False)), (name, words, said)
    found = home.api(home.tokens["분석가"]).get("/api/v1/silences").json()["silences"]
    (line,) = [one for one in found if one["title"] == "a strike at the port"]
    assert (line["matchers"], line["planned"], line["in_force"]) == ({"country": "US"}, True, True)
    assert line["ends_at"] == "2021-11-02T15:00:00Z"  # the end of that day in Korea
    assert home.api(None).get("/api/v1/silences").status_code == 401


def test_a_key_makes_a_command_one_act(home: Home) -> None:
    alert = home.alert()
    for again in (False, True):
        code, said = home.ews(
            "note", alert.id, "seen", "--key", "nightly", "--by", "김공무", "--json"
        )
        assert (code, json.loads(said)["repeated"]) == (0, again)
    code, said = home.ews("ack", alert.id, "--by", "김공무", "--lang", "en")
    assert (code, "acknowledge · 김공무" in said) == (0, True)
    code, said = home.ews("ack", alert.id, "--by", "서명인")
    assert (code, "확인 · 서명인" in said) == (0, True)
