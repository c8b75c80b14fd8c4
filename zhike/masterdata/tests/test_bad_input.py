"""Whatever may be wrong with a file or a mapping: one clear message with the way out, and nothing half-done."""

# ruff: noqa: E501  a line of a file stays one line

from __future__ import annotations

import gzip
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from zhike.customers.models import Identifier, Party
from zhike.kernel.actor import NOBODY, system
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.warehouse import Warehouse
from zhike.masterdata import readers
from zhike.masterdata.models import ImportFile, ImportRun
from zhike.masterdata.services import load
from zhike.masterdata.tests.factories import (
    ACCOUNTS,
    ID_ONE,
    MAPPING,
    PEOPLE,
    POSTINGS,
    read_in,
    rejects,
    write,
)
from zhike.products import facts
from zhike.products.models import Agreement

pytestmark = pytest.mark.django_db
GOOD = f"{PEOPLE}1,张三,{ID_ONE},15400000001,1980-01-01,red\n"
UNSOUND_FILES: list[tuple[str, bytes, str, str]] = [
    (
        "GB18030",
        PEOPLE.encode() + "1,张三,,,,\n".encode("gb18030"),
        "line 2: byte 35 is not utf-8",
        "encoding",
    ),
    ("UTF-16", GOOD.encode("utf-16"), "NUL", "UTF-8"),
    ("NUL", PEOPLE.encode() + b"1,a,,,,\n2,b\0,,,,\n", "line 3: a NUL byte at byte 44", "export"),
    ("separator", PEOPLE.replace(",", ";").encode(), "one single column", "`separator`"),
    ("column missing", b"no,name,id_no,mobile,born\n", "missing: colour", "`header`"),
    (
        "column unknown",
        PEOPLE.replace("\n", ",extra\n").encode(),
        "not in the mapping: extra",
        "`header`",
    ),
    ("column order", b"name,no,id_no,mobile,born,colour\n", "the order differs", "`header`"),
    ("empty", b"", "is empty", "header"),
    (
        "open quote",
        PEOPLE.encode() + b'1,a,,,,\n2,"b,,,,\n3,c,,,,\n',
        "line 3: a quotation mark",
        "Close it",
    ),
    ("truncated gzip", gzip.compress(GOOD.encode() * 500)[:-200], "cut off or damaged", "Fetch"),
    ("damaged gzip", b"\x1f\x8b" + b"nonsense" * 9, "cut off or damaged", "Fetch"),
]


@pytest.mark.parametrize(
    ("content", "told", "way_out"),
    [case[1:] for case in UNSOUND_FILES],
    ids=[case[0] for case in UNSOUND_FILES],
)
def test_unsound_file(tmp_path: Path, content: bytes, told: str, way_out: str) -> None:
    with pytest.raises(UserError) as caught:
        read_in(tmp_path, {"people.csv": content})
    assert told in caught.value.message
    assert "people.csv" in caught.value.message
    assert way_out in caught.value.way_out
    assert not Party.objects.exists()
    assert not ImportFile.objects.filter(state=ImportFile.State.LOADED).exists()
    assert not ImportRun.objects.filter(state=ImportRun.State.RUNNING).exists()
    assert not list((tmp_path / "rejects").rglob("*.csv"))


def test_a_fault_far_into_the_file_undoes_all_of_it(tmp_path: Path) -> None:
    many = PEOPLE + "".join(f"{number},张{number},,,,\n" for number in range(700_000))
    with pytest.raises(UserError, match=r"line 700002: byte [\d,]+ is not utf-8"):
        read_in(tmp_path, {"people.csv": many.encode() + b"x,\xff,,,,\n"})
    assert not Party.objects.exists()
    run = ImportRun.objects.get()
    assert run.state == ImportRun.State.FAILED
    assert "line 700002" in run.error
    assert run.files.get().state == ImportFile.State.FAILED


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "source" / "people.csv").mkdir(parents=True)
    with pytest.raises(UserError, match="is a folder, not a file"):
        read_in(tmp_path)


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path, {"people.csv": GOOD})
    with pytest.raises(UserError, match="does not exist"):
        load(actor=system("test"), mapping=path, paths=[tmp_path / "elsewhere"])


