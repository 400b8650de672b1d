"""What people write on an alert, what waits, who has taken it and who was told reaches nobody who is
not of the state under a name: by page, path, feed, document or command."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import time_machine

from ews.acting import act
from ews.model import ActKind, Alert, ChangeKind, Notification, RouteReason, Stage
from ews.reports.viewer import add_viewer
from tests.docs_text import commands
from tests.faces_home import NOW
from tests.people_home import FIRM, LATER, Home, cheap_passwords, open_home, parsed_once
from tests.test_isolation import pages

pytestmark = pytest.mark.usefixtures("loaded_once")
SIGNER = "서명인"  # who put their name to a stage in force is public; nobody else is
RECEIVER = "canary-receiver"
CANARIES = {
    name: f"canary-{name}"
    for name in (
        "ack", "hand-over", "refuse", "take-back", "clear", "decision", "outcome", "silence",
        "missed", "note", "help", "sign", "false-alarm", "why",
    )
}  # fmt: skip
PEOPLE = ("김공무", "운영장")  # names that no page says otherwise
STRANGERS = ("open", "firm person", "firm", "official", "analyst")
STAFF = ("김공무", "서명인", "분석가", "운영자")
K = ActKind


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with pytest.MonkeyPatch.context() as patch, time_machine.travel(LATER, tick=False):
        cheap_passwords(patch)
        parsed_once(patch)
        for home in open_home(tmp_path_factory.mktemp("leaks") / "home"):
            for role, owner in (("firm", FIRM), ("official", None), ("analyst", None)):
                home.tokens[role] = nameless_token(home, role, owner)
            home.tokens["firm person"] = home.tokens["표본인"]
            lived(home)
            yield home


def nameless_token(home: Home, role: str, owner: str | None) -> str:
    """A token of that role that names nobody."""
    token = f"nobody-of-{role}-0123456789"
    add_viewer(home.store, token, role, owner, "nobody", LATER)
    return token


def lived(home: Home) -> None:
    """Alerts with each kind of act in their lives; each free text is a canary of its own."""
    first, second, third, fourth = _alerts(home)
    for number, (who, kind, alert, note, detail) in enumerate((
        ("분석가", K.ACKNOWLEDGE, first, "ack", {}),
        ("분석가", K.HAND_OVER, first, "hand-over", {"to": "김공무"}),
        ("서명인", K.REFUSE, first, "refuse", {}),
        ("분석가", K.NOTE, first, "note", {}),
        ("분석가", K.SILENCE, first, "silence", {"hours": "2"}),
        ("김공무", K.CLEAR, first, "clear", {}),
        ("김공무", K.CLOSE, first, "", {"decision": CANARIES["decision"],
                                        "outcome": CANARIES["outcome"]}),
        ("서명인", K.SIGN_OFF, second, "sign", {}),
        ("운영장", K.FALSE_ALARM, second, "false-alarm", {"reason": "not_real"}),
        ("운영장", K.REFUSE, third, "take-back", {}),
        ("운영장", K.ACKNOWLEDGE, third, "", {}),
        ("김공무", K.ACKNOWLEDGE, fourth, "", {}),
        ("김공무", K.MISSED, None, "missed", {"item": "urea"}),
    )):  # fmt: skip
        standing = home.store.alert(alert.id) if alert else None
        revision = {"revision": str(standing.revision)} if standing else {}
        wanted = revision if kind in {K.SIGN_OFF, K.REFUSE} else {}
        act(home.store, home.person(who), kind, alert_id=alert.id if alert else None,
            note=CANARIES.get(note, ""), detail={**detail, **wanted}, via="cli",
            key=f"leak-{number}", now=LATER)  # fmt: skip
    act(home.store, home.person("분석가"), K.NOTE, alert_id=first.id,
        note=f"도움: {CANARIES['help']}", detail={}, via="cli", key="leak-help", now=LATER)  # fmt: skip
    for alert in (first, second, third, fourth):
        home.store.save_notifications([], [
            Notification(Notification.make_id(alert.id, 1, RECEIVER), alert.id, 1,
                         ChangeKind.RAISED, RECEIVER, "console", "stdout", "ko", RouteReason.FIRST,
                         NOW, CANARIES["why"], alert.stage)
        ])  # fmt: skip


def _alerts(home: Home) -> tuple[Alert, Alert, Alert, Alert]:
    """Two that wait for a signature, one taken unsigned, one more that goes on waiting."""
    unsigned = {"stage": Stage.ALERT, "max_stage": Stage.ALERT, "timed_out": True,
                "proposed": None, "proposed_at": None, "sign_by": None}  # fmt: skip
    return home.alert(), home.alert(), home.alert(**unsigned), home.alert()


def secrets(text: str) -> list[str]:
    """What no stranger may read, in that text, written plain or as JSON writes it."""
    plain = re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), text)
    return [one for one in (*CANARIES.values(), RECEIVER, *PEOPLE) if one in plain]


def addresses(home: Home) -> list[str]:
    """Every path and page that is read, with each alert where it takes a name."""
    ids = [one.id for one in home.store.alerts()]
    paths = [p for p, how in home.app.openapi()["paths"].items() if "get" in how]
    paths += [route.path for route in pages(home.app)]
    found = [re.sub(r"\{\w+\}", id, path) for path in dict.fromkeys(paths)
             for id in (ids if "alert" in path else ids[:1])]  # fmt: skip
    for id in ids:
        at = f"/api/v1/alerts/{id}"
        found += [f"{at}/dossier?format=md&lang={lang}" for lang in ("ko", "en")]
        found += [f"{at}/explain?as_of=2021-10-12T03:00Z", f"/alerts/{id}/why?lang=en"]
        found += [f"/feeds/cap/{id}.{number}.xml" for number in range(1, 9)]
    return [*found, "/feeds/alerts.atom?lang=en", "/feeds/dates.ics?lang=en", "/audit?q=canary"]


@pytest.mark.parametrize("stranger", STRANGERS)
def test_no_path_page_or_feed_tells_a_stranger_what_people_wrote(home: Home, stranger: str) -> None:
    asks = home.api(None if stranger == "open" else home.tokens[stranger])
    answered = 0
    with time_machine.travel(LATER, tick=False):
        for at in addresses(home):
            answer = asks.get(at)
            assert secrets(answer.text) == [], (at, answer.text)
            answered += answer.status_code == 200
    assert answered > 60


@pytest.mark.parametrize("stranger", STRANGERS[1:])
def test_no_command_tells_a_stranger_what_people_wrote(home: Home, stranger: str) -> None:
    asked = [["explain", one.id, *more] for one in home.store.alerts() for more in ([], ["--json"])]
    asked += [["dossier", one.id] for one in home.store.alerts()]
    asked += [name.split()[1:] for name, command in commands()
              if not any(p.required or p.param_type_name == "argument" for p in command.params)]  # fmt: skip
    with time_machine.travel(LATER, tick=False):
        for words in asked:
            _, said = home.ews(*words, token=home.tokens[stranger])
            assert secrets(said) == [], (words, said)


@pytest.mark.parametrize("name", STAFF)
def test_whoever_is_of_the_state_under_a_name_reads_all_of_it(home: Home, name: str) -> None:
    """Else the other tests would prove nothing."""
    asks, seen = home.api(home.tokens[name]), ""
    with time_machine.travel(LATER, tick=False):
        for one in home.store.alerts():
            seen += asks.get(f"/api/v1/alerts/{one.id}/explain").text
            seen += asks.get(f"/alerts/{one.id}/why").text
            seen += asks.get(f"/api/v1/alerts/{one.id}/dossier?format=md").text
    assert {*secrets(seen)} >= {*CANARIES.values(), RECEIVER} - {CANARIES["missed"]}


def test_a_stranger_reads_the_stages_the_rules_and_who_signed(home: Home) -> None:
    found = {}
    for one in home.store.alerts():
        found[one.id] = home.api(None).get(f"/api/v1/alerts/{one.id}/explain").json()
    for told in found.values():
        assert told["public"]
        assert told["deliveries"] == told["acts"] == []
        assert not any(
            told["standing"][key] for key in ("proposed", "sign_by", "holder", "refused")
        )
        assert not any(
            step["by"] or step["proposed"] or step["refused"] for step in told["changes"]
        )
    steps = [[(s["kind"], s["reason"]) for s in told["changes"]] for told in found.values()]
    assert [("raised", ""), ("resolved", "cleared")] in steps
    assert [("raised", ""), ("stage_up", f"alert signed by {SIGNER}"),
            ("retracted", "false alarm: not_real")] in steps  # fmt: skip
    assert [("raised", ""), ("stage_down", "alert was not signed")] in steps
    assert [("raised", "")] in steps
