"""The dossier: every part in both languages, from any alert at any stage, for each reader their own."""

from __future__ import annotations

import re
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ews.cli import app
from ews.config import load_settings
from ews.model import Act, ActKind, AlertChange, AlertState, ChangeKind, Ending, Shock, Stage
from ews.reports import OPEN, OPERATOR, NotFound, Viewer, outlook
from ews.reports.dossier import document, dossier, markdown
from ews.reports.dossier_pdf import NoPdf, as_html, as_pdf
from ews.reports.paper import Bullets, Document, Image, Part, Table, Text, as_markdown
from ews.storage import Store
from ews.web import create_app
from tests.faces_home import NASTY, NOW, make_home
from tests.hostile import HOSTILE

ALERT, EVENT = "alr-urea0000000001", "evt-urea0000000001"
LATER = NOW + timedelta(days=3)
STAFF = Viewer("official", person="김과장")
FIRM = Viewer("firm", "표본상사", person="표본인")
PARTS_EN = ["Impact", "Cause", "Duration", "Affected sectors", "Measures taken", "Help wanted",
            "Path and grounds", "Stocks", "Alternatives", "Why this stage", "Who was told",
            "About this document"]  # fmt: skip


WORLDS = 64  # of an outlook, not 512: the words do not turn on how fine its bands are


