"""The ledger by command, API and page: the same figures, for everybody what is for everybody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from ews.model import ActKind, Proof
from ews.reports.ledger_words import proof_word
from ews.tuning.ledger_settling import settle
from ews.tuning.reliability import reliability
from ews.web.ledger_drawing import draw_reliability
from tests.ledger_home import DAY, RAISED, alarm, happening, keep, report, said
from tests.people_home import LATER, Home, cheap_passwords, open_home, parsed_once
from tests.test_web_pages import Balanced

AGO = LATER - 2 * DAY - RAISED  # the alerts of this home are two days old
ALERT = "alr-urea0000000001"  # told once, with the probability of its event


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with pytest.MonkeyPatch.context() as patch, time_machine.travel(LATER, tick=False):
        cheap_passwords(patch)
        parsed_once(patch)
        for found in open_home(tmp_path_factory.mktemp("ledger")):
            further = (report("art-2", "daily", AGO + DAY), report("art-3", "radio", AGO + DAY))
            own, at = report("art-1", "wire", AGO - DAY / 24), RAISED + AGO
            then = {"raised_at": at, "updated_at": at}
            told = {"first_seen": at, "updated_at": at}
            keep(found.store, alarm("alr-1", **then), happening((own, *further), **told))
            keep(
                found.store, alarm("alr-2", "evt-2", title="<b>x</b>", **then),
                happening((own,), "evt-2", **told),
            )  # fmt: skip
            settle(found.store, LATER)
            yield found


def test_command_api_and_page_give_the_same_figures(home: Home) -> None:
    code, printed = home.ews("ledger", "--json")
    told = json.loads(printed)
    asked = home.api(None).get("/api/v1/ledger").json()
    assert code == 0
    for name in ("outcomes", "bases", "alerts", "unconfirmed", "calibration"):
        assert told[name] == asked[name], name
    assert told["outcomes"]["true"] == 1
    html = home.api(None).get("/ledger?lang=en").text
    ece = told["calibration"]["every"]["ece"]
    assert f"{ece:.3f} (95% interval" in html
    assert home.ews("ledger", "show", "alr-1", "--json")[1].count('"article"') == 2


@pytest.mark.parametrize("path", ["/ledger", "/ledger?stage=주의", "/ledger/alr-1", f"/ledger/{ALERT}",
                                  "/ledger?since=2030-01-01", "/ledger?as_of=2021-10-11"])  # fmt: skip
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_pages_read_without_signing_in_in_both_languages(home: Home, path: str, lang: str) -> None:
    answer = home.api(None).get(f"{path}{'&' if '?' in path else '?'}lang={lang}")
    assert answer.status_code == 200
    parser = Balanced()
    parser.feed(answer.text)
    assert answer.text.count("<h1") == 1
    assert "<b>x</b>" not in answer.text
    main = re.sub(
        r"<[^>]+>|example\S*|art-\S+", " ", answer.text.split("<main")[1].split("<footer")[0]
    )
    if lang == "en" and "alr-1" in path:
        assert not re.search("[가-힣]", main)


def test_a_wrong_question_is_refused_in_words(home: Home) -> None:
    for path in ("/api/v1/ledger?type=weather", "/api/v1/ledger?outcome=maybe", "/ledger?sort=x"):
        assert home.api(None).get(path).status_code == 400, path
    assert home.api(None).get("/api/v1/ledger/alr-none").status_code == 404
    assert home.ews("ledger", "--outcome", "maybe")[0] == 2
    assert home.ews("ledger", "--since", "2030-01-01")[0] == 1


def test_sheets_hold_a_line_for_each_alert_and_bin(home: Home) -> None:
    asks = home.api(None)
    assert len(asks.get("/api/v1/ledger.csv").text.splitlines()) == 1 + 3
    bins = asks.get("/api/v1/ledger/reliability.csv?lang=en").text.splitlines()
    assert bins[0].endswith("open,least,most")
    assert any(line.startswith("equal width,all,0.8,") for line in bins)


def test_a_person_says_how_it_turned_out_by_api_page_and_command(home: Home) -> None:
    open_, named = home.api(None), home.api(home.tokens["분석가"])
    path = f"/api/v1/alerts/{ALERT}/turned-out"
    body = {"outcome": "false", "reason": "a private word"}
    assert open_.post(path, json=body).status_code == 401
    assert home.api(home.tokens["표본인"]).post(path, json=body).status_code == 403
    assert named.post(path, json=body).status_code == 200
    found = open_.get(f"/api/v1/ledger/{ALERT}").text
    assert '"outcome":"false"' in found
    assert "분석가" not in found
    assert "private" not in found
    asks = home.browser("분석가")
    html = asks.get(f"/ledger/{ALERT}").text
    assert "분석가" in html
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))
    sent = {**fields, "outcome": "late", "note": "all knew"}
    assert asks.post(f"/ledger/{ALERT}", data=sent).status_code == 303
    assert asks.post(f"/ledger/{ALERT}", data={**sent, "form": "x"}).status_code == 403
    code, told = home.ews("ledger", "set", ALERT, "true", "--reason", "so", "--by", "분석가")
    assert (code, "분석가" in told) == (0, True)
    assert home.ews("ledger", "set", ALERT, "prevented", "--reason", "x", "--by", "분석가")[0] == 2
    assert home.ews("ledger", "settle")[0] == 0


def test_the_diagram_draws_each_bin_with_its_words_and_no_inline_style() -> None:
    found = reliability([0.15, 0.15, 0.85], [False, True, True])
    drawn = draw_reliability(found, "en")
    assert drawn.count("<circle") == 2
    assert "2 said 15%, 50% came true" in drawn
    assert "style=" not in drawn
    assert draw_reliability(reliability([], []), "ko") == ""


def test_proofs_have_words_in_both_languages(home: Home) -> None:
    held = home.store.resolutions(["alr-1"])[0]
    assert proof_word(held.proofs[0], "ko") == "daily tells it"
    act = said(ActKind.FALSE_ALARM, reason="opinion")
    wrong = Proof("act", act.id, act.at, "false_alarm:opinion")
    assert proof_word(wrong, "ko") == "오경보: 의견·전망"
    figure = "comtrade/export-kg/CN-KR/urea:move=-0.41;usual=-0.20;rarer=0.015;n=3"
    told = proof_word(Proof("observation", "obs-1", act.at, figure), "en")
    assert told.startswith("export, China→South Korea Urea [comtrade]: -41%"), told


def test_an_unreadable_day_names_its_option_and_says_what_to_write() -> None:
    from ews.cli.ledger import _asked

    with pytest.raises(ValueError, match=r"--since: 'soon' is no date or time; write 2023-07-01"):
        _asked("soon", None, None, None, None)
    assert _asked("2023-07-01", None, None, None, None).since == datetime(2023, 7, 1, tzinfo=UTC)
