"""A firm's upload: taken whole or not at all, with every wrong cell named."""

from __future__ import annotations

import pytest

from graph.firms import (
    FirmCsvError,
    FirmLink,
    firm_slug,
    harmless,
    read_firms_csv,
    sample_firms,
)

GOOD = "firm,item,country,share,stock_days,industry\nAcme,urea,CN,0.7,20,49301\n"


def errors_of(text: str | bytes) -> list[tuple[int, str, str]]:
    with pytest.raises(FirmCsvError) as caught:
        read_firms_csv(text)
    return caught.value.errors


def test_a_good_file_is_read() -> None:
    (link,) = read_firms_csv(GOOD)
    assert link == FirmLink("acme", "Acme", "urea", "CN", 0.7, "", 20.0, "49301", False)
    assert FirmLink.from_row(link.to_row()) == link


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_korean_headers_and_encodings_are_understood(encoding: str) -> None:
    text = "기업명,품목,수입국,비중\n표본상사,요소,cn,70%\n"
    (link,) = read_firms_csv(text.encode(encoding))
    assert (link.firm, link.item, link.country, link.share) == ("표본상사", "urea", "CN", 0.7)


def test_a_byte_order_mark_in_text_is_no_part_of_the_header() -> None:
    assert len(read_firms_csv("\ufeff" + GOOD)) == 1


def test_every_wrong_cell_is_named_by_line_and_column_and_nothing_is_taken() -> None:
    text = (
        "firm,item,country,share,stock_days,industry\n"
        "Acme,urea,CN,0.7,20,49301\n"
        ",unobtainium,XX,70,-3,abc\n"
        "Acme,urea,CN,0.1,,\n"
        "Acme,urea,CN\n"
        "Acme,urea,VN,lots,,\n"
    )
    found = {(line, column) for line, column, _ in errors_of(text)}
    assert {(3, c) for c in ("firm", "item", "country", "share", "stock_days", "industry")} <= found
    assert {(4, "item"), (5, "line"), (6, "share")} <= found


def test_missing_unknown_and_repeated_columns_are_named() -> None:
    found = errors_of("firm,item,colour,firm\nA,urea,red,B\n")
    assert {(1, "country"), (1, "share"), (1, "colour"), (1, "file")} <= {
        (line, column) for line, column, _ in found
    }


def test_shares_of_one_item_may_not_exceed_one() -> None:
    text = "firm,item,country,share\nA,urea,CN,0.7\nA,urea,VN,0.6\n"
    ((line, column, message),) = errors_of(text)
    assert (line, column) == (3, "share")
    assert "1.30" in message


@pytest.mark.parametrize("nonsense", ["", "\n\n", b"\xff\xfe\x00", b"\x81\x00\xfa", 'a,"b\n'])
def test_what_is_no_csv_is_refused_with_words(nonsense: str | bytes) -> None:
    assert errors_of(nonsense)[0][2]


def test_a_cell_is_kept_as_given_but_for_what_steers_a_terminal() -> None:
    """Formulas are quoted where a sheet is written (tests/test_firms_edges.py)."""
    (link,) = read_firms_csv("firm,item,country,share\n\"=cmd|'/c calc'!A1\",urea,CN,1\n")
    assert link.name == "=cmd|'/c calc'!A1"
    assert harmless(" @SUM(A1)\x1b\u202e ") == "@SUM(A1)"


def test_not_a_number_is_not_a_share() -> None:
    for cell in ("nan", "inf", "1e999"):
        assert errors_of(f"firm,item,country,share\nA,urea,CN,{cell}\n")


def test_an_unknown_share_is_allowed_and_stays_unknown() -> None:
    (link,) = read_firms_csv("firm,item,country,share\nA,urea,CN,\n")
    assert link.share is None


def test_the_sample_firms_are_all_marked_synthetic() -> None:
    links = sample_firms()
    assert links
    assert all(link.synthetic and "가상" in link.name for link in links)
    assert firm_slug("표본상사(가상)") == "표본상사-가상"
