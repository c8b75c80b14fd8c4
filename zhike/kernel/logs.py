"""Log lines without anybody's numbers: the last wall before a file that many may read.

Code never logs a class C2 value on purpose; an error's own words may still quote one.
"""

from __future__ import annotations

import logging
import re

PATTERN = re.compile(
    r"(?P<kept>[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}(?::[0-9]{2}){1,2}(?![0-9]))"
    r"|(?P<email>[^\s@'\"=<(]+@[^\s@'\">)]+\.[a-zA-Z]{2,})"
    # Accounts, cards, identity numbers and mobiles, also with blanks, dashes or full-width digits.
    r"|(?P<number>(?<![0-9A-Za-z.])[0-9０-９](?:[ \-]?[0-9０-９]){9,18}[XxＸ]?(?![0-9A-Za-z]))"
)


def scrubbed(text: str) -> str:
    """The text without e-mail addresses and numbers of ten digits or more; public ids and times stay."""
    return PATTERN.sub(lambda found: found["kept"] or f"<{found.lastgroup}>", text)


class ScrubbingFormatter(logging.Formatter):
    """Scrubs the whole line, message, arguments and traceback alike."""

    def format(self, record: logging.LogRecord) -> str:
        return scrubbed(super().format(record))