def test_a_folder_without_the_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"No file people.csv\* for the table “people”"):
        read_in(tmp_path, {"other.csv": GOOD})


def test_a_file_nothing_reads(tmp_path: Path) -> None:
    path = write(tmp_path, {"other.csv": GOOD})
    with pytest.raises(UserError, match=r"reads other\.csv"):
        load(actor=system("test"), mapping=path, paths=[tmp_path / "source" / "other.csv"])


def test_a_data_folder_that_cannot_be_written(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "file").write_text("")
    settings.ZHIKE_HOME = tmp_path / "file"
    with pytest.raises(UserError, match="cannot be written") as caught:
        read_in(tmp_path, {"people.csv": PEOPLE + "1,,,,,\n"})
    assert "writable" in caught.value.way_out
    assert not Party.objects.exists()


def test_nobody_may_load(tmp_path: Path) -> None:
    path = write(tmp_path, {"people.csv": GOOD})
    with pytest.raises(Refused):
        load(actor=NOBODY, mapping=path, paths=[tmp_path / "source"])
    assert not ImportRun.objects.exists()


ROWS: list[tuple[str, str, str]] = [
    ("short", "1,张三\n", "2,,,short line: 2 columns instead of 6"),
    ("long", "1,张三,,,,,,\n", "2,,,long line: 8 columns instead of 6"),
    ("no key", ",张三,,,,\n", "2,no,,empty, and needed"),
    ("no name", "1,,,,,\n", "2,name,,empty, and needed"),
    ("impossible date", "1,张三,,,1999-02-30,\n", "2,born,1****,no such date (YYYY-MM-DD)"),
    ("no date", "1,张三,,,yesterday,\n", "2,born,y****,no such date (YYYY-MM-DD)"),
    ("after a row of three lines", '1,"张\n\n三",,,,\n2,,,,,\n', "5,name,,empty, and needed"),
    ("malformed quote", '1,"张"三,,,,\n', "2,,,malformed line: ',' expected after '\"'"),
    ("a formula", "1,张三,,,=1+1,\n", "2,born,'=****,no such date (YYYY-MM-DD)"),
    ("twice", "1,张三,,,,\n1,李四,,,,\n", "3,no,,the key stands on line 2 already"),
    ("name too long", f"1,{'长' * 201},,,,\n", "2,name,长长****,longer than 200 characters"),
]


@pytest.mark.parametrize(
    ("rows", "told"), [case[1:] for case in ROWS], ids=[case[0] for case in ROWS]
)
def test_refused_row(tmp_path: Path, rows: str, told: str) -> None:
    """The row lies in the reject file with line, column, value (masked) and reason; the others are taken."""
    report = read_in(tmp_path, {"people.csv": f"{PEOPLE}{rows}9,好人,,,,\n"})
    assert rejects(report) == [told]
    (people,) = [table for table in report.tables if table.table == "people"]
    assert (people.rejected, people.read) == (1, people.accepted + 1)
    assert Party.objects.filter(name="好人").exists()


def test_an_implausible_number_is_left_out_and_told_but_the_row_is_taken(tmp_path: Path) -> None:
    rows = f"1,张三,{ID_ONE[:-1]}0,12345,,\n2,李四,{ID_ONE},15400000001,,\n"
    report = read_in(tmp_path, {"people.csv": PEOPLE + rows})
    assert rejects(report) == [
        "2,id_no,2****************0,left out of the row: the check character of the identity number is wrong",
        "2,mobile,***45,left out of the row: a mobile number has eleven digits and starts with 13 to 19",
    ]
    assert (report.tables[0].accepted, report.tables[0].left_out) == (2, 2)
    assert Identifier.objects.count() == 1


def test_required_in_the_mapping_refuses_the_row_instead(tmp_path: Path) -> None:
    mapping = MAPPING.replace('{ column = "id_no" }', '{ column = "id_no", required = true }')
    rows = f"1,张三,{ID_ONE[:-1]}0,,,\n2,李四,{ID_ONE},,,\n3,王五,,,,\n"
    report = read_in(tmp_path, {"people.csv": PEOPLE + rows}, mapping)
    assert rejects(report) == [
        "4,id_no,,empty, and needed",
        "2,id_no,2****************0,the check character of the identity number is wrong",
    ]
    assert list(Party.objects.values_list("name", flat=True)) == ["李四"]


