"""A mask never reveals more than docs/access.md states, and the masks of one person add up to no number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.access import masks

VALUES = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), max_size=40)

# What a mask may leave of a value: characters from the front, characters from the end.
STATED: dict[str, tuple[Callable[[str], str], int, int]] = {
    "account": (masks.number, 0, 4),
    "card": (masks.number, 0, 4),
    "identity": (masks.identity, 1, 1),
    "mobile": (masks.phone, 3, 4),
    "phone": (masks.phone, 3, 4),
    "address": (masks.address, 3, 0),
    "wechat": (masks.handle, 1, 0),
    "name": (masks.name, 2, 0),
}


@pytest.mark.parametrize("kind", STATED)
@given(value=VALUES)
def test_a_mask_reveals_no_more_than_stated(kind: str, value: str) -> None:
    mask, front, end = STATED[kind]
    assert masks.MASKS[kind] is mask
    shown = mask(value)
    head, stars, tail = shown.partition("*")
    left = head, (stars + tail).rpartition("*")[2]
    assert value.startswith(left[0])
    assert value.endswith(left[1])
    assert len(left[0]) <= front
    assert len(left[1]) <= end
    assert set(shown) <= {*left[0], *left[1], "*"}
    # Something always stays hidden, and at least half of a number does.
    assert len(left[0]) + len(left[1]) < max(len(value), 1)
    if kind in {"account", "card"}:
        assert len(left[1]) * 2 <= len(value)


@given(name=VALUES, domain=st.from_regex(r"[a-z]{1,9}\.[a-z]{2,3}", fullmatch=True))
def test_an_address_of_mail_keeps_its_first_letter_and_domain(name: str, domain: str) -> None:
    name = "x" + name.replace("@", "")
    shown = masks.email(f"{name}@{domain}")
    local, _at, kept = shown.rpartition("@")
    assert kept == domain
    assert local == ("x***" if len(name) > 1 else "***")


@given(value=VALUES)
def test_what_is_no_address_of_mail_is_hidden_whole(value: str) -> None:
    value = value.replace("@", "")
    assert masks.email(value) == masks.email(f"@{value}") == "****"


@given(day=st.dates())
def test_of_a_birth_only_the_year_is_shown(day: date) -> None:
    assert masks.birth(day) == str(day.year)


AMOUNTS = st.decimals("-1e9", "1e12", places=2)


@given(amount=AMOUNTS, other=AMOUNTS)
def test_a_band_holds_its_amount_and_bands_do_not_overlap(amount: Decimal, other: Decimal) -> None:
    lower, upper = masks.band(amount)
    assert lower is None or lower <= amount
    assert upper is None or amount < upper
    if masks.band(other) != (lower, upper):
        assert (upper is not None and other >= upper) or (lower is not None and other < lower)


def check_digit(seventeen: str) -> str:
    """GB 11643-1999, ISO 7064 MOD 11-2."""
    weighted = sum(int(digit) * 2 ** (17 - at) for at, digit in enumerate(seventeen))
    return "10X98765432"[weighted % 11]


@pytest.mark.parametrize("sequence", ["001", "417", "998"])
def test_the_joint_mask_leaves_many_who_share_area_birth_and_sex(sequence: str) -> None:
    """Even who knows the county, the whole birth date and the sex is left with dozens of numbers.

    The habitual mask (first three, last four) leaves that person exactly one: the check digit tells.
    """
    area, born = "990101", "19800229"  # an area code never assigned
    number = area + born + sequence
    number += check_digit(number)
    others = [
        area + born + f"{each:03}" + check_digit(area + born + f"{each:03}")
        for each in range(int(sequence) % 2, 1000, 2)
    ]
    shown = masks.identity(number)
    assert len([each for each in others if masks.identity(each) == shown]) > 40
    habitual = [each for each in others if each[-4:] == number[-4:]]
    assert habitual == [number]
