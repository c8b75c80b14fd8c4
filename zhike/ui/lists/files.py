"""A list as a file: the columns as they were chosen, as CSV or XLSX, each row with the code that leads back."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

import xlsxwriter
from django.http import FileResponse
from django.utils.translation import gettext_lazy as _

from zhike.kernel import clock
from zhike.kernel.clock import BUSINESS_ZONE
from zhike.ui.lists.taking import Mark
from zhike.ui.tables import Column

# A spreadsheet reads a cell that begins so as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def safe_cell(text: str) -> str:
    """Text that a spreadsheet cannot take for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def write(
    file: IO[bytes],
    kind: str,
    columns: Sequence[Column],
    rows: Iterable[Any],
    mark: Mark | None = None,
    key: Callable[[Any], int] = lambda row: int(row.pk),
) -> int:
    """Write the rows under their columns, the code of each behind them; answers how many there were."""
    if mark is not None:
        code = mark.code
        columns = (*columns, Column("mark", _("Mark"), value=lambda row: code(key(row))))
    if kind == "xlsx":
        return _xlsx(file, columns, rows, mark.number if mark else "")
    return _csv(file, columns, rows)


def answer(name: str, kind: str, file: IO[bytes]) -> FileResponse:
    """A file as an attachment that no browser keeps."""
    response = FileResponse(
        file,
        as_attachment=True,
        filename=f"{name}-{clock.today().isoformat()}.{kind}",
        content_type=TYPES[kind],
    )
    response["Cache-Control"] = "no-store"
    return response


def _csv(file: IO[bytes], columns: Sequence[Column], rows: Iterable[Any]) -> int:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow([str(column.label) for column in columns])
    count = 0
    for row in rows:
        writer.writerow(
            [
                str(value) if isinstance(value, int | Decimal | date) else safe_cell(str(value))
                for value in _values(columns, row)
            ]
        )
        count += 1
    text.detach()
    return count


def _xlsx(file: IO[bytes], columns: Sequence[Column], rows: Iterable[Any], number: str) -> int:
    # In memory, not in files anybody could read meanwhile; text is never taken for a formula or a link.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(file, options)
    sheet = book.add_worksheet()
    if number:
        book.set_properties({"comments": number})
        sheet.set_footer(f"&L{number}&R&P / &N")
    heading = book.add_format({"bold": True})
    kinds = {
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        "datetime": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        "money": book.add_format({"num_format": "#,##0.00"}),
    }
    for n, column in enumerate(columns):
        sheet.write_string(0, n, str(column.label), heading)
    count = 0
    for row in rows:
        count += 1
        for n, (column, value) in enumerate(zip(columns, _values(columns, row), strict=True)):
            _xlsx_cell(sheet, count, n, value, kinds.get(column.kind), kinds)
    book.close()
    return count


def _xlsx_cell(
    sheet: Any, row: int, n: int, value: Any, kind: Any, kinds: Mapping[str, Any]
) -> None:
    match value:
        case datetime():
            local = value.astimezone(BUSINESS_ZONE).replace(tzinfo=None)
            sheet.write_datetime(row, n, local, kinds["datetime"])
        case date():
            sheet.write_datetime(row, n, value, kinds["date"])
        # A sheet keeps fifteen digits: an amount beyond them goes as text, whole.
        case int() | float() | Decimal() if abs(float(value)) < 1e13:
            sheet.write_number(row, n, float(value), kind)
        case _:
            sheet.write_string(row, n, str(value))


def _values(columns: Sequence[Column], row: Any) -> Iterator[Any]:
    for column in columns:
        value = column.read(row)
        yield "" if value is None else value