@pytest.fixture(scope="module", autouse=True)
def fewer_worlds() -> Iterator[None]:
    real = outlook.computed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            outlook,
            "computed",
            lambda shocks, on, firms, days, _, stock: real(shocks, on, firms, days, WORLDS, stock),
        )
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The urea home with the shock behind its exposures, a call for help and a decision."""
    folder = tmp_path_factory.mktemp("home")
    make_home(folder)
    store = Store.open(folder)
    event = store.event(EVENT)
    assert event is not None
    shock = Shock(EVENT, "origin", "origin:CN:urea", 0.8, 0.9, 90.0, event.first_seen, 4.0, "assumed: test")  # fmt: skip
    with store.begin() as tx:
        moved = replace(event, revision=2, updated_at=NOW + timedelta(days=1))
        tx.save_events([moved])
        tx.save_propagation(moved, [shock], store.exposures(event_id=EVENT))
        at = NOW + timedelta(days=2)
        tx.save_act(Act("a1", ActKind.NOTE, "김과장", at, "page", ALERT, "도움: 요소수 2만 톤"))
        tx.save_act(Act("a2", ActKind.NOTE, "김과장", at, "page", ALERT, "수입사에 물었음"))
        decided = {"decision": "긴급수급조정", "outcome": "12월 정상화"}
        tx.save_act(Act("a3", ActKind.CLOSE, "김과장", at, "page", ALERT, "", decided))
    store.close()
    return folder


def told(store: Store, lang: str = "en", viewer: Viewer = STAFF, **asked: object) -> str:
    return markdown(dossier(store, ALERT, now=LATER, viewer=viewer, **asked), lang)  # type: ignore[arg-type]


def part(text: str, name: str) -> str:
    return text.split(f"{name}\n")[1].split("\n## ")[0]


def test_every_part_is_there_in_order_in_both_languages(store: Store) -> None:
    english, korean = told(store), told(store, "ko")
    assert re.findall(r"^## \d+\. (.*)$", english, re.M) == PARTS_EN
    assert len(re.findall(r"^## \d+\. [가-힣]", korean, re.M)) == len(PARTS_EN)
    for text in (english, korean):
        assert "97.6 %" in text
        assert "lexicon.v1" in text
        assert ALERT in text
        assert "2021-10-15 11:00 KST" in text, "the stamp"


def test_each_part_says_what_it_is_for(store: Store) -> None:
    text = told(store)
    assert f"{WORLDS} worlds" in part(text, "1. Impact")
    assert "Urea must be checked before export" in part(text, "2. Cause")
    assert "91.0 %" in part(text, "2. Cause")
    assert "assumed to last 90 days" in part(text, "3. Duration")
    assert "Road freight (KSIC 49301)" in part(text, "4. Affected sectors")
    measures = part(text, "5. Measures taken")
    assert "긴급수급조정 · outcome: 12월 정상화" in measures
    assert "수입사에 물었음" in measures
    assert "요소수 2만 톤" not in measures
    assert "- 요소수 2만 톤 (김과장" in part(text, "6. Help wanted")
    assert "https://example.org/share" in part(text, "7. Path and grounds")
    assert "assumed" in part(text, "8. Stocks")
    assert "stock of" in part(text, "9. Alternatives")
    assert "rule set 2" in part(text, "10. Why this stage")
    assert "transport" in part(text, "11. Who was told")
    assert "unknown 1" in part(text, "12. About this document")


def test_what_is_not_there_is_said_not_left_out(tmp_path: Path) -> None:
    make_home(tmp_path)
    store = Store.open(tmp_path)
    text = told(store)
    store.close()
    assert "No outlook was computed" in text
    assert "No measure is on record" in text
    assert "None was entered" in part(text, "6. Help wanted")
    assert re.findall(r"^## \d+\. (.*)$", text, re.M) == PARTS_EN


def test_an_alert_at_any_stage_has_one(tmp_path: Path) -> None:
    make_home(tmp_path)
    store = Store.open(tmp_path)
    alert = store.alert(ALERT)
    assert alert is not None
    ends = replace(alert, state=AlertState.RESOLVED, ending=Ending.QUIET, resolved_at=NOW)
    stages = [(stage, one) for stage in Stage for one in (alert, ends)]
    for revision, (stage, one) in enumerate(stages, start=2):
        moved = replace(one, stage=stage, revision=revision, timed_out=stage >= Stage.ALERT)
        store.save_changes([AlertChange(moved, ChangeKind.STAGE_UP, NOW, Stage.CAUTION, "x")])
        text = told(store, "ko")
        mark = "(서명 전)" if stage >= Stage.ALERT else ""
        assert text.startswith(f"# 공급망 경보 문서 \\[{stage.ko}{mark}\\] 요소")
        assert ("경보 끝" in text) == (one is ends)
    store.close()


# ------------------------------------------------------------------------------ readers


def test_no_firm_is_in_it_but_the_viewers_own(store: Store) -> None:
    for viewer in (OPERATOR, STAFF, OPEN, Viewer("firm", "다른상사", person="남")):
        assert "표본상사" not in told(store, viewer=viewer), viewer
    assert "표본상사" in told(store, viewer=FIRM)


def test_names_of_people_are_for_those_who_work_here(store: Store) -> None:
    for viewer in (OPEN, FIRM):
        text = told(store, viewer=viewer)
        assert "김과장" not in text
        assert "Head of the audit**: -" in text
    assert store.audit_head()[1] in told(store, viewer=OPERATOR)
    assert "김과장" in told(store, viewer=OPERATOR)


def test_as_of_a_past_moment_it_holds_what_was_known_then(store: Store) -> None:
    then = told(store, as_of=NOW + timedelta(hours=1))
    assert "As of**: 2021-10-12 12:00 KST" in then
    assert "긴급수급조정" not in then
    assert "No outlook was computed: the event was revised since" in then
    assert "97.6 %" in then, "the paths of that revision were kept"
    with pytest.raises(NotFound, match="not raised yet"):
        told(store, as_of=NOW - timedelta(days=1))


# ------------------------------------------------------------------------------ text from outside


def test_a_title_from_a_feed_is_words_in_both_forms(store: Store) -> None:
    text = told(store)
    html = as_html(document(dossier(store, ALERT, now=LATER, viewer=STAFF), "en"))
    assert "<script>" in NASTY
    assert "<script>" not in re.sub(r"\\<", "", text)
    assert "<script>" not in html
    assert '<script>alert("1")</script> urea' in unescape(html)
    assert "javascript:" not in text + html
    assert "\x1b" not in text + html


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_never_break_the_table_or_the_page(text: str) -> None:
    table = Table(text, (text, "b"), ((text, text),), links=(text,))
    made = Document("en", text, text, ((text, text),),
                    (Part(text, (Text(text), Bullets((text,)), table, Image(text, b"")),),))  # fmt: skip
    lines = as_markdown(made).splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == 3
    for row in rows:
        assert len(re.findall(r"(?<!\\)\|", row)) == 3, row
    html = as_html(made).split("</style>")[1]
    tags = set(re.findall(r"<(\w+)", html))
    assert tags <= {"body", "h1", "p", "dl", "dt", "dd", "section", "h2", "ul", "li", "table", "a",
                    "caption", "thead", "tr", "th", "tbody", "td", "img"}  # fmt: skip
    assert all(a.startswith(("http://", "https://")) for a in re.findall(r'href="([^"]*)', html))


# ------------------------------------------------------------------------------ PDF


@pytest.fixture(scope="module")
def pango() -> None:
    """Skips where the system lacks Pango; what is told there has a test of its own."""
    try:
        as_pdf(Document("en", "t", "s", (), ()))
    except NoPdf as err:
        pytest.skip(str(err))


def inside(pdf: bytes) -> bytes:
    """The PDF with its compressed parts opened."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S)
    return pdf + b"".join(zlib.decompress(s) for s in streams if s[:1] == b"x")