@pytest.mark.parametrize(
    ("account", "told"),
    [
        ("a,8,A,2020-01-01,", "2,owner,8,not among the loaded rows of “people”"),
        ("a,1,B,2020-01-01,", "2,product,B,there is no product with this code"),
        (
            "a,1,A,2020-01-01,12o",
            "2,limit,1****,not a number (digits, a point, no thousands' separators)",
        ),
        ("a,1,A,2020-01-01,1.005", "2,limit,1****,more than 2 decimal places"),
        ("a,1,A,,", "2,opened,,empty, and needed"),
    ],
    ids=["owner", "product", "amount", "decimals", "date"],
)
def test_refused_account(tmp_path: Path, account: str, told: str) -> None:
    report = read_in(tmp_path, {"people.csv": GOOD, "accounts.csv": f"{ACCOUNTS}{account}\n"})
    assert rejects(report) == [told]


def test_an_amount_is_exact(tmp_path: Path) -> None:
    accounts = f"{ACCOUNTS}a,1,A,2020-01-01,0.10\nb,1,A,2020-01-01,9999999999999999.99\nc,1,A,2020-01-01,5.500\n"
    report = read_in(tmp_path, {"people.csv": GOOD, "accounts.csv": accounts})
    assert not report.reject_files
    assert list(Agreement.objects.order_by("pk").values_list("principal", flat=True)) == [
        Decimal("0.10"),
        Decimal("9999999999999999.99"),
        Decimal("5.50"),
    ]


def test_refused_postings(tmp_path: Path) -> None:
    """Unknown account and code, no number, a key twice; the good row alone reaches the warehouse."""
    lines = (
        "1,a,2024-01-05,plus,10.00\n2,b,2024-01-05,plus,1\n3,a,2024-01-05,sideways,1\n"
        "4,a,2024-01-05,minus,1e3\n1,a,2024-01-06,plus,5\n"
    )
    files = {
        "people.csv": GOOD,
        "accounts.csv": f"{ACCOUNTS}a,1,A,2020-01-01,\n",
        "postings.csv": POSTINGS + lines,
    }
    report = read_in(tmp_path, files)
    unknown, *others = sorted(rejects(report))
    assert unknown.startswith("3,account,")
    assert unknown.endswith(",not among the loaded rows of “accounts”")
    assert others == [
        "4,way,sideways,the mapping has no code for it",
        "5,amount,1e3,not a number (digits, a point, no thousands' separators)",
        "6,no,,the key stands on line 2 already",
    ]
    with Warehouse().reading(facts.TRANSACTIONS) as backend:
        assert backend.con.execute(
            "SELECT transaction_key, amount::VARCHAR FROM transactions"
        ).fetchall() == [("1", "10.00")]


def test_a_stored_posting_is_neither_added_again_nor_rewritten(tmp_path: Path) -> None:
    base = {"people.csv": GOOD, "accounts.csv": f"{ACCOUNTS}a,1,A,2020-01-01,\n"}
    read_in(tmp_path, {**base, "postings.csv": POSTINGS + "1,a,2024-01-05,plus,10\n"})
    more = POSTINGS + "1,a,2024-01-05,plus,10.00\n2,a,2024-01-06,plus,1\n"
    second = read_in(tmp_path, {**base, "postings2.csv": more})
    (table,) = [each for each in second.tables if each.table == "postings"]
    assert (table.accepted, table.unchanged, table.rejected, table.already) == (1, 1, 0, 1)
    third = read_in(tmp_path, {**base, "postings3.csv": POSTINGS + "1,a,2024-01-05,plus,11\n"})
    assert rejects(third) == [
        "2,no,,another row with this key was loaded before; facts are not rewritten"
    ]


