"""No number of anybody reaches a log line, however it came there."""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.kernel.logs import ScrubbingFormatter, scrubbed

CANARIES = (
    "15403334485",
    "154 0333 4485",
    "154-0333-4485",
    "１５４０３３３４４８５",
    "+8615403334485",
    "297172194212159546",
    "29717219421215954X",
    "9000000000541673878",
    "u00006773@example.com",
    "2026-11-22 15403334485",
)


@pytest.mark.parametrize("canary", CANARIES)
def test_a_canary_is_gone_from_message_argument_and_traceback(canary: str) -> None:
    try:
        raise ValueError(f'invalid input syntax for type date: "{canary}"')
    except ValueError as error:
        record = logging.LogRecord(
            "x",
            logging.ERROR,
            "f",
            1,
            "row %s",
            (canary,),
            (ValueError, error, error.__traceback__),
        )
    line = ScrubbingFormatter("%(asctime)s %(message)s").format(record)
    assert canary not in line
    assert canary[-6:] not in line


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.text(max_size=20), st.text(max_size=20))
def test_a_mobile_between_any_words_that_do_not_touch_it(mobile: str, one: str, other: str) -> None:
    assert mobile not in scrubbed(f"{one} {mobile} {other}")


@given(st.uuids(), st.datetimes(timezones=st.just(UTC)), st.integers(0, 10**8))
def test_what_helps_to_find_a_fault_stays(id: uuid.UUID, at: datetime, count: int) -> None:
    line = f"{at:%Y-%m-%d %H:%M:%S} /customers/{id}/ {count} rows"
    assert scrubbed(line) == line
