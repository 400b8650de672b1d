"""What is done is done once, whole, under a name, upon what was seen; whatever is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ews.acting import Acted, ActRefused, NotAllowed, NotFound, act, decisions
from ews.model import (
    FALSE_ALARMS,
    ActKind,
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    Ending,
    Stage,
)
from ews.storage import Store
from ews.storage.audit import broken
from ews.tuning.rules import Changer, RuleChangeError, in_force, set_rules, undo_rules
from tests.people_home import LATER, NOW, PEOPLE, Home, cheap_passwords, open_home, parsed_once

K = ActKind


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with pytest.MonkeyPatch.context() as patch, time_machine.travel(LATER, tick=False):
        cheap_passwords(patch)
        parsed_once(patch)
        yield from open_home(tmp_path_factory.mktemp("home"))


def do(home: Home, name: str, kind: ActKind, alert: Alert | None = None, *, key: str = "",
       note: str = "", **detail: str) -> Acted:  # fmt: skip
    home.made += 1
    return act(
        home.store, home.person(name), kind, alert_id=alert.id if alert else None, note=note,
        detail=detail, via="cli", key=key or f"k{home.made}", now=LATER,
    )  # fmt: skip


def now_of(home: Home, alert: Alert) -> Alert:
    found = home.store.alert(alert.id)
    assert found is not None
    return found


# --------------------------------------------------------------------------- once, and whole


def test_a_key_does_its_act_once_and_for_one_person_only(home: Home) -> None:
    alert = home.alert()
    first = do(home, "김공무", K.ACKNOWLEDGE, alert, key="one")
    again = do(home, "김공무", K.ACKNOWLEDGE, alert, key="one")
    assert (first.repeated, again.repeated, again.change) == (False, True, None)
    assert again.act == first.act
    for name, kind, other in (("서명인", K.ACKNOWLEDGE, alert), ("김공무", K.NOTE, alert),
                              ("김공무", K.ACKNOWLEDGE, home.alert())):  # fmt: skip
        with pytest.raises(ActRefused, match="another act"):
            do(home, name, kind, other, key="one", note="x")
    assert len(home.store.changes(alert_id=alert.id)) == 2


def test_many_at_once_with_one_key_make_one_act(home: Home) -> None:
    alert = home.alert()
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: do(home, "김공무", K.NOTE, alert, key="same", note="n"),
                             range(16)))  # fmt: skip
    assert sum(not one.repeated for one in done) == 1
    assert len(home.store.acts(alert_id=alert.id)) == 1


def test_two_signatures_at_once_are_one_signature(home: Home) -> None:
    alert = home.alert()

    def sign(name: str) -> str:
        try:
            do(home, name, K.SIGN_OFF, alert, key=f"two {name}", revision="1")
        except ActRefused as err:
            return str(err)
        return ""

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(sign, ["서명인", "운영장"]))
    assert said == ["", "the alert has changed, look again"]
    after = now_of(home, alert)
    assert (after.stage, after.revision) == (Stage.ALERT, 2)
    assert after.signed_off_by in {"서명인", "운영장"}


def test_what_cannot_be_kept_whole_is_not_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    alert, before = home.alert(), home.store.audit_head()

    def broken_save(self: Store, act: object) -> bool:
        raise OSError("the disk is full")

    monkeypatch.setattr(Store, "save_act", broken_save)
    with pytest.raises(OSError, match="full"):
        do(home, "김공무", K.ACKNOWLEDGE, alert)
    monkeypatch.undo()
    assert now_of(home, alert) == alert
    assert home.store.audit_head() == before


def test_the_audit_holds_who_did_what_and_its_chain_is_whole(home: Home) -> None:
    alert = home.alert()
    done = do(home, "서명인", K.SIGN_OFF, alert, revision="1", note="stocks are low")
    rows = [row for row in home.store.audit_rows(subject=alert.id) if row.who == "서명인"]
    assert {row.kind for row in rows} == {"change", "act"}
    kept = json.loads(next(row.body for row in rows if row.kind == "act"))
    assert (kept["id"], kept["note"]) == (done.act.id, "stocks are low")
    assert broken(home.store.audit_rows()) is None


# --------------------------------------------------------------------------- upon what was seen


def test_a_signature_is_for_what_was_seen(home: Home) -> None:
    alert = home.alert()
    for wrong in ("", "x", "0x1", "²", "-1", "2", "9" * 400):
        with pytest.raises(ActRefused):
            do(home, "서명인", K.SIGN_OFF, alert, revision=wrong)
    more = replace(alert, revision=2, items=("urea", "ammonia"))
    home.store.save_changes([AlertChange(more, ChangeKind.UPDATED, LATER, alert.stage, "more")])
    for kind in (K.SIGN_OFF, K.REFUSE):
        with pytest.raises(ActRefused, match="look again"):
            do(home, "서명인", kind, alert, revision="1", note="seen")
    done = do(home, "서명인", K.SIGN_OFF, alert, revision="2")
    assert done.change is not None
    assert (done.change.kind, done.change.alert.stage) == (ChangeKind.STAGE_UP, Stage.ALERT)


def test_what_moves_nothing_does_not_stand_in_the_way_of_a_signature(home: Home) -> None:
    alert = home.alert()
    do(home, "김공무", K.ACKNOWLEDGE, alert)
    do(home, "김공무", K.HAND_OVER, alert, to="분석가")
    assert do(home, "서명인", K.SIGN_OFF, alert, revision="1").change is not None


def test_nothing_is_signed_that_was_not_proposed(home: Home) -> None:
    quiet = home.alert(proposed=None, proposed_at=None, sign_by=None)
    for kind in (K.SIGN_OFF, K.REFUSE):
        with pytest.raises(ActRefused):
            do(home, "서명인", kind, quiet, revision="1", note="x")


@pytest.mark.parametrize("reason", list(FALSE_ALARMS))
def test_a_false_alarm_retracts_by_its_reason_but_never_by_a_firm(home: Home, reason: str) -> None:
    for name, retracts in (("분석가", FALSE_ALARMS[reason]), ("표본인", False)):
        alert = home.alert()
        done = do(home, name, K.FALSE_ALARM, alert, reason=reason)
        assert (done.change is not None) == retracts
        after = now_of(home, alert)
        assert (after.ending is Ending.RETRACTED) == retracts
        assert home.store.acts(alert_id=alert.id) == [done.act]


def test_it_is_handed_over_to_somebody_who_may_take_it(home: Home) -> None:
    alert = home.alert()
    for wrong in ("", "아무개", "표본인"):
        with pytest.raises(ActRefused):
            do(home, "김공무", K.HAND_OVER, alert, to=wrong)
    done = do(home, "김공무", K.HAND_OVER, alert, to="분석가")
    assert done.change is not None
    assert done.change.alert.holder == "분석가"


def test_an_unknown_person_alert_or_kind_does_nothing(home: Home) -> None:
    alert = home.alert()
    stranger = replace(home.person("김공무"), id="per-other")
    before = home.dump()
    with pytest.raises(NotAllowed):
        act(home.store, stranger, K.NOTE, alert_id=alert.id, note="x", via="api", key="x", now=NOW)
    for wrong in ("alr-none", "", "\x00", "alr-" + "9" * 500, "%", "alr-"):
        with pytest.raises(NotFound):
            act(home.store, home.person("김공무"), K.NOTE, alert_id=wrong, note="x", via="api",
                key="x", now=NOW)  # fmt: skip
    for kind in (K.RULES, K.PEOPLE):
        with pytest.raises(ActRefused):
            act(home.store, home.person("운영장"), kind, via="api", key="x", now=NOW)
    assert home.dump() == before


# --------------------------------------------------------------------------- silences and plans


def test_a_silence_has_an_end_a_reason_and_something_to_match(home: Home) -> None:
    good = {"hours": "4", "match.item": "urea"}
    for wrong in (
        {"match.item": "urea"}, {"hours": "4"}, {"hours": "0", "match.item": "urea"},
        {"hours": "99999", "match.item": "urea"}, {"hours": "4", "match.weather": "rain"},
        {"until": "soon", "match.item": "urea"}, {"until": "2020-01-01", "match.item": "urea"},
        {"until": "9999-12-31", "match.item": "urea"}, good | {"stage": "purple"},
    ):  # fmt: skip
        with pytest.raises(ActRefused):
            do(home, "분석가", K.SILENCE, note="why", **wrong)
    with pytest.raises(ActRefused, match="reason"):
        do(home, "분석가", K.SILENCE, **good)
    made = do(home, "분석가", K.SILENCE, note="holiday", **good).act.detail["silence"]
    (found,) = [one for one in home.store.silences(LATER) if one.id == made]
    assert (found.by, found.reason, dict(found.matchers)) == ("분석가", "holiday", {"item": "urea"})
    assert found.ends_at == LATER + timedelta(hours=4)


def test_a_date_without_a_zone_is_of_korea_and_until_means_its_end(home: Home) -> None:
    detail = {"title": "strike", "from": "2021-10-20", "until": "2021-10-21", "match.country": "US"}
    made = do(home, "분석가", K.PLAN, **detail).act.detail["silence"]
    found = home.store.silence(made)
    assert found is not None
    assert found.starts_at.isoformat() == "2021-10-19T15:00:00+00:00"
    assert found.ends_at.isoformat() == "2021-10-21T15:00:00+00:00"


def test_a_silence_is_ended_once_and_a_plan_not_by_who_may_make_none(home: Home) -> None:
    silence = do(home, "분석가", K.SILENCE, home.alert(), note="w", hours="9").act.detail["silence"]
    plan = do(home, "분석가", K.PLAN, title="t", until="2021-12-01", **{"match.country": "US",
              "from": "2021-11-01"}).act.detail["silence"]  # fmt: skip
    do(home, "김공무", K.UNSILENCE, silence=silence)
    with pytest.raises(ActRefused, match="ended"):
        do(home, "김공무", K.UNSILENCE, silence=silence)
    with pytest.raises(NotAllowed):
        do(home, "김공무", K.UNSILENCE, silence=plan)
    do(home, "분석가", K.UNSILENCE, silence=plan)
    assert not {silence, plan} & {one.id for one in home.store.silences(LATER)}
    assert plan not in {one.id for one in home.store.silences(LATER + timedelta(days=30))}
    with pytest.raises(NotFound):
        do(home, "분석가", K.UNSILENCE, silence="sil-none")


# --------------------------------------------------------------------------- decisions, rules


def test_the_decision_log_lists_what_waits_oldest_first_until_it_is_closed(home: Home) -> None:
    def waiting() -> list[str]:
        return [one.id for one in decisions(home.store) if one.id in mine]

    old = home.alert(raised_at=NOW - timedelta(days=3))
    new, low = home.alert(), home.alert(max_stage=Stage.WATCH, stage=Stage.WATCH)
    mine = {old.id, new.id, low.id}
    assert waiting() == [old.id, new.id]
    with pytest.raises(ActRefused, match="both"):
        do(home, "김공무", K.CLOSE, old, decision="bought")
    do(home, "김공무", K.CLOSE, old, decision="bought 1,000 t", outcome="enough until March")
    assert waiting() == [new.id]
    again = replace(now_of(home, old), revision=9, updated_at=LATER + timedelta(days=9))
    step = AlertChange(again, ChangeKind.REOPENED, again.updated_at, Stage.CAUTION, "it is back")
    home.store.save_changes([step])
    assert waiting() == [old.id, new.id]


def test_a_change_of_the_rules_is_the_act_of_a_person(home: Home) -> None:
    key, before = "news.min_probability", in_force(home.store).version
    with pytest.raises(RuleChangeError, match="people are known"):
        set_rules(home.store, {key: "0.71"}, by="somebody", reason="quieter", now=LATER)
    official = Changer(home.person("김공무"), "cli", "r1")
    with pytest.raises(NotAllowed):
        set_rules(home.store, {key: "0.71"}, by="", reason="x", now=LATER, changer=official)
    assert in_force(home.store).version == before
    analyst = Changer(home.person("분석가"), "cli", "r2")
    after = set_rules(home.store, {key: "0.71"}, by="", reason="loud", now=LATER, changer=analyst)
    assert (after.version, after.by) == (before + 1, "분석가")
    undo_rules(home.store, by="", reason="no", now=LATER, changer=replace(analyst, key="r3"))
    made = home.store.acts(kinds=[K.RULES])
    assert {one.detail["ruleset"] for one in made} == {str(before + 1), str(before + 2)}
    assert {one.by for one in made} == {"분석가"}


# --------------------------------------------------------------------------- whatever is sent

PATHS = [
    "alerts/{id}/acknowledge", "alerts/{id}/hand-over", "alerts/{id}/sign", "alerts/{id}/refuse",
    "alerts/{id}/false-alarm", "alerts/{id}/clear", "alerts/{id}/close", "alerts/{id}/note",
    "missed", "silences",
]  # fmt: skip
BODIES = [
    b"", b"[]", b"null", b"7", b'"x"', b"{", b"\xff\xfe", b"[" * 9_000, b"{}", b'{"note": 7}',
    b'{"other": "x"}', b'{"note": "\\ud800\\u0000 x"}', b'{"revision": 1e999}',
    b'{"revision": NaN, "reason": "x"}', b'{"to": "\\u0000"}', b'{"reason": "\\ud800"}',
    b'{"item": "urea", "note": "x", "when": "2021-13-45"}', b'{"note": "' + b"x" * 19_000 + b'"}',
    b'{"reason": "x", "hours": 99999999999999999999}', b'{"note": "' + b"x" * 30_000 + b'"}',
    b'{"reason": "x", "until": "0001-01-01T00:00:00+23:59", "matchers": {"item": "u"}}',
    b'{"reason": "x", "hours": 5, "matchers": {"item": {"a": 1}}}',
]  # fmt: skip


def test_no_body_is_too_odd_for_an_answer_that_says_what_is_wrong(home: Home) -> None:
    asks = home.api(home.tokens["운영장"])
    for number, path in enumerate(PATHS):
        alert = home.alert()
        for body in BODIES[number % 2 :: 2]:  # each path half of them, each body half the paths
            answer = asks.post(f"/api/v1/{path}".format(id=alert.id), content=body,
                               headers={"Content-Type": "application/json"})  # fmt: skip
            assert answer.status_code in {200, 400, 404, 409, 413, 422}, (path, body, answer.text)
            if answer.status_code != 200:
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["detail"]
    assert broken(home.store.audit_rows()) is None


def test_only_json_is_read_and_only_from_who_is_known(home: Home) -> None:
    alert = home.alert()
    path = f"/api/v1/alerts/{alert.id}/note"
    asks = home.api(home.tokens["김공무"])
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = asks.post(path, content=b'{"note": "x"}', headers={"Content-Type": kind})
        assert answer.status_code == 415, kind
    assert home.api(None).post(path, content=b"x" * 50_000).status_code == 401
    assert (
        asks.post(path, json={"note": "x"}, headers={"Idempotency-Key": "k" * 201}).status_code
        == 400
    )
    assert home.store.acts(alert_id=alert.id) == []


def test_an_idempotency_key_makes_a_repeated_request_one_act(home: Home) -> None:
    alert, key = home.alert(), {"Idempotency-Key": "8f1c"}
    asks = home.api(home.tokens["김공무"])
    path = f"/api/v1/alerts/{alert.id}/acknowledge"
    first, again = (asks.post(path, json={}, headers=key).json()["act"] for _ in range(2))
    assert (first["repeated"], again["repeated"], first["id"]) == (False, True, again["id"])
    assert (first["change"], first["revision"], first["by"]) == ("acknowledged", 2, "김공무")
    # Another person's same key is theirs alone.
    other = home.api(home.tokens["분석가"]).post(path, json={}, headers=key)
    assert other.json()["act"]["by"] == "분석가"
    assert asks.post(path, json={}).status_code == 200  # taken back


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=9), inside,
                                                                  max_size=3),
    max_leaves=6,
)  # fmt: skip
FIELDS = ("note", "to", "revision", "reason", "decision", "outcome", "item", "when", "link",
          "alert", "matchers", "stage", "hours", "until", "planned", "title", "start")  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from(PATHS),
    body=st.dictionaries(st.sampled_from(FIELDS), DOCUMENTS, max_size=4),
    name=st.sampled_from(list(PEOPLE)),
)
def test_any_document_gets_an_answer_and_breaks_nothing(
    home: Home, path: str, body: dict[str, object], name: str
) -> None:
    answer = home.api(home.tokens[name]).post(
        f"/api/v1/{path}".format(id="alr-urea0000000001"), content=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status_code in {200, 400, 403, 404, 409, 413, 422}, answer.text


def test_what_people_write_is_text_and_never_markup_or_control(home: Home) -> None:
    alert = home.alert()
    text = "<script>x</script> \x1b[31m\u202e [red]\x00 & <!channel>"
    done = do(home, "분석가", K.NOTE, alert, note=text)
    assert done.act.note == "<script>x</script> [31m [red] & <!channel>"
    page = home.browser("김공무").get(f"/alerts/{alert.id}").text
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    with pytest.raises(ActRefused, match="longer"):
        do(home, "분석가", K.NOTE, alert, note="가" * 2_001)


def test_a_firms_word_is_seen_by_its_own_people_and_those_who_work_here(home: Home) -> None:
    alert = home.alert()
    do(home, "표본인", K.FALSE_ALARM, alert, reason="too_high", note="our stocks last")
    do(home, "분석가", K.NOTE, alert, note="called them")
    staff, firm = home.browser("김공무"), home.browser("표본인")
    for asks, words in ((staff, (True, True)), (firm, (True, False))):
        page = asks.get(f"/alerts/{alert.id}").text
        assert ("our stocks last" in page, "called them" in page) == words
    page = home.api(None).get(f"/alerts/{alert.id}").text
    assert "our stocks last" not in page
    assert "called them" not in page
    assert now_of(home, alert).state is AlertState.FIRING
