from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from zhike.ui import format

amounts = st.decimals(min_value=-(10**15), max_value=10**15, places=2)
# From 1992 on: before, China had summer time.
instants = st.integers(700_000_000, 2_500_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))
SCALES = {
    "": 1, "万": 10**4, "亿": 10**8, "万亿": 10**12, "萬": 10**4, "億": 10**8, "兆": 10**12,
    "M": 10**6, "B": 10**9, "T": 10**12,
}  # fmt: skip
LANGUAGES = st.sampled_from(["zh-hans", "zh-hant", "en"])


def read_back(short: str) -> tuple[Decimal, int]:
    found = re.fullmatch(r"(-?[\d,]+\.\d\d)(\D*)", short)
    assert found, short
    return Decimal(found[1].replace(",", "")), SCALES[found[2]]


@given(amounts, LANGUAGES)
def test_short_money_is_off_by_half_a_last_place_at_most(amount: Decimal, language: str) -> None:
    figure, scale = read_back(format.money_short(amount, language))
    assert abs(figure * scale - amount) <= Decimal("0.005") * scale


@given(amounts, st.sampled_from(["zh-hans", "zh-hant"]))
def test_short_money_stands_in_the_largest_scale_that_fits(amount: Decimal, language: str) -> None:
    figure, scale = read_back(format.money_short(amount, language))
    assert scale == 10**12 or abs(figure) < 10**4
    assert scale == 1 or abs(figure) >= 1


@given(amounts, amounts, LANGUAGES)
def test_short_money_keeps_the_order(one: Decimal, other: Decimal, language: str) -> None:
    low, high = sorted((one, other))
    shown_low, scale_low = read_back(format.money_short(low, language))
    shown_high, scale_high = read_back(format.money_short(high, language))
    assert shown_low * scale_low <= shown_high * scale_high


@given(amounts)
def test_exact_money_loses_nothing(amount: Decimal) -> None:
    assert Decimal(format.money_exact(amount).replace(",", "")) == amount


@pytest.mark.parametrize(
    ("amount", "currency", "language", "shown"),
    [
        ("8888", "CNY", "zh-hans", "8,888.00元"),
        ("99999999", "CNY", "zh-hans", "1.00亿元"),
        ("9999.995", "CNY", "zh-hans", "1.00万元"),
        ("1234560", "CNY", "zh-hant", "123.46萬元"),
        ("-1234560", "CNY", "en", "-¥1.23M"),
        ("12345", "CNY", "en", "¥12,345.00"),
        ("1234560", "USD", "zh-hans", "USD 123.46万"),
        ("5e12", "CNY", "zh-hans", "5.00万亿元"),
    ],
)
def test_money_in_running_text(amount: str, currency: str, language: str, shown: str) -> None:
    assert format.money_text(Decimal(amount), currency, language) == shown


def test_money_in_full_says_its_currency_as_the_short_form_does() -> None:
    amount = Decimal("-1234567.89")
    assert format.money_in_full(amount) == "-1,234,567.89元"
    assert format.money_in_full(amount, language="en") == "-¥1,234,567.89"
    assert format.money_in_full(amount, "USD") == "USD -1,234,567.89"


@given(st.decimals(min_value=-100, max_value=100, places=6))
def test_percent_is_half_up_and_never_minus_zero(share: Decimal) -> None:
    shown = Decimal(format.percent(share).rstrip("%").replace(",", ""))
    assert abs(shown - share * 100) <= Decimal("0.05")
    assert "-0.0%" not in format.percent(share)


def test_percent_rounds_halves_away_from_zero() -> None:
    assert format.percent(Decimal("0.1225")) == "12.3%"
    assert format.percent(0.1225, 1) == "12.3%"


@given(instants)
def test_dates_are_of_the_business_zone(instant: datetime) -> None:
    shanghai = instant + timedelta(hours=8)
    assert format.iso_date(instant) == shanghai.date().isoformat()
    assert format.iso_minute(instant) == shanghai.strftime("%Y-%m-%d %H:%M")


@given(instants, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4000)))
def test_age_never_overstates(now: datetime, since: timedelta) -> None:
    with translation.override("en"):
        shown = format.age(now - since, now)
    found = re.fullmatch(r"(\d+) (minute|hour|day|month|year)s? ago", shown)
    units = {"minute": 60, "hour": 3600, "day": 86400, "month": 30 * 86400, "year": 365 * 86400}
    if found is None:
        assert shown in {"just now", "yesterday"}
        assert since < timedelta(days=2)
    else:
        # A day begins at midnight, so that a day ago may be anything up to a day less.
        told = int(found[1]) * units[found[2]]
        slack = 0 if found[2] in {"minute", "hour"} else 86400
        assert told - slack <= since.total_seconds() < told + units[found[2]] + slack


def test_age_of_coming_days() -> None:
    now = datetime(2026, 11, 22, 4, tzinfo=UTC)
    with translation.override("en"):
        assert format.age(date(2026, 11, 22), now) == "today"
        assert format.age(date(2026, 11, 23), now) == "tomorrow"
        assert format.age(date(2026, 12, 2), now) == "in 10 days"
        assert format.age(now + timedelta(minutes=3), now) == "today"


def test_nothing_is_a_dash() -> None:
    assert format.money_short(None) == format.iso_date(None) == format.percent(None) == "—"
