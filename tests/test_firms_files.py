"""A firm's file: four shapes told apart by the header, whole or not at all, the same twice is once."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ews.cli import app
from ews.storage import Store
from graph.cells import FirmCsvError
from graph.declarations import links_of
from graph.firm_files import FirmFile, read_firm_file, shape_of
from graph.firms import BomLine, FirmLink, StockLine, firm_key, of_owner, owned, row_of

DECLARED = (
    "수입신고번호,란번호,수입신고일,HS 코드,품명,원산지,적출국,해외거래처명,과세가격(USD),순중량(kg),세액\n"
    "12345-21-100001,1,2021-01-05,3102.10-0000,UREA 46% (diesel),CN,CN,Shandong Works,60000,100000,1\n"
    "12345-21-100001,2,2021-01-05,3102100000,요소,중국,,Shandong Works,20000,40000,2\n"
    "12345-21-100002,1,20211230,3102100000,urea,VN,SG,Mekong,20000,30000,3\n"
    "12345-21-100003,1,2021.6.1,6203420000,바지,TW,,Acer,500,2,4\n"
    '12345-21-100004,1,2021/6/2,3102100000,unnamed goods,AU,,Far,"1,000.5",2,5\n'
)
BOM = (
    "모품번,자품번,소요량,품목,공급사,필수여부,대체품번,단가(USD)\n"
    "TRUCK,TANK,1,,,Y,,\nTANK,DEF,20,요소수,Acme,Y,DEF-2,0.5\nTRUCK,BOLT,40,,Bolts,N,,0.01\n"
)


def errors_of(text: str | bytes, owner: str = "Acme") -> list[tuple[int, str, str]]:
    with pytest.raises(FirmCsvError) as caught:
        read_firm_file(text, owner=owner)
    return caught.value.errors


def links(found: FirmFile) -> list[FirmLink]:
    return [row for row in found.rows() if isinstance(row, FirmLink)]


@pytest.mark.parametrize(
    ("header", "shape"),
    [
        ("firm,item,country,share", "links"), ("기업명,품목,수입국,비중,재고일수", "links"),
        ("신고번호,신고일,HS부호,원산지", "declarations"), ("hs10,origin,usd", "declarations"),
        ("parent,component,qty", "bom"), ("모품번,자품번,소요량,원산지", "bom"),
        ("부품,재고량,일사용량,기준일", "stocks"), ("item,days", "stocks"), ("colour,size", "links"),
    ],
)  # fmt: skip
def test_the_header_tells_the_shape(header: str, shape: str) -> None:
    assert shape_of(header.split(",")) == shape


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_declarations_are_summed_to_links_with_shares_and_a_period(encoding: str) -> None:
    found = read_firm_file(DECLARED.encode(encoding), owner="Acme")
    assert (found.shape, found.lines, found.count) == ("declarations", 5, 4)
    by = {(one.item, one.country): one for one in links(found)}
    china, vietnam = by["urea", "CN"], by["urea", "VN"]
    assert (china.spend, china.weight_kg, china.share) == (80000, 140000, 0.8)
    assert vietnam.share == 0.2
    assert (china.supplier, china.shipped_from) == ("Shandong Works", "")
    assert vietnam.shipped_from == "SG"
    assert china.period == "2021-01-05..2021-12-30"
    assert "import declarations" in china.source
    assert china.firm == "acme"
    assert by["hs:6203420000", "TW"].share == 1.0  # no item of ews: kept under its code
    assert by["hs:3102100000", "AU"].spend == 1000.5  # urea or its solution? nobody said
    said = " ".join(found.notes)
    assert "세액" in said
    assert "6203420000" in said
    assert "3102100000" in said


def test_a_line_item_that_stands_twice_is_an_error() -> None:
    twice = DECLARED + DECLARED.splitlines()[1] + "\n"
    ((line, column, said),) = errors_of(twice)
    assert (line, column) == (7, "line")
    assert "twice" in said


def test_shares_go_by_weight_where_amounts_are_missing_and_are_unknown_where_both_are() -> None:
    head = "declaration_no,hs,description,origin,usd,net_weight_kg\n"
    by_weight = read_firm_file(f"{head}1,2709,oil,SA,,75\n2,270900,oil,US,5,25\n".replace("2709,", "270900,"), owner="A")  # fmt: skip
    assert {(one.country, one.share) for one in links(by_weight)} == {("SA", 0.75), ("US", 0.25)}
    unknown = read_firm_file(f"{head}1,270900,oil,SA,,\n2,270900,oil,US,5,25\n", owner="A")
    assert {one.share for one in links(unknown)} == {None}


def test_a_bill_of_materials_is_read_and_may_not_run_in_a_circle() -> None:
    found = read_firm_file(BOM, owner="Acme")
    rows = [row for row in found.rows() if isinstance(row, BomLine)]
    assert [(r.parent, r.part, r.quantity) for r in rows][1] == ("TANK", "DEF", 20)
    assert (rows[1].item, rows[1].substitute, rows[1].price_usd) == (
        "diesel-exhaust-fluid", "DEF-2", 0.5,
    )  # fmt: skip
    assert [r.essential for r in rows] == [True, True, False]
    assert row_of("bom", rows[1].to_row()) == rows[1]
    circle = errors_of("parent,part,qty\nTOP,A,1\nA,B,1\nB,A,1\nB,C,1\n")
    assert {(line, column) for line, column, _ in circle} == {(3, "part"), (4, "part")}
    assert errors_of("parent,part,qty\nA,A,1\n")[0][:2] == (2, "part")
    assert errors_of("parent,part,qty\nA,B,0\nA,C,\nA,D,x\n")[0][:2] == (2, "quantity")


def test_stocks_are_days_or_a_quantity_and_its_use() -> None:
    text = '품목,부품,재고일수,재고량,일사용량,기준일\n요소,,20,,,2021-10-01\n,P-1,,"1,000",50,\n'
    found = read_firm_file(text, owner="Acme")
    rows = [row for row in found.rows() if isinstance(row, StockLine)]
    assert [(r.item, r.part, r.days) for r in rows] == [("urea", "", 20), ("", "P-1", 20)]
    assert row_of("stocks", rows[0].to_row()) == rows[0]
    wrong = errors_of("item,days,quantity,daily_use\nurea,-1,,\ngallium,,5,\nneon,,5,0\n,5,,\n")
    assert {(line, column) for line, column, _ in wrong} == {
        (2, "stock_days"), (3, "stock_days"), (4, "daily_use"), (5, "item"),
    }  # fmt: skip


def test_json_says_the_same_as_csv_and_is_refused_with_a_line() -> None:
    csv = read_firm_file("firm,item,country,share\nA,urea,CN,0.7\n")
    one = '{"firm": "A", "item": "urea", "country": "CN", "share": 0.7}'
    for text in (f"[{one}]", f'{{"rows": [{one}]}}', f"\ufeff[{one}]"):
        found = read_firm_file(text)
        assert found.digest == csv.digest
        assert list(found.rows()) == list(csv.rows())
    assert errors_of('[{"firm": "A",\n "item" "urea"}]')[0][:2] == (2, "file")
    assert errors_of('[{"firm": ["A"], "item": "urea", "country": "CN", "share": 1}]')[0][:2] == (
        2,
        "firm",
    )
    assert errors_of('{"firm": "A"}')[0][1] == "file"
    assert errors_of("[[1]]")[0][1] == "file"


def test_further_fields_of_a_link_are_read_and_kept() -> None:
    text = (
        "firm,item,country,share,lead_days,essential,spend_usd,part\nA,urea,CN,1,12,yes,5000,P-1\n"
    )
    (link,) = links(read_firm_file(text))
    assert (link.lead_days, link.essential, link.spend, link.part) == (12, True, 5000, "P-1")
    assert FirmLink.from_row(link.to_row()) == link
    before = {k: link.to_row()[k] for k in ("firm", "name", "item", "country", "share", "supplier")}
    assert FirmLink.from_row(before).lead_days is None  # a row kept before the field was there


def test_a_firms_id_carries_its_owner() -> None:
    link = FirmLink("acme", "Acme", "urea", "CN", 1.0)
    assert owned(link, "표본상사").firm == "표본상사/acme"
    assert owned(owned(link, "표본상사"), "표본상사") == owned(link, "표본상사")
    assert firm_key("Acme", "acme") == "acme"
    assert of_owner("표본상사/acme", "표본상사")
    assert not of_owner("표본상사/acme", "Acme")


def test_a_good_counts_once_though_two_files_tell_of_it() -> None:
    stated = FirmLink("a", "A", "urea", "CN", 0.9)
    declared = FirmLink("a", "A", "urea", "VN", 1.0, source="the firm's own import declarations")
    other = FirmLink("a", "A", "gallium", "CN", 1.0, source="the firm's own import declarations")
    coded = FirmLink("a", "A", "hs:6203420000", "CN", 1.0)
    assert links_of([declared, stated, other, coded]) == [stated, other]


def test_one_bad_line_in_a_large_file_is_named_in_bounded_memory(tmp_path: Path) -> None:
    """100,000 lines here; a million took 9.6 s of CPU and 180 MB (docs/firms.md)."""
    file = tmp_path / "big.csv"
    with file.open("w", encoding="cp949") as out:
        out.write("기업명,품목,수입국,비중,공급사\n")
        for n in range(100_000):
            out.write(f"표본{n // 10},요소,중국,{'x' if n == 99_990 else '0.05'},공급{n}\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FirmCsvError) as caught:
        read_firm_file(file)
    assert [(line, column) for line, column, _ in caught.value.errors] == [(99_992, "share")]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # KiB


def test_a_file_that_is_wrong_everywhere_keeps_a_thousand_errors_and_counts_the_rest() -> None:
    text = "firm,item,country,share\n" + "A,urea,CN,x\n" * 3_000
    found = errors_of(text)
    assert len(found) == 1_001
    assert "2,000 more" in found[-1][2]


# --------------------------------------------------------------------------- into the store


def imported(home: Path, name: str, text: str, *words: str) -> dict[str, object]:
    file = home / name
    file.write_text(text, "utf-8")
    command = [
        "firms",
        "import",
        str(file),
        "--owner",
        "Acme",
        "--json",
        "--home",
        str(home),
        *words,
    ]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_the_same_file_twice_is_the_same_state_and_said_so(tmp_path: Path) -> None:
    first = imported(tmp_path, "d.csv", DECLARED)
    store = Store.open(tmp_path)
    rows, files = store.firm_rows(), store.firm_files()
    second = imported(tmp_path, "d.csv", DECLARED)
    assert (first["changed"], second["changed"]) == (True, False)
    assert (store.firm_rows(), store.firm_files()) == (rows, files)
    third = imported(tmp_path, "d.csv", DECLARED.replace("60000", "70000"))
    assert third["changed"] is True
    assert len(store.firm_rows()) == len(rows)
    store.close()


def test_shapes_stand_beside_each_other_and_go_one_by_one(tmp_path: Path) -> None:
    for name, text in (("d.csv", DECLARED), ("b.csv", BOM), ("s.csv", "item,days\nurea,20\n")):
        imported(tmp_path, name, text)
    store = Store.open(tmp_path)
    assert {str(f["shape"]) for f in store.firm_files()} == {"declarations", "bom", "stocks"}
    assert all(of_owner(str(row["firm"]), "Acme") for row in store.firm_rows())
    assert len(store.firm_links()) == 4
    assert store.remove_firm("Acme", "bom") == 3
    assert store.remove_firm("Acme", "bom") == 0
    assert {str(f["shape"]) for f in store.firm_files()} == {"declarations", "stocks"}
    assert store.remove_firm("Acme") == 5
    assert store.firm_rows() == store.firm_files() == []
    store.close()


def test_an_owner_that_reads_like_another_is_refused(tmp_path: Path) -> None:
    imported(tmp_path, "s.csv", "item,days\nurea,20\n")
    words = ["firms", "import", str(tmp_path / "s.csv"), "--owner", "ACME", "--home", str(tmp_path)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert "reads like the owner 'Acme'" in result.stderr


def test_rows_of_before_are_moved_under_their_owners_id(tmp_path: Path) -> None:
    """The migration from the schema that had links only."""
    from ews.storage.engine import open_engine
    from ews.storage.migrate import migrate

    engine = open_engine(tmp_path)
    migrate(engine, "0002")
    link = json.dumps(FirmLink("acme", "Acme", "urea", "CN", 0.5).to_row() | {"owner": "표본"})
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO firm_links (owner, rank, link) VALUES ('표본', 0, ?)", (link,)
        )
    engine.dispose()
    store = Store.open(tmp_path)
    (row,) = store.firm_links()
    assert (row["firm"], row["owner"], row["shape"], row["share"]) == (
        "표본/acme", "표본", "links", 0.5,
    )  # fmt: skip
    assert store.firm_owners() == ["표본"]
    store.close()
