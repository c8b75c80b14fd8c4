"""Why a row or a file was refused, in the reader's language. Files and the command line keep the English.

A reason is written once, when it is met, and read by many; so a screen recognises the sentence by its pattern.
What it does not know it shows as it stands.
"""

from __future__ import annotations

import re
from functools import cache

from django.utils.translation import gettext, gettext_noop

LEFT_OUT = gettext_noop("left out of the row: %(why)s")
PATTERNS = (
    # A value that cannot be read.
    gettext_noop("empty, and needed"),
    gettext_noop("a key has at most %(count)s characters"),
    gettext_noop("longer than %(count)s characters"),
    gettext_noop(
        "a number of more than 15 digits in a numeric cell has lost digits; "
        "format the column as text"
    ),
    gettext_noop("the mapping has no code for it"),
    gettext_noop("not a whole number"),
    gettext_noop("neither 1 nor 0, true nor false"),
    gettext_noop("not one of %(words)s"),
    gettext_noop("not a number (digits, a point, no thousands' separators)"),
    gettext_noop("more than %(count)s decimal places"),
    gettext_noop("no such date (%(forms)s)"),
    gettext_noop("no such moment (%(forms)s)"),
    # A line that is no row.
    gettext_noop("short line: %(found)s columns instead of %(width)s"),
    gettext_noop("long line: %(found)s columns instead of %(width)s"),
    gettext_noop("long line: cells beyond the %(width)s columns of the header"),
    gettext_noop("malformed line: %(why)s"),
    # A row that does not fit what is there.
    gettext_noop("the customer's data is restricted or erased (个人信息保护法 art. 47)"),
    gettext_noop("the key stands on line %(line)s already"),
    gettext_noop("it lies before %(field)s"),
    gettext_noop("not among the loaded rows of “%(table)s”"),
    gettext_noop("there is no unit with this code"),
    gettext_noop("there is no employee with this code"),
    gettext_noop("there is no manager with this code"),
    gettext_noop("there is no product with this code"),
    gettext_noop("there is no unit to put the customer in"),
    gettext_noop("another row with this key was loaded before; facts are not rewritten"),
    # A file that is not what the mapping says.
    gettext_noop("%(file)s is empty. A file without rows still has its header line."),
    gettext_noop(
        "%(file)s is cut off or damaged after %(bytes)s unpacked bytes. "
        "Fetch the file again: its end is missing."
    ),
    gettext_noop(
        "%(file)s, line %(line)s: a row does not end within 4 MB. A quotation mark is not closed "
        'there, or the mapping states the wrong "separator".'
    ),
    gettext_noop(
        "%(file)s, line %(line)s: a NUL byte at byte %(byte)s. "
        "It is no text file, or UTF-16: export it again as UTF-8."
    ),
    gettext_noop(
        "%(file)s, line %(line)s: byte %(byte)s is not %(encoding)s. State the right `encoding` of "
        "the table “%(table)s” in the mapping (gb18030, big5, …), or convert the file to UTF-8."
    ),
    gettext_noop(
        "%(file)s, line %(line)s: a quotation mark opened here is never closed. "
        "Close it in the file, or double it if it belongs to the text."
    ),
    gettext_noop("The process ended before the load did. The next load took up from there."),
    # What an upload is refused for.
    gettext_noop("the column “%(column)s” holds characters that cannot be seen"),
    gettext_noop("the formula in column %(column)s has no result; open the file and save it"),
    gettext_noop("the cell in column %(column)s holds an error"),
    gettext_noop("the day in column %(column)s is none"),
    gettext_noop("the file has no columns"),
    gettext_noop("the file has %(count)s columns; at most %(most)s can be read"),
    gettext_noop("column %(number)s of the header line holds a value, not a name"),
    gettext_noop("column %(number)s has no name in the header line"),
    gettext_noop("the name of column %(number)s is longer than %(count)s characters"),
    gettext_noop("the name of column %(number)s holds characters that cannot be seen"),
    gettext_noop("columns %(one)s and %(other)s have the same name"),
    gettext_noop(
        "%(file)s is %(what)s, not a table. Open it in the program it comes from and save it as "
        "CSV UTF-8 or XLSX."
    ),
    gettext_noop(
        "%(file)s is a web page or XML, whatever it is called. Open it in a spreadsheet program and "
        "save it as XLSX."
    ),
    gettext_noop("%(file)s is UTF-16. Save it as CSV UTF-8."),
    gettext_noop(
        "%(file)s, line %(line)s: bytes that are no UTF-8, and no other encoding fits the file. "
        "Open it in the program it comes from and save it as CSV UTF-8 or XLSX."
    ),
    gettext_noop("%(file)s is no whole Parquet file. Fetch the file again from where it was made."),
    gettext_noop("%(file)s is no whole XLSX file. Open it and save it again as XLSX."),
    gettext_noop("%(file)s is no sound XLSX file. Open it and save it again as XLSX."),
    gettext_noop(
        "%(file)s is an archive, but no XLSX workbook. Open it and save it again as XLSX."
    ),
    gettext_noop("%(file)s is cut off or damaged. Fetch the file again."),
    gettext_noop("%(file)s has a password. Save it without one."),
    gettext_noop("%(file)s holds macros. Save it as XLSX, without macros."),
    gettext_noop("%(file)s unpacks to far more than a workbook holds. Save its rows as CSV."),
    gettext_noop(
        "%(file)s has merged cells (%(cells)s). Unmerge them, so that every row has its own values."
    ),
    gettext_noop(
        "%(file)s declares entities, as no spreadsheet program does. Open it and save it again as XLSX."
    ),
    gettext_noop(
        "%(file)s cannot be read within %(size)s MB of memory. Save its rows as CSV, or cut it into "
        "several files."
    ),
    gettext_noop(
        "%(file)s takes longer than %(seconds)s seconds to read. Cut it into several files."
    ),
    gettext_noop("%(file)s has more than %(count)s rows. Cut it into several files."),
    # What of an import could not be taken back.
    gettext_noop("another source knows this customer by now"),
    gettext_noop("somebody changed this customer since"),
    gettext_noop("something was recorded about this customer since"),
    gettext_noop("this customer was merged with another one since"),
    gettext_noop("somebody pinned a value of this record"),
    gettext_noop("somebody verified a value of this record"),
    gettext_noop("a later import changed this record"),
)
# What a file is that is no table (`wizard.sniffing.OTHERS`).
KINDS = (
    gettext_noop("an old XLS workbook or one with a password"),
    gettext_noop("a compressed file (GZIP)"),
    gettext_noop("an archive (7z)"),
    gettext_noop("an archive (RAR)"),
    gettext_noop("a compressed file (BZIP2)"),
    gettext_noop("a compressed file (XZ)"),
    gettext_noop("a compressed file (Zstandard)"),
    gettext_noop("a PDF document"),
    gettext_noop("a picture"),
    gettext_noop("a program"),
    gettext_noop("a database"),
    gettext_noop("an RTF document"),
)
PLACE = re.compile(r"%\\\((\w+)\\\)s")  # as re.escape leaves a placeholder


@cache
def _compiled() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (known, re.compile(PLACE.sub(r"(?P<\1>.+)", re.escape(known)), re.DOTALL))
        for known in (LEFT_OUT, *PATTERNS)
    )


def told(reason: str) -> str:
    """The reason, or the error a load ended with, in the language of the screen."""
    for known, pattern in _compiled():
        if found := pattern.fullmatch(reason):
            parts = found.groupdict()
            if what := parts.get("what"):
                parts["what"] = gettext(what)
            if "why" in parts:
                parts["why"] = told(parts["why"])
            if "forms" in parts:
                parts["forms"] = gettext(" or ").join(parts["forms"].split(" or "))
            return gettext(known) % parts
    return gettext(reason) if reason else ""