@pytest.mark.usefixtures("pango")
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_pdf_is_tagged_names_its_language_and_carries_its_font(store: Store, lang: str) -> None:
    found = dossier(store, ALERT, now=LATER, viewer=STAFF)
    pdf = as_pdf(document(found, lang))
    whole = inside(pdf)
    for mark in (b"/Marked true", b"/StructTreeRoot", b"pdfuaid", b"/DisplayDocTitle true",
                 f"/Lang ({lang})".encode(), b"Ews-Sans-KR"):  # fmt: skip
        assert mark in whole, mark
    assert len(re.findall(rb"/S /H2\b", whole)) == len(PARTS_EN)
    assert len(re.findall(rb"/S /Figure\b", whole)) == 1
    assert re.findall(rb"/S /TH\b", whole)
    fonts = set(re.findall(rb"/FontName /\w+\+([\w-]+)", whole))
    assert fonts <= {b"Ews-Sans-KR", b"Ews-Sans-KR-Semi-Bold"}, "no font of this machine is needed"
    assert len(pdf) < 400_000
    if lang == "en":
        assert as_pdf(document(found, lang)) == pdf, "the same facts make the same file"


@pytest.mark.usefixtures("pango")
def test_a_page_that_names_something_outside_fetches_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from ews.reports import dossier_pdf

    made = Document("en", "t", "s", (), ())
    page = as_html(made).replace("</body>", '<img alt="x" src="http://127.0.0.1:9/x.png"></body>')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dossier_pdf, "as_html", lambda _: page)
        assert as_pdf(made).startswith(b"%PDF")
    assert "127.0.0.1" in caplog.text
    assert "not allowed" in caplog.text.lower() or "protocol" in caplog.text.lower(), caplog.text


def test_without_pango_the_error_names_the_package_and_the_way_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weasyprint.py").write_text(
        "raise OSError(\"cannot load library 'libpango-1.0-0'\")"
    )
    for name in [name for name in sys.modules if name.partition(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        NoPdf, match=r"apt-get install libpango-1\.0-0 libpangoft2-1\.0-0"
    ) as told_so:
        as_pdf(Document("en", "t", "s", (), ()))
    assert "--format md" in str(told_so.value)


# ------------------------------------------------------------------------------ faces


@pytest.mark.usefixtures("pango")
def test_command_and_api_give_the_same_document_within_five_seconds(
    home: Path, store: Store, tmp_path: Path
) -> None:
    began = time.process_time()
    site = create_app(load_settings(home), store, viewer=OPERATOR, clock=lambda: LATER)
    asks = TestClient(site)
    at = f"/api/v1/alerts/{ALERT[:10]}/dossier"
    answer = asks.get(f"{at}?lang=en&as_of=2021-10-14T03:00Z")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    file = tmp_path / "d.md"
    words = ["dossier", ALERT, "--lang", "en", "--as-of", "2021-10-14T03:00Z", "--home", str(home)]
    done = CliRunner().invoke(app, [*words, "--out", str(file)])
    assert done.exit_code == 0, done.output

    def without_clock(text: str) -> str:
        return re.sub(r"\*\*Made\*\*: .*", "", text)

    assert without_clock(file.read_text("utf-8")) == without_clock(answer.text)
    assert without_clock(CliRunner().invoke(app, words).stdout) == without_clock(answer.text)
    pdf = asks.get(f"{at}?format=pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.headers["content-disposition"] == f'attachment; filename="{ALERT}.ko.pdf"'
    assert pdf.content.startswith(b"%PDF")
    assert time.process_time() - began < 4 * 5.0, "four documents, each under 5 s"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["alr-none"], 1),
        ([ALERT, "--format", "docx"], 2),
        ([ALERT, "--format", "pdf"], 2),
        ([ALERT, "--as-of", "2021-10-01"], 1),
        ([ALERT, "--as-of", "soon"], 2),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(home: Path, words: list[str], code: int) -> None:
    done = CliRunner().invoke(app, ["dossier", *words, "--home", str(home)])
    assert done.exit_code == code, done.output


def test_the_page_leads_to_the_documents(home: Path, store: Store) -> None:
    asks = TestClient(create_app(load_settings(home), store, viewer=OPERATOR, clock=lambda: LATER))
    assert f"/alerts/{ALERT}/why" in asks.get(f"/alerts/{ALERT}").text
    page = unescape(asks.get(f"/alerts/{ALERT}/why?as_of=2021-10-14").text)
    links = re.findall(r'href="(/api/v1/alerts/[^"]*)"', page)
    assert len(links) == 3
    for link in links:
        assert "as_of=2021-10-14" in link
        assert "format=pdf" in link or asks.get(link).status_code == 200, link
