"""CAP 1.2: valid by the schema of OASIS whatever the alert, and the same facts when read back."""

from __future__ import annotations

import json
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from capvalidator.validate import Validator
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.cap import (
    PUBLISHED,
    Issuer,
    Parent,
    build_cap,
    identifier,
    message_type,
    named,
    published,
)
from alerts.channels import Channel, ChannelError, ChannelSettings, open_channel
from alerts.messages import Message, build_message
from alerts.plain import one_line
from alerts.view import AlertView
from ews.model import (
    AlertState,
    ChangeKind,
    Ending,
    EventStatus,
    Notification,
    Phase,
    Stage,
)
from tests.alert_samples import NOW, change, notification, urea_alert, urea_event, view_of
from tests.cap_samples import CODES, read_cap, views

ROOT = Path(__file__).parents[1]
ISSUER = Issuer("ews@agency.example", "Actual", "https://ews.agency.example", "duty", CODES)
FIRST = Parent("ews@agency.example", "alr-1.1", "2021-10-11T02:30:00+00:00")


def parameters(info: dict[str, list[object]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in info["parameter"]:
        assert isinstance(pair, tuple)
        found.setdefault(pair[0], []).append(pair[1])
    return found


# --------------------------------------------------------------------------- valid, and the same


@given(views(), st.lists(st.just(FIRST), max_size=2))
@settings(max_examples=120, deadline=None)
def test_any_alert_is_valid_and_reads_back_as_the_same_facts(
    view: AlertView, parents: list[Parent]
) -> None:
    check_facts(view, parents)


@pytest.mark.torture
@given(views(), st.lists(st.just(FIRST), max_size=2))
@settings(max_examples=5_000, deadline=None)
def test_five_thousand_alerts_are_valid_and_read_back(
    view: AlertView, parents: list[Parent]
) -> None:
    check_facts(view, parents)


def check_facts(view: AlertView, parents: list[Parent]) -> None:
    read = read_cap(build_cap(view, ISSUER, parents))
    alert, event, moved = view.alert, view.event, view.change
    assert moved is not None
    assert read.top["identifier"] == f"{alert.id}.{alert.revision}"
    assert read.top["sender"] == ISSUER.sender
    assert read.top["status"] == "Actual"
    assert datetime.fromisoformat(read.top["sent"]) == moved.at.replace(microsecond=0)
    assert read.top["sent"].endswith("+00:00")
    assert read.top["incidents"].split() == ["evt-1", "evt-2"]
    assert read.top.get("references", "").split() == [FIRST.text] * len(parents)
    assert [one["language"] for one in read.infos] == [["ko-KR"], ["en-US"]]
    for info in read.infos:
        facts = parameters(info)
        assert facts["ews:stage"] == [alert.stage.en]
        assert facts.get("ews:item", []) == list(alert.items)
        assert facts.get("ews:ministry", []) == list(alert.ministries)
        assert facts.get("KSIC", []) == list(alert.industries)
        assert facts.get("ews:item-without-listed-use", []) == list(alert.unlisted)
        assert set(facts.get("HS", [])) == {h for i in alert.items for h in CODES.hs.get(i, ())}
        assert float(facts["ews:probability"][0]) == pytest.approx(event.probability, abs=1e-4)
        assert float(facts["ews:severity"][0]) == pytest.approx(event.severity, abs=1e-3)
        assert facts["ews:rule"] == [one_line(alert.rule)]
        places = [dict(area)["areaDesc"] for area in info["area"]]
        assert len(places) <= 1 + len(alert.countries) + len(alert.ports) + len(alert.chokepoints)
        assert {"중국", "China"} & set(places) or "CN" not in alert.countries
        assert info["web"] == [f"https://ews.agency.example/alerts/{alert.id}"]
        assert "홍길동" not in str(info), "no person is named in a public message"


@given(views())
@settings(max_examples=20, deadline=None)
def test_the_validator_of_the_package_says_the_same(view: AlertView) -> None:
    valid, said = Validator(build_cap(view, ISSUER)).schema()
    assert valid, said


def test_a_broken_message_is_refused_by_the_schema_so_the_tests_above_can_fail() -> None:
    good = build_cap(view_of(), ISSUER)
    for old, new in (
        (b"+00:00</sent>", b"Z</sent>"),
        (b"<msgType>Alert", b"<msgType>Raise"),
        (b"<urgency>Future</urgency>", b""),
    ):
        assert old in good
        assert Validator(good.replace(old, new)).schema()[0] is False


def test_the_same_change_is_the_same_message_whatever_came_after() -> None:
    once = build_cap(view_of(), ISSUER)
    later = view_of(exposures=(), told=("a", "b"), because="x", now=NOW + timedelta(days=3))
    assert build_cap(later, ISSUER) == once


def test_a_stage_that_waits_for_its_signature_is_in_no_message() -> None:
    open_ = urea_alert(proposed=Stage.SEVERE, sign_by=NOW)
    plain = build_cap(view_of(change(alert=urea_alert())), ISSUER)
    assert build_cap(view_of(change(alert=open_)), ISSUER) == plain


# --------------------------------------------------------------------------- the mapping


def info_of(view: AlertView) -> dict[str, list[object]]:
    return read_cap(build_cap(view, ISSUER)).info("en-US")


@pytest.mark.parametrize(
    ("stage", "urgency", "response"),
    [
        (Stage.WATCH, "Future", "Monitor"),
        (Stage.CAUTION, "Future", "Assess"),
        (Stage.ALERT, "Expected", "Prepare"),
        (Stage.SEVERE, "Immediate", "Execute"),
    ],
)
def test_the_stage_says_what_to_do_and_by_when(stage: Stage, urgency: str, response: str) -> None:
    info = info_of(view_of(change(alert=urea_alert(stage))))
    assert (info["urgency"], info["responseType"]) == ([urgency], [response])


@pytest.mark.parametrize(
    ("ending", "kind", "urgency", "response", "certainty"),
    [
        (Ending.EASED, ChangeKind.RESOLVED, "Past", "AllClear", "Likely"),
        (Ending.CLEARED, ChangeKind.RESOLVED, "Past", "AllClear", "Likely"),
        (Ending.QUIET, ChangeKind.RESOLVED, "Unknown", "Monitor", "Likely"),
        (Ending.RETRACTED, ChangeKind.RETRACTED, "Past", "None", "Unlikely"),
    ],
)
def test_the_four_ends_read_differently(
    ending: Ending, kind: ChangeKind, urgency: str, response: str, certainty: str
) -> None:
    alert = urea_alert(state=AlertState.RESOLVED, ending=ending, resolved_at=NOW)
    info = info_of(view_of(change(kind, alert, Stage.CAUTION)))
    got = [info[key][0] for key in ("urgency", "responseType", "certainty")]
    assert got == [urgency, response, certainty]
    assert "CAUTION" not in str(info["headline"])


@pytest.mark.parametrize(
    ("probability", "phase", "authority", "status", "certainty"),
    [
        (0.9, Phase.ACTUAL, True, EventStatus.SUSPECTED, "Observed"),
        (0.9, Phase.ACTUAL, False, EventStatus.CONFIRMED, "Observed"),
        (0.9, Phase.THREAT, True, EventStatus.CONFIRMED, "Likely"),
        (0.9, Phase.ACTUAL, False, EventStatus.CORROBORATED, "Likely"),
        (0.5, Phase.ACTUAL, True, EventStatus.CONFIRMED, "Possible"),
        (0.04, Phase.ACTUAL, False, EventStatus.SUSPECTED, "Unlikely"),
    ],
)
def test_certainty_is_the_probability_and_observed_needs_somebody_who_knows(
    probability: float, phase: Phase, authority: bool, status: EventStatus, certainty: str
) -> None:
    event = urea_event(probability=probability, phase=phase, authority=authority, status=status)
    assert info_of(view_of(event=event))["certainty"] == [certainty]


def test_a_blind_alert_says_so_where_it_is_read_first() -> None:
    blind = urea_alert(blind_since=NOW)
    info = info_of(view_of(change(ChangeKind.BLIND, blind, Stage.CAUTION)))
    plain = info_of(view_of())
    assert str(info["headline"]) != str(plain["headline"])
    assert parameters(info)["ews:blind-since"] == ["2021-10-11T02:30:00+00:00"]
    assert "CAUTION" in str(info["headline"]), "the stage stands while nothing can be seen"


@pytest.mark.parametrize(
    ("severity", "word"), [(3.0, "Extreme"), (1.9, "Severe"), (1.0, "Moderate"), (0.0, "Minor")]
)
def test_severity_is_the_events(severity: float, word: str) -> None:
    assert info_of(view_of(event=urea_event(severity=severity)))["severity"] == [word]


def test_places_have_their_codes_and_points() -> None:
    alert = urea_alert(countries=("CN", "KR"), ports=("busan",), chokepoints=("bab-el-mandeb",))
    areas = [dict(area) for area in info_of(view_of(change(alert=alert)))["area"]]  # type: ignore[call-overload]
    assert [area["geocode"] for area in areas] == [
        ("ISO3166-1", "KR"), ("ISO3166-1", "CN"), ("UN/LOCODE", "KRPUS"),
        ("ews:chokepoint", "bab-el-mandeb"),
    ]  # fmt: skip
    assert areas[2]["circle"] == "35.1,129.033 0"


def test_it_expires_long_after_an_alert_without_evidence_is_ended_by_a_message() -> None:
    rules = tomllib.loads((ROOT / "alerts/rules.toml").read_text("utf-8"))
    info = info_of(view_of())
    expires = datetime.fromisoformat(str(info["expires"][0]))
    assert expires - NOW > timedelta(days=3 * rules["evaluate"]["quiet_days"])


@pytest.mark.parametrize("sender", ["", "a b", "a,b", "<a>", "a&b", "가\u202e"])
def test_a_sender_that_cap_refuses_is_refused(sender: str) -> None:
    with pytest.raises(ValueError, match="CAP sender"):
        Issuer(sender)


# --------------------------------------------------------------------------- updates and cancels


def test_first_an_alert_then_updates_and_a_cancel_for_what_was_never_so() -> None:
    kinds = [ChangeKind.STAGE_UP, ChangeKind.RESOLVED, ChangeKind.RETRACTED]
    assert [message_type(kind, [FIRST]) for kind in kinds] == ["Update", "Update", "Cancel"]
    assert {message_type(kind, []) for kind in kinds} == {"Alert"}


def test_what_concerns_people_only_is_not_published_but_a_new_alert_always_is() -> None:
    aside = set(ChangeKind) - PUBLISHED
    assert {kind for kind in aside if published(change(kind, before=Stage.CAUTION), False)} == set()
    assert published(change(ChangeKind.PROPOSED), True)
    assert published(change(ChangeKind.PROPOSED, before=Stage.WATCH), False), "the stage moved too"
    assert not published(change(ChangeKind.ACKNOWLEDGED), True)


# --------------------------------------------------------------------------- the folder


def opened(home: Path) -> Channel:
    return open_channel(
        "cap",
        ChannelSettings(home, cap_sender="ews@agency.example", cap_status="Exercise", codes=CODES),
    )


def step(
    revision: int, kind: ChangeKind, stage: Stage = Stage.CAUTION, **more: object
) -> tuple[Message, Notification]:
    """The message and notification of one change of alert number 1."""
    at = NOW + timedelta(minutes=revision)
    alert = urea_alert(stage, id="alr-0001", revision=revision, updated_at=at, **more)
    reason = "false alarm: not_real by 홍길동: 김 과장이 확인"
    moved = replace(change(kind, alert, Stage.CAUTION, reason), by="홍길동")
    told = replace(notification(1, revision, "cap", "out"), change=kind)
    return build_message(view_of(moved), "ko"), told


def send(channel: Channel, *steps: tuple[Message, Notification]) -> None:
    for message, told in steps:
        channel.send(message, told, None)


def written(home: Path) -> dict[str, bytes]:
    return {file.stem: file.read_bytes() for file in (home / "out").glob("[!.]*.xml")}


def test_each_change_is_a_file_that_names_those_before_it(tmp_path: Path) -> None:
    gone = {"state": AlertState.RESOLVED, "ending": Ending.RETRACTED}
    send(
        opened(tmp_path),
        step(1, ChangeKind.RAISED),
        step(2, ChangeKind.ACKNOWLEDGED),
        step(3, ChangeKind.PROPOSED),
        step(4, ChangeKind.STAGE_UP, Stage.ALERT),
        step(5, ChangeKind.RETRACTED, Stage.ALERT, **gone),
    )
    found = {name: read_cap(xml) for name, xml in written(tmp_path).items()}
    assert sorted(found) == ["alr-0001.1", "alr-0001.4", "alr-0001.5"]
    types = [found[name].top["msgType"] for name in sorted(found)]
    assert types == ["Alert", "Update", "Cancel"]
    references = found["alr-0001.5"].top["references"].split()
    assert references == [
        "ews@agency.example,alr-0001.1,2021-10-11T02:31:00+00:00",
        "ews@agency.example,alr-0001.4,2021-10-11T02:34:00+00:00",
    ]
    for name in ("alr-0001.1", "alr-0001.4"):
        sent = found[name].top
        assert f"{sent['sender']},{sent['identifier']},{sent['sent']}" in references
    assert found["alr-0001.5"].top["note"] == "false alarm: not_real"
    for xml in written(tmp_path).values():  # who did it and in which words is for no public message
        assert not any(word in xml.decode() for word in ("홍길동", "김 과장"))
    assert "홍길동" not in written(tmp_path)["alr-0001.5"].decode()
    assert found["alr-0001.1"].top["status"] == "Exercise"


def test_parents_are_known_after_the_aggregator_took_the_files_away(tmp_path: Path) -> None:
    channel = opened(tmp_path)
    send(channel, step(1, ChangeKind.RAISED))
    (tmp_path / "out/alr-0001.1.xml").unlink()
    send(opened(tmp_path), step(1, ChangeKind.RAISED), step(2, ChangeKind.UPDATED))
    assert list(written(tmp_path)) == ["alr-0001.2"], "what was taken is not published twice"
    assert "alr-0001.1" in read_cap(written(tmp_path)["alr-0001.2"]).top["references"]


def test_what_was_held_back_and_is_released_is_published_as_new(tmp_path: Path) -> None:
    send(opened(tmp_path), step(3, ChangeKind.RELEASED))
    top = read_cap(written(tmp_path)["alr-0001.3"]).top
    assert top["msgType"] == "Alert"


class Killed(BaseException):
    """As if the process ended here."""


@pytest.mark.parametrize("where", ["_write", "_append", "_publish"])
@pytest.mark.parametrize("late", [False, True])
def test_killed_between_any_two_steps_it_is_published_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, late: bool
) -> None:
    import alerts.channels.cap as module

    do = getattr(module, where)

    def dies(*args: object) -> None:
        if late:
            do(*args)
        raise Killed

    message, told = step(1, ChangeKind.RAISED)
    with monkeypatch.context() as patch:
        patch.setattr(module, where, dies)
        with pytest.raises(Killed):
            opened(tmp_path).send(message, told, None)
    again = opened(tmp_path)
    if again.find(told.id, "out", NOW) is None:
        again.send(message, told, None)
    assert list(written(tmp_path)) == ["alr-0001.1"]
    read_cap(written(tmp_path)["alr-0001.1"])
    sent = again.find(told.id, "out", NOW)
    assert sent is not None
    assert sent.external_id == "alr-0001.1"
    assert not list((tmp_path / "out").glob(".*.xml"))
    assert (tmp_path / "out/.published.jsonl").read_text().count("alr-0001.1") == 1


def test_workers_that_publish_at_once_do_so_once_each(tmp_path: Path) -> None:
    steps = [step(number, ChangeKind.UPDATED) for number in range(1, 9)] * 3
    with ThreadPoolExecutor(6) as workers:
        list(workers.map(lambda one: send(opened(tmp_path), one), steps))
    rows = (tmp_path / "out/.published.jsonl").read_text().splitlines()
    order = [json.loads(row)["identifier"] for row in rows]
    assert sorted(order) == sorted({*order}) == sorted(written(tmp_path))
    for place, name in enumerate(order):
        known = read_cap(written(tmp_path)[name]).top.get("references", "").split()
        assert [one.split(",")[1] for one in known] == order[:place]


def test_a_torn_line_of_the_ledger_is_passed_over(tmp_path: Path) -> None:
    send(opened(tmp_path), step(1, ChangeKind.RAISED))
    with (tmp_path / "out/.published.jsonl").open("a") as ledger:
        ledger.write('{"notification": "ntf')
    send(opened(tmp_path), step(2, ChangeKind.UPDATED), step(4, ChangeKind.UPDATED))
    references = read_cap(written(tmp_path)["alr-0001.4"]).top["references"].split()
    assert len(references) == 2


def test_an_edit_and_a_digest_leave_no_file(tmp_path: Path) -> None:
    message, told = step(1, ChangeKind.RAISED)
    channel = opened(tmp_path)
    channel.send(message, replace(told, edit=True), "root")
    channel.send(Message("요약\n", (), "", (), ""), told, None)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_tried_again_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file, not a folder")
    message, told = step(1, ChangeKind.RAISED)
    with pytest.raises(ChannelError, match="cannot write") as caught:
        opened(tmp_path).send(message, told, None)
    assert (caught.value.permanent, caught.value.ambiguous) == (False, False)


def test_nobody_publishes_without_a_name(tmp_path: Path) -> None:
    with pytest.raises(ChannelError, match="set cap_sender"):
        open_channel("cap", ChannelSettings(tmp_path))
    with pytest.raises(ChannelError, match="CAP sender"):
        open_channel("cap", ChannelSettings(tmp_path, cap_sender="a b"))


def test_names_of_messages_follow_from_the_change() -> None:
    moved = change(alert=urea_alert(updated_at=datetime(2026, 1, 5, 9, 0, 0, 999, tzinfo=UTC)))
    own = named(moved, ISSUER)
    assert own.identifier == identifier(moved.alert.id, 1)
    assert own.sent == "2026-01-05T09:00:00+00:00"