def test_postings_lie_by_month_and_customer_whatever_the_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces of a few rows, one of them with quotation marks; two customers in turn, months out of order."""
    monkeypatch.setattr(readers, "PIECE", 64)
    lines = [f"{n},{'ba'[n % 2]},2024-0{3 - n % 3}-05,plus,{n}.25" for n in range(1, 31)]
    lines[7] = lines[7].replace("plus", '"plus"')
    lines[8] = lines[8].replace("plus", "sideways")
    files = {
        "people.csv": f"{GOOD}2,李四,,,,\n",
        "accounts.csv": f"{ACCOUNTS}a,1,A,2020-01-01,\nb,2,A,2020-01-01,\n",
        "postings.csv": POSTINGS + "\n".join(lines),
    }
    assert rejects(read_in(tmp_path, files)) == ["10,way,sideways,the mapping has no code for it"]
    stored: list[dict[str, Any]] = []
    for path in Warehouse().files(facts.TRANSACTIONS):
        rows = pq.ParquetFile(path).read().to_pylist()
        assert [row["party_id"] for row in rows] == sorted(row["party_id"] for row in rows)
        assert {f"month={row['booked_on']:%Y-%m}" for row in rows} == {Path(path).parent.name}
        stored += rows
    taken = {row["transaction_key"]: row["amount"] for row in stored}
    assert taken == {str(n): Decimal(f"{n}.25") for n in range(1, 31) if n != 9}


def _sheet(rows: list[list[Any]]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet("people")
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                sheet.write(number, column, value)
    return buffer.getvalue()


XLSX = MAPPING.replace('path = "people.csv*"', 'path = "people.xlsx"\nformat = "xlsx"')


def test_a_number_in_a_cell_that_lost_its_digits_is_refused(tmp_path: Path) -> None:
    head: list[Any] = PEOPLE.strip().split(",")
    rows = [
        head,
        [1, "张三", 290101198001010019, "", "", ""],
        [2, "李四", ID_ONE, 15400000001, "", ""],
    ]
    report = read_in(tmp_path, {"people.xlsx": _sheet(rows)}, XLSX)
    assert rejects(report) == [
        "2,id_no,2****************4,a number of more than 15 digits in a numeric cell has lost digits; "
        "format the column as text"
    ]
    assert Party.objects.get().identifiers.get().in_clear() == ID_ONE
    assert Party.objects.get().contact_points.get().in_clear() == "15400000001"


@pytest.mark.parametrize(
    ("name", "content", "mapping", "told"),
    [
        ("people.xlsx", b"PK nonsense", XLSX, "is no whole XLSX file"),
        ("people.xlsx", _sheet([["no", "name"]]), XLSX, "missing: id_no"),
        (
            "people.xlsx",
            _sheet([["no"]]),
            XLSX.replace('"xlsx"', '"xlsx"\nsheet = "人"'),
            "has no sheet",
        ),
        ("people.pq", b"PAR1 nonsense", "parquet", "is no whole Parquet file"),
        ("people.pq", b"", "parquet", "is no whole Parquet file"),
    ],
    ids=["no xlsx", "xlsx header", "sheet", "no parquet", "empty parquet"],
)
def test_unsound_workbook(
    tmp_path: Path, name: str, content: bytes, mapping: str, told: str
) -> None:
    if mapping == "parquet":
        mapping = MAPPING.replace('"people.csv*"', '"people.pq"\nformat = "parquet"')
    with pytest.raises(UserError) as caught:
        read_in(tmp_path, {name: content}, mapping)
    assert told in caught.value.message
    assert caught.value.way_out


def test_parquet_is_read(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    columns = {name: pa.array(["x"]) for name in PEOPLE.strip().split(",")}
    columns["no"] = pa.array([7])
    columns["id_no"] = columns["mobile"] = columns["born"] = pa.array([None], pa.string())
    pq.write_table(pa.table(columns), tmp_path / "source" / "people.pq")
    report = read_in(
        tmp_path, {}, MAPPING.replace('"people.csv*"', '"people.pq"\nformat = "parquet"')
    )
    assert report.tables[0].accepted == 1


@pytest.mark.parametrize("encoding", ["gb18030", "big5"])
def test_another_encoding_is_read_when_it_is_stated(tmp_path: Path, encoding: str) -> None:
    mapping = MAPPING.replace(
        'path = "people.csv*"', f'path = "people.csv*"\nencoding = "{encoding}"'
    )
    content = f'{PEOPLE}1,"王大明",,,,\n2,\n'.encode(encoding)
    report = read_in(tmp_path, {"people.csv": content}, mapping)
    assert Party.objects.get().name == "王大明"
    assert report.tables[0].rejected == 1


def test_byte_order_mark_crlf_and_gzip_are_read(tmp_path: Path) -> None:
    content = gzip.compress(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    read_in(tmp_path, {"people.csv.gz": content})
    assert Party.objects.get().name == "张三"


MAPPINGS: list[tuple[str, str, str, str, str]] = [
    ("no TOML", "[source]", "[source", "is no TOML", "Correct"),
    ("source missing", 'code = "small"', "", "[source]: “code” is missing", "Add code"),
    ("unknown key", 'table = "people"', 'table = "people"\ncolour = "red"', "[[file]] “people”: “colour” is not known", "knows"),
    ("unknown column", '{ column = "born" }', '{ column = "birth" }', "field “birth_on” reads the column “birth”", "The header has: no, name"),
    ("unknown field", "birth_on =", "birthday =", "field “birthday”: party has no such field", "birth_on"),
    ("unknown target", 'into = "party"', 'into = "people"', "“people” is no into", "party"),
    ("unknown option", '{ column = "born" }', '{ column = "born", type = "date" }', "“type” is not known here", "format"),
    ("unknown code", 'plus = "in"', 'plus = "up"', "“up” is no direction", "One of: in, out"),
    ("unknown reader", '{ column = "born" }', '{ column = "born", reader = "x" }', "there is no reader “x”", "There are"),
    ("unknown table", 'ref = "people" }\nproduct', 'ref = "persons" }\nproduct', "no table “persons”", "people"),
    ("no reference", '{ column = "owner", ref = "people" }\nproduct', '{ column = "owner" }\nproduct', "it is a reference", "ref"),
    ("needed field", 'name = { column = "name" }', "", "party needs name", "Add"),
    ("separator", 'path = "people.csv*"', 'path = "people.csv*"\nseparator = "||"', "“separator” is not one character", ";"),
    ("encoding", 'path = "people.csv*"', 'path = "people.csv*"\nencoding = "utf-16"', "this encoding cannot be read", "UTF-8"),
    ("trust", "trust = 80", "trust = 800", "“trust” is out of range", "0 to 100"),
    ("kind of value", "trust = 80", 'trust = "80"', "“trust” is not a whole number", "whole number"),
    ("format", 'path = "people.csv*"', 'path = "people.csv*"\nformat = "xls"', "“xls” is no format", "csv"),
    ("given", 'kind = "head_office"', 'kind = "palace"', "“palace” is no kind", "head_office"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "told", "way_out"),
    [case[1:] for case in MAPPINGS],
    ids=[case[0] for case in MAPPINGS],
)
def test_faulty_mapping(tmp_path: Path, old: str, new: str, told: str, way_out: str) -> None:
    assert old in MAPPING
    with pytest.raises(UserError) as caught:
        read_in(tmp_path, {"people.csv": GOOD}, MAPPING.replace(old, new, 1))
    assert told in caught.value.message
    assert "small.toml" in caught.value.message
    assert way_out in caught.value.way_out
    assert not ImportRun.objects.exists()


def test_a_mapping_that_is_not_there_or_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load(actor=system("test"), mapping=tmp_path / "none.toml", paths=[tmp_path])
    (tmp_path / "latin.toml").write_bytes(b'[source]\nname = "\xe9"')
    with pytest.raises(UserError, match="is not UTF-8"):
        load(actor=system("test"), mapping=tmp_path / "latin.toml", paths=[tmp_path])


def test_no_identifying_value_is_told(tmp_path: Path, caplog: Any, capfd: Any) -> None:
    rows = f"1,张三,{ID_ONE[:-1]}0,1540000000,not-a-day {ID_ONE},\n"
    report = read_in(tmp_path, {"people.csv": PEOPLE + rows})
    told = "\n".join(rejects(report)) + caplog.text + "".join(capfd.readouterr()) + repr(report)
    assert ID_ONE[:-1] not in told
    assert "1540000000" not in told
