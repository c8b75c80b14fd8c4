"""Files nobody should send, made when they are needed. Each names what the wizard must say of it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

NAMES = ("编号", "姓名", "手机", "备注")
HEADER = ",".join(NAMES) + "\n"
SOUND = HEADER + "1,张三,,\n2,李四,,\n"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


@dataclass(frozen=True)
class Hostile:
    """`at`: where it ends. look: refused on arrival with `told`; reading: a person has to say how it is read;
    rows: `refused` rows are refused for `told` and `names` become customers; check: the check ends with `told`.
    `content` that is slow to make is made when it is asked for, not while tests are collected.
    """

    id: str
    content: bytes | Callable[[], bytes]
    at: str
    told: str = ""
    name: str = "customers.csv"
    names: Sequence[str] = ()
    refused: int = 0
    more: Mapping[str, str] = field(default_factory=dict)

    def file(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content()


def workbook(
    rows: str,
    *,
    parts: Mapping[str, str | bytes] = {},
    after: str = "",
    before: str = "",
    properties: str = "",
    without: Sequence[str] = (),
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """An XLSX of one sheet with these rows as XML."""
    entries: dict[str, str | bytes] = {
        "[Content_Types].xml": f'{DECLARATION}<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships"/>',
        "xl/workbook.xml": f'{DECLARATION}<workbook xmlns="{MAIN}" xmlns:r="{LINKS}">{properties}<sheets>'
        '<sheet name="表" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{LINKS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'{DECLARATION}{before}<worksheet xmlns="{MAIN}"><sheetData>{rows}'
        f"</sheetData>{after}</worksheet>",
        **parts,
    }
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", compression) as archive:
        for name, content in entries.items():
            if name not in without:
                archive.writestr(name, content)
    return held.getvalue()


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def row(line: int, *cells: str) -> str:
    """A row of texts, or of ready cells where one begins with <."""
    made = [
        each if each.startswith("<") else cell(f"{chr(65 + number)}{line}", each)
        for number, each in enumerate(cells)
        if each
    ]
    return f'<row r="{line}">{"".join(made)}</row>'


HEAD = row(1, *NAMES)
DAYS = row(1, "编号", "姓名", "出生日期")
DATE_STYLE = {
    "xl/styles.xml": f'{DECLARATION}<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
    "</cellXfs></styleSheet>"
}


def numeric(place: str, value: str, style: str = "") -> str:
    return f'<c r="{place}"{f" s={quoteattr(style)}" if style else ""}><v>{value}</v></c>'


def _text(id: str, content: bytes | str, at: str, told: str = "", **more: object) -> Hostile:
    data = content if isinstance(content, bytes) else content.encode()
    return Hostile(id, data, at, told, **more)  # type: ignore[arg-type]


def not_tables() -> Iterator[Hostile]:
    """Whatever is no table, by its content and not by its name."""
    for id, content, word in (
        ("old XLS", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, "old XLS"),
        ("gzip", b"\x1f\x8b\x08\0" + b"\0" * 20, "GZIP"),
        ("7z", b"7z\xbc\xaf\x27\x1c" + b"\0" * 20, "7z"),
        ("rar", b"Rar!\x1a\x07\0" + b"\0" * 20, "RAR"),
        ("bzip2", b"BZh91AY&SY" + b"\0" * 20, "BZIP2"),
        ("xz", b"\xfd7zXZ\x00" + b"\0" * 20, "XZ"),
        ("zstd", b"\x28\xb5\x2f\xfd" + b"\0" * 20, "Zstandard"),
        ("pdf", b"%PDF-1.7\n", "PDF"),
        ("png", b"\x89PNG\r\n\x1a\n", "picture"),
        ("jpeg", b"\xff\xd8\xff\xe0", "picture"),
        ("gif", b"GIF89a", "picture"),
        ("exe", b"MZ\x90\0", "program"),
        ("elf", b"\x7fELF\x02", "program"),
        ("sqlite", b"SQLite format 3\0", "database"),
        ("rtf", b"{\\rtf1\\ansi}", "RTF"),
    ):
        for name in ("customers.csv", "customers.xlsx"):
            yield Hostile(f"{id} as {name}", content, "look", word, name)
    for id, content in (
        ("html table", b"<html><body><table><tr><td>1</td></tr></table></body></html>"),
        ("doctype", b"<!DOCTYPE html><table></table>"),
        ("html with mark", b"\xef\xbb\xbf<HTML><table></table></HTML>"),
        ("html after blanks", b"\n\n  <table><tr><td>x</td></tr></table>"),
        ("meta first", b'<meta charset="utf-8"><table></table>'),
        ("xml", b'<?xml version="1.0"?><Workbook/>'),
    ):
        yield Hostile(id, content, "look", "web page or XML", "customers.xls")
    for id, content in (("nothing", b""),):
        yield Hostile(id, content, "look", "empty")
    for id, content in (
        ("UTF-16 LE", SOUND.encode("utf-16")),
        ("UTF-16 BE", b"\xfe\xff" + SOUND.encode("utf-16-be")),
    ):
        yield Hostile(id, content, "look", "UTF-16")
    for line in (1, 2, 3):
        lines = SOUND.encode().split(b"\n")
        lines[line - 1] += b"\0"
        yield Hostile(f"NUL on line {line}", b"\n".join(lines), "look", f"line {line}: a NUL")
    yield Hostile("UTF-16 without mark", SOUND.encode("utf-16-le"), "look", "NUL")
    yield Hostile("NUL far below", (SOUND + "3,王五,,\n" * 200_000).encode() + b"\0", "look", "NUL")


def texts() -> Iterator[Hostile]:
    """CSV that is not what it seems."""
    for encoding in ("gb18030", "gbk", "big5"):
        chinese = SOUND if encoding != "big5" else "編號,姓名,手機,備註\n1,張三,,\n"
        yield Hostile(encoding, chinese.encode(encoding), "reading")
    yield _text("surrogates", SOUND.encode() + b"3,\xed\xa0\x80,,\n", "look", "line 4")
    yield _text("overlong", SOUND.encode() + b"3,\xc0\xaf,,\n", "any", names=("张三", "李四"))
    yield _text(
        "one bad byte far below",
        (SOUND + "3,王五,,\n" * 99_999).encode() + b"4,\xff,,\n",
        "look",
        "line 100003",
    )
    yield _text(
        "no encoding at all",
        b"\x81\x81\x8d\x8f,\x90\x9d\n\xff\xff\x81",
        "look",
        "no other encoding",
    )
    yield _text("header twice", "编号,姓名,姓名\n1,a,b\n", "reading", "same name")
    for value in ("290101198001010018", "154 0000 0001", "a@example.invalid"):
        yield _text(f"no header but {value}", f"1,张三,{value}\n", "reading", "holds a value")
    yield _text("header without a name", "编号,,手机\n1,a,b\n", "reading", "has no name")
    yield _text("header too long", f"编号,{'姓' * 300}\n1,a\n", "reading", "longer than")
    for columns in (501, 5_000, 16_384):
        head = ",".join(f"c{n}" for n in range(columns))
        yield _text(
            f"{columns} columns", f"{head}\n{',' * (columns - 1)}\n", "reading", "at most 500"
        )
    for code in (0x202E, 0x200B, 0x2066, 0xFEFF, 0x00AD):
        yield _text(
            f"U+{code:04X} in the header",
            f"编号,姓{chr(code)}名\n1,a\n",
            "reading",
            "cannot be seen",
        )
    for code in (
        0x01, 0x07, 0x08, 0x0B, 0x0C, 0x1B, 0x1F, 0x7F, 0x85, 0xAD, 0x061C, 0x180E, 0x200B, 0x200C, 0x200D,
        0x200E, 0x200F, 0x2028, 0x2029, 0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2060, 0x2062, 0x2066, 0x2067,
        0x2068, 0x2069, 0xFEFF, 0xFFF9, 0xFFFB, 0xE0001, 0xE0041,
    ):  # fmt: skip
        # After two sound rows, so that the mark is not that of the file.
        yield _text(
            f"U+{code:04X} in a name",
            f"{SOUND}3,王{chr(code)}五,,\n",
            "rows",
            "cannot be seen",
            names=("张三", "李四"),
            refused=1,
        )
    yield _text("open quote", SOUND + '3,"王五,,\n', "check", "never closed")
    yield _text(
        "open quote, long",
        SOUND + '3,"' + "x" * 5_000_000 + ",,\n",
        "rows",
        "malformed",
        names=("张三", "李四"),
        refused=1,
    )
    yield _text(
        "short row", SOUND + "3,王五\n", "rows", "short line", names=("张三", "李四"), refused=1
    )
    yield _text(
        "long row", SOUND + "3,王五,,,,\n", "rows", "long line", names=("张三", "李四"), refused=1
    )
    yield _text(
        "text after quote",
        SOUND + '3,"王"五,,\n',
        "rows",
        "malformed",
        names=("张三", "李四"),
        refused=1,
    )
    yield _text(
        "no name", SOUND + "3,,,\n", "rows", "empty, and needed", names=("张三", "李四"), refused=1
    )
    yield _text("no key", SOUND + ",王五,,\n", "rows", "empty, and needed", names=("张三", "李四"), refused=1,
                more={"key": "编号"})  # fmt: skip
    yield _text("key twice", SOUND + "2,王五,,\n", "rows", "stands on line", names=("张三", "李四"), refused=1,
                more={"key": "编号"})  # fmt: skip
    yield _text(
        "name too long",
        f"{SOUND}3,{'王' * 201},,\n",
        "rows",
        "longer than",
        names=("张三", "李四"),
        refused=1,
    )
    yield _text("key too long", f"{SOUND}{'3' * 81},王五,,\n", "rows", "80 characters", names=("张三", "李四"),
                refused=1, more={"key": "编号"})  # fmt: skip
    yield _text("only a header", HEADER, "check", "")
    yield _text(
        "lone return", SOUND + "3,王\r五,,\n", "rows", "", names=("张三", "李四"), refused=1
    )
    for id, head in (
        ("owner", "owner"), ("owner_id", "owner_id"), ("branch", "branch"), ("unit", "unit"), ("unit_id", "unit_id"),
        ("manager", "manager"), ("客户经理", "客户经理"), ("机构号", "机构号"), ("sample", "sample"),
        ("public_id", "public_id"), ("version", "version"), ("provenance", "provenance"), ("__class__", "__class__"),
        ("constructor", "constructor"), ("sealed", "sealed"), ("search_tokens", "search_tokens"),
        ("party.unit", "party.unit"), ("@file", "@file"), ("@line", "@line"), ("kind = ", "kind = "),
        ('x"]\nkind', '"x""]\nkind"'),
    ):  # fmt: skip
        sound = "\n" not in id
        yield _text(
            f"header {id!r}",
            f"编号,姓名,{head}\n1,张三,9\n",
            "rows" if sound else "reading",
            "" if sound else "cannot be seen",
            names=("张三",) if sound else (),
        )
    for start in ("=", "+", "-", "@"):
        name = f"{start}cmd|' /C calc'!A0"
        yield _text(f"formula {start}", f'编号,姓名\n1,"{name}"\n', "rows", names=(name,))
    yield _text(
        "script",
        "编号,姓名\n1,<script>alert(1)</script>\n",
        "rows",
        names=("<script>alert(1)</script>",),
    )
    yield _text("sql", "编号,姓名\n1,'; DROP TABLE x; --\n", "rows", names=("'; DROP TABLE x; --",))
    yield _text("backslashes", "编号,姓名\n1,a\\N\\tb\n", "rows", names=("a\\N\\tb",))
    yield _text("Windows lines", SOUND.replace("\n", "\r\n"), "rows", names=("张三", "李四"))
    yield _text("title above", "客户清单\n" + SOUND, "rows", names=("张三", "李四"))
    yield _text("semicolons", SOUND.replace(",", ";"), "rows", names=("张三", "李四"))
    yield _text("tabs", SOUND.replace(",", "\t"), "rows", names=("张三", "李四"), name="客户.tsv")
    yield _text("mark of UTF-8", b"\xef\xbb\xbf" + SOUND.encode(), "rows", names=("张三", "李四"))


def workbooks() -> Iterator[Hostile]:
    """XLSX that is broken, lies, or means something else than it shows."""
    people = row(2, "1", "张三") + row(3, "2", "李四")

    def book(
        id: str, content: bytes | Callable[[], bytes], at: str, told: str = "", **more: object
    ) -> Hostile:
        return Hostile(id, content, at, told, "customers.xlsx", **more)  # type: ignore[arg-type]

    sound = workbook(HEAD + people)
    both = ("张三", "李四")
    yield book("sound", sound, "rows", names=both)
    for share in (2, 10, 30, 50, 70, 90, 99):
        yield book(f"cut at {share} %", sound[: len(sound) * share // 100], "look", "XLSX")
    for place in range(0, len(sound), len(sound) // 12):
        damaged = bytearray(sound)
        damaged[place] ^= 0xFF
        yield book(f"byte {place} turned", bytes(damaged), "any", names=both)
    yield book("other archive", _archive({"a.txt": b"x"}), "look", "no XLSX workbook")
    yield book("path out", _archive({"../../etc/passwd": b"x"}), "look", "no XLSX workbook")
    yield book(
        "macros", workbook(HEAD + people, parts={"xl/vbaProject.bin": b"x"}), "look", "macros"
    )
    yield book(
        "bomb",
        lambda: workbook(HEAD + people, parts={"xl/x.xml": b"\0" * 60_000_000}),
        "look",
        "unpacks",
    )
    yield book(
        "bomb in the sheet",
        lambda: workbook(HEAD + people + " " * 80_000_000),
        "look",
        "unpacks",
    )
    many = {f"xl/m{n}.xml": b"x" for n in range(2_100)}
    yield book("2,100 parts", workbook(HEAD + people, parts=many), "look", "unpacks")
    for missing in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"):
        yield book(f"without {missing}", workbook(HEAD + people, without=[missing]), "look", "XLSX")
    for id, told in (
        ("laughs", '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'),
        ("file", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
        ("address", '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">'),
    ):
        yield book(f"entities: {id}", workbook(HEAD + people, before=told), "look", "entities")
        part = workbook(HEAD + people, parts={"xl/sharedStrings.xml": f"{DECLARATION}{told}<sst/>"})
        yield book(f"entities in the texts: {id}", part, "look", "entities")
    yield book("no XML", workbook("<row><c><v>1</c></row>"), "look", "XLSX")
    yield book(
        "not UTF-8",
        workbook(HEAD, parts={"xl/worksheets/sheet1.xml": b"<x>\xff\xfe</x>"}),
        "look",
        "XLSX",
    )
    yield book("link out", workbook(HEAD + people, parts={"xl/_rels/workbook.xml.rels":
        f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" TargetMode="External" '
        f'Type="x" Target="http://127.0.0.1/s.xml"/></Relationships>'}), "look", "no sheet")  # fmt: skip
    wide = "".join(cell(_place(n), f"c{n}") for n in range(1, 16_385))
    yield book("16,384 columns", workbook(f'<row r="1">{wide}</row>'), "reading", "at most 500")
    yield book(
        "beyond the last column",
        workbook(HEAD + row(2, numeric("XFE2", "1"))),
        "look",
        "impossible",
    )
    far = row(1_048_576, "3", "王五")
    yield book("row 1,048,576", workbook(HEAD + people + far), "rows", names=(*both, "王五"))
    yield book("row 1,048,577", workbook(HEAD + people + row(1_048_577, "3")), "look", "impossible")
    yield book(
        "rows backwards",
        workbook(HEAD + row(5, "1", "张三") + row(4, "2", "李四")),
        "look",
        "impossible",
    )
    yield book("last cell of the sheet", workbook(HEAD + people + row(1_048_576, numeric("XFD1048576", "1"))),
               "rows", "long line", names=both, refused=1)  # fmt: skip
    for merge in ("A2:A3", "B2:C2", "A1:B1"):
        after = f'<mergeCells count="1"><mergeCell ref="{merge}"/></mergeCells>'
        yield book(f"merged {merge}", workbook(HEAD + people, after=after), "look", "merged cells")
    for id, digits in (("18 digits", "110105194912310021"), ("scientific", "1.10105194912310E+17")):
        bad = row(4, "3", "王五", numeric("C4", digits))
        yield book(f"mobile of {id}", workbook(HEAD + people + bad), "rows", "lost digits", names=both, refused=1,
                   more={"field_2": "resident_id"})  # fmt: skip
        bad = row(4, numeric("A4", digits), "王五")
        yield book(
            f"key of {id}",
            workbook(HEAD + people + bad),
            "any",
            names=(*both, "王五"),
            more={"key": "编号"},
        )
    formula = '<c r="B4"><f>A4&amp;"x"</f></c>'
    yield book("formula without result", workbook(HEAD + people + row(4, "3", formula)), "rows", "no result",
               names=both, refused=1)  # fmt: skip
    formula = '<c r="B4" t="str"><f>CONCATENATE("王","五")</f><v>王五</v></c>'
    yield book(
        "formula with result",
        workbook(HEAD + people + row(4, "3", formula)),
        "rows",
        names=(*both, "王五"),
    )
    formula = '<c r="B4" t="e"><f>1/0</f><v>#DIV/0!</v></c>'
    yield book(
        "error",
        workbook(HEAD + people + row(4, "3", formula)),
        "rows",
        "holds an error",
        names=both,
        refused=1,
    )
    for escaped, what in (
        ("_xD800_", "surrogate"),
        ("_x0000_", "NUL"),
        ("_x202E_", "turning mark"),
        ("_x0007_", "bell"),
    ):
        bad = row(4, "3", f"王{escaped}五")
        yield book(
            f"escaped {what}",
            workbook(HEAD + people + bad),
            "rows",
            "cannot be seen",
            names=both,
            refused=1,
        )
    for serial, epoch, told in (
        ("29221", "", "1980-01-01"),
        ("27759", '<workbookPr date1904="1"/>', "1980-01-01"),
    ):
        day = row(2, "1", "张三", numeric("C2", serial, "1"))
        yield book(f"day {serial}", workbook(DAYS + day, parts=DATE_STYLE, properties=epoch), "rows", names=("张三",),
                   more={"born": told})  # fmt: skip
    bad = row(2, "1", "张三", numeric("C2", "60", "1")) + row(3, "2", "李四")
    yield book(
        "29 February 1900",
        workbook(DAYS + bad, parts=DATE_STYLE),
        "rows",
        "is none",
        names=("李四",),
        refused=1,
    )
    bad = row(2, "1", "张三", numeric("C2", "9999999", "1")) + row(3, "2", "李四")
    yield book(
        "day 9,999,999",
        workbook(DAYS + bad, parts=DATE_STYLE),
        "rows",
        "is none",
        names=("李四",),
        refused=1,
    )
    yield book(
        "no such number", workbook(HEAD + row(2, numeric("A2", "nan"), "张三")), "look", "number"
    )
    yield book(
        "text in a number", workbook(HEAD + row(2, numeric("A2", "abc"), "张三")), "look", "XLSX"
    )
    yield book(
        "text that is not there",
        workbook(HEAD + row(2, '<c r="A2" t="s"><v>99</v></c>')),
        "look",
        "does not hold",
    )
    yield book("no rows", workbook(""), "reading", "no columns")
    yield book(
        "two lines above",
        workbook(row(1, "清单") + row(3, *NAMES) + row(4, "1", "张三")),
        "rows",
        names=("张三",),
    )


def _archive(entries: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return held.getvalue()


def _place(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}1"


def corpus() -> list[Hostile]:
    """All of them, each by a name of its own."""
    from zhike.masterdata.tests.hostile_parquet import parquets

    return [*not_tables(), *texts(), *workbooks(), *parquets()]
