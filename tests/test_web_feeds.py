"""The feeds as another system reads them: CAP, Atom, calendar; the same for every viewer."""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest
from fastapi.testclient import TestClient
from icalendar import Calendar
from lxml import etree
from typer.testing import CliRunner

from ews.cli import app
from ews.config import Settings, SettingsError, load_settings
from ews.model import AlertChange, AlertState, ChangeKind, Ending, Silence, Stage
from ews.reports import Viewer
from ews.reports.feeds import codes, issuer_of
from ews.storage import Store
from ews.web import create_app
from tests.cap_samples import read_cap
from tests.faces_home import NOW, make_home

ALERT = "alr-urea0000000001"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The urea alert, proposed, raised to 경계 by a signature, and found to be untrue."""
    folder = tmp_path_factory.mktemp("feeds")
    make_home(folder)
    store = Store.open(folder)
    first = store.changes(alert_id=ALERT)[0].alert
    day = NOW + timedelta(days=1)
    steps = [
        (ChangeKind.PROPOSED, {"proposed": Stage.ALERT, "sign_by": day}),
        (ChangeKind.STAGE_UP, {"stage": Stage.ALERT, "signed_off_by": "홍길동"}),
        (ChangeKind.ACKNOWLEDGED, {"holder": "홍길동"}),
        (ChangeKind.RETRACTED, {"state": AlertState.RESOLVED, "ending": Ending.RETRACTED,
                                "resolved_at": day, "stage": Stage.ALERT}),
    ]  # fmt: skip
    for number, (kind, changes) in enumerate(steps, start=2):
        at = NOW + timedelta(minutes=number)
        after = replace(first, revision=number, updated_at=at, **changes)  # type: ignore[arg-type]
        store.save_changes([AlertChange(after, kind, at, Stage.CAUTION, "refuted", by="홍길동")])
    plan = Silence("sil-1", "홍길동", "정비", NOW, day, {"item": "urea"}, True, "공장 정비")
    store.save_silence(plan)
    store.save_silence(replace(plan, ends_at=day + timedelta(days=1)), NOW, "홍길동")
    store.save_silence(Silence("sil-2", "홍길동", "조용히", NOW, day, {"item": "urea"}))
    store.close()
    return folder


def reader(home: Path, store: Store, viewer: Viewer | None = None) -> TestClient:
    asked = {} if viewer is None else {"viewer": viewer}
    return TestClient(
        create_app(load_settings(home), store, clock=lambda: NOW + timedelta(days=2), **asked)  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def client(home: Path, store: Store) -> TestClient:
    return reader(home, store)


# --------------------------------------------------------------------------- Atom and CAP


def test_the_feed_is_valid_and_lists_what_was_published_newest_first(client: TestClient) -> None:
    answer = client.get("/feeds/alerts.atom?lang=en")
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # feedparser's own
        parsed = feedparser.parse(answer.content)
    assert not parsed.bozo
    assert [entry.id.rpartition(":")[2] for entry in parsed.entries] == [
        f"{ALERT}.5", f"{ALERT}.3", f"{ALERT}.1",
    ]  # fmt: skip
    root = etree.fromstring(answer.content)
    times = [one.findtext(f"{ATOM}updated") for one in root.findall(f"{ATOM}entry")]
    assert times == sorted(times, reverse=True)
    assert root.findtext(f"{ATOM}updated") == times[0]
    for where in (root, *root.findall(f"{ATOM}entry")):
        for tag in ("id", "title", "updated"):
            assert len(where.findall(f"{ATOM}{tag}")) == 1
    assert root.find(f"{ATOM}author/{ATOM}name") is not None
    rels = {one.get("rel"): one.get("href") for one in root.findall(f"{ATOM}link")}
    assert rels["self"] == "http://testserver/feeds/alerts.atom?lang=en"


def test_each_listed_message_is_valid_and_refers_to_listed_ones(client: TestClient) -> None:
    root = etree.fromstring(client.get("/feeds/alerts.atom").content)
    found = {}
    for entry in root.findall(f"{ATOM}entry"):
        link = entry.find(f"{ATOM}link")
        assert link is not None
        assert link.get("type") == "application/cap+xml"
        answer = client.get(str(link.get("href")))
        assert answer.headers["Content-Type"].startswith("application/cap+xml")
        top = read_cap(answer.content).top
        found[top["identifier"]] = top
    types = [found[f"{ALERT}.{n}"]["msgType"] for n in (1, 3, 5)]
    assert types == ["Alert", "Update", "Cancel"]
    known = {f"{t['sender']},{t['identifier']},{t['sent']}" for t in found.values()}
    for top in found.values():
        assert set(top.get("references", "").split()) <= known
    assert len(found[f"{ALERT}.5"]["references"].split()) == 2


def test_a_reader_of_high_stages_hears_of_them_until_their_end(
    client: TestClient, home: Path, store: Store
) -> None:
    root = etree.fromstring(client.get("/feeds/alerts.atom?stage=주의").content)
    assert len(root.findall(f"{ATOM}entry")) == 3
    answer = client.get("/feeds/alerts.atom?stage=severe")
    assert not etree.fromstring(answer.content).findall(f"{ATOM}entry")
    assert 'href="http://testserver/feeds/alerts.atom?stage=severe"' in answer.text
    assert client.get("/feeds/alerts.atom?stage=high").status_code == 400


@pytest.mark.parametrize(
    "path",
    [f"cap/{ALERT}.2.xml", f"cap/{ALERT}.9.xml", "cap/alr-x.1.xml", "cap/x.xml", "cap/%00.1.xml",
     "cap/..%2f..%2fews.toml.1.xml", "alerts.atom?page=2", f"cap/{ALERT}.99999999999999.xml"],
)  # fmt: skip
def test_what_was_not_published_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(f"/feeds/{path}").status_code == 404


def test_no_person_no_firm_and_no_open_proposal_is_in_any_feed(
    home: Path, store: Store, client: TestClient
) -> None:
    firm = reader(home, store, Viewer("firm", "표본상사"))
    for path in ("alerts.atom", f"cap/{ALERT}.1.xml", f"cap/{ALERT}.3.xml", f"cap/{ALERT}.5.xml",
                 "dates.ics"):  # fmt: skip
        text = client.get(f"/feeds/{path}").text
        for secret in ("홍길동", "표본상사", "firm", "sign_by"):
            assert secret not in text, path
        assert text == firm.get(f"/feeds/{path}").text, "the same for every viewer"


def test_a_page_holds_fifty_and_names_the_next(tmp_path: Path) -> None:
    make_home(tmp_path)
    store = Store.open(tmp_path)
    first = store.changes(alert_id=ALERT)[0].alert
    changes = []
    for number in range(2, 121):
        at = NOW + timedelta(minutes=number)
        after = replace(first, revision=number, updated_at=at)
        changes.append(AlertChange(after, ChangeKind.UPDATED, at, Stage.CAUTION, "new: CN"))
    store.save_changes(changes)
    asks, seen, url = reader(tmp_path, store), [], "/feeds/alerts.atom"
    while url:
        root = etree.fromstring(asks.get(url).content)
        seen += [one.findtext(f"{ATOM}id") for one in root.findall(f"{ATOM}entry")]
        rels = {one.get("rel"): one.get("href") for one in root.findall(f"{ATOM}link")}
        url = rels.get("next")
    store.close()
    assert len(seen) == len(set(seen)) == 120


def test_a_reader_who_has_it_gets_it_not_again(client: TestClient) -> None:
    for path in ("alerts.atom", "dates.ics", f"cap/{ALERT}.1.xml", "webhook.schema.json"):
        answer = client.get(f"/feeds/{path}")
        assert answer.status_code == 200
        again = client.get(f"/feeds/{path}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.head(f"/feeds/{path}").status_code == 200


def test_a_wrong_token_and_a_misspelt_question_are_refused(client: TestClient) -> None:
    wrong = {"Authorization": "Bearer nobodys"}
    assert client.get("/feeds/alerts.atom", headers=wrong).status_code == 401
    assert client.get("/feeds/alerts.atom?pag=2").status_code == 400
    assert client.get("/feeds/alerts.atom?page=0").status_code == 422


# --------------------------------------------------------------------------- calendar


def test_the_calendar_has_planned_events_and_no_plain_silence(client: TestClient) -> None:
    answer = client.get("/feeds/dates.ics")
    assert answer.headers["Content-Type"].startswith("text/calendar")
    entries = Calendar.from_ical(answer.content).walk("VEVENT")
    assert [str(one["SUMMARY"]) for one in entries] == ["공장 정비"]
    assert entries[0]["SEQUENCE"] == 1, "it was changed once"


# --------------------------------------------------------------------------- codes, sender, CLI


def test_codes_come_from_the_reference_data() -> None:
    found = codes()
    assert found.hs["urea"] == ("310210",)
    assert found.locodes["busan"] == "KRPUS"
    assert found.points["suez"] == (30.42, 32.35)


def test_only_a_test_may_be_published_without_a_sender(home: Path) -> None:
    quiet = load_settings(home)
    assert issuer_of(quiet).status == "Test"

    def with_(**changes: object) -> Settings:
        return quiet.model_copy(update=changes)

    with pytest.raises(SettingsError, match="cap_sender is not set"):
        issuer_of(with_(cap_status="Actual"))
    with pytest.raises(SettingsError, match="CAP sender"):
        issuer_of(with_(cap_sender="a b"))
    assert issuer_of(with_(cap_sender="ews@a.kr", cap_status="Actual")).status == "Actual"


def test_the_command_writes_the_same_files_that_the_pages_serve(
    home: Path, client: TestClient, tmp_path: Path
) -> None:
    run = CliRunner().invoke
    place = ["--home", str(home)]
    days = str((datetime.now(UTC) - NOW).days + 2)
    out = tmp_path / "cap"
    result = run(app, ["feeds", "cap", "--out", str(out), "--days", days, *place])
    assert (result.exit_code, result.stdout) == (0, f"3 new of 3 in {out}\n")
    for file in out.iterdir():
        assert file.read_bytes() == client.get(f"/feeds/cap/{file.name}").content
    result = run(app, ["feeds", "cap", "--out", str(out), "--days", days, *place])
    assert result.stdout.startswith("0 new of 3")
    printed = run(app, ["feeds", "cap", f"{ALERT}.1", *place])
    assert printed.stdout_bytes.strip() == (out / f"{ALERT}.1.xml").read_bytes().strip()
    assert run(app, ["feeds", "cap", f"{ALERT}.2", *place]).exit_code == 1
    assert run(app, ["feeds", "cap", *place]).exit_code == 2
    for name in ("atom", "ical"):
        file = tmp_path / f"feed.{name}"
        assert run(app, ["feeds", name, "--out", str(file), *place]).exit_code == 0
        assert file.read_bytes().startswith((b"<?xml", b"BEGIN:VCALENDAR"))
    assert b'href="alerts.atom"' in (tmp_path / "feed.atom").read_bytes()
