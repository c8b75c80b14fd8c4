"""The clean text of one chunk's customers, which each system then writes in its own words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zhike.packs.bank.sample import words
from zhike.packs.bank.sample.columns import (
    NO_DAY,
    Column,
    Mask,
    dates,
    join,
    keep,
    number_text,
    pick,
)
from zhike.packs.bank.sample.identifiers import firm_ids, mobiles, person_ids
from zhike.packs.bank.sample.institution import Institution
from zhike.packs.bank.sample.marks import EMAIL_DOMAIN, PHONE_AREA_CODE
from zhike.packs.bank.sample.people import FARMER, FIRM, LIVES, STUDENT, People, names
from zhike.packs.bank.sample.plan import Plan


@dataclass(frozen=True)
class Profiles:
    """String columns, one row per entity of the chunk; null where nobody ever said."""

    name: Column
    id_no: Column
    sex: Column
    birth: Column
    mobile: Column
    old_mobile: Column
    phone: Column
    email: Column
    address: Column
    city_address: Column
    occupation: Column
    industry: Column
    education: Column
    marital: Column


def describe(plan: Plan, bank: Institution, people: People, chunk: int) -> Profiles:
    """Write out one chunk's entities."""
    rng = plan.random(chunk, 7)
    total = len(people.entity)
    firm = people.is_firm
    ids = person_ids(people.entity, people.birth, people.female, plan.offsets["id"])
    ids = pc.if_else(pa.array(firm), firm_ids(people.entity, plan.offsets["firm"]), ids)
    has_mobile = rng.random(total) > np.where(people.birth < plan.today - 27_000, 0.3, 0.03)
    has_phone = rng.random(total) < np.where(firm, 0.6, 0.08)
    phone = join(
        f"{PHONE_AREA_CODE}-", number_text(2_000_000 + rng.integers(0, 6_000_000, total), 7)
    )
    has_email = rng.random(total) < np.where(firm, 0.5, 0.15)
    email = join("u", number_text(people.entity, 8), f"@{EMAIL_DOMAIN}")
    county_address, city_address = _addresses(rng, bank, people)
    education = np.where(firm | (rng.random(total) < 0.25), -1, rng.integers(0, 7, total))
    education = np.where((people.life == STUDENT) & (education >= 0), 1 + education % 5, education)
    older = people.birth < plan.today - 9_500
    paired = np.bincount(people.household, minlength=total)[people.household] > 1
    marital = np.where(older & paired, 1, np.where(older, rng.choice([0, 1, 2, 3], total), 0))
    marital = np.where(firm | (rng.random(total) < 0.1), -1, marital)
    return Profiles(
        name=names(people),
        id_no=ids,
        sex=pick(("M", "F"), np.where(firm, -1, people.female)),
        birth=dates(np.where(firm, NO_DAY, people.birth)).cast(pa.string()),
        mobile=keep(mobiles(people.entity, 0, plan.offsets["mobile"]), has_mobile),
        old_mobile=mobiles(people.entity, 1, plan.offsets["mobile"]),
        phone=keep(phone, has_phone),
        email=keep(email, has_email),
        address=county_address,
        city_address=city_address,
        occupation=_occupations(rng, people),
        industry=_industries(rng, people, firm),
        education=pick(words.EDUCATION, education),
        marital=pick(words.MARITAL, marital),
    )


def _addresses(
    rng: np.random.Generator, bank: Institution, people: People
) -> tuple[Column, Column]:
    """Addresses with the city in front, and as the card system has them; one for each household."""
    total = len(people.entity)
    home = people.household
    county = pick(words.COUNTIES, bank.outlet_county[people.outlet])
    town = pick(words.TOWNS, rng.integers(0, len(words.TOWNS), total)[home])
    village = pick(words.VILLAGES, rng.integers(0, len(words.VILLAGES), total)[home])
    road = pick(words.ROADS, rng.integers(0, len(words.ROADS), total)[home])
    texts = pa.array([str(n) for n in range(400)])
    number = pick(texts, rng.integers(1, 400, total)[home])
    unit = pick(texts, rng.integers(1, 30, total)[home])
    room = pick(texts, (rng.integers(1, 4, total) * 100 + rng.integers(1, 5, total) - 1)[home])
    rural = (rng.random(total)[home] < 0.55) | (people.life == FARMER)
    rural &= ~people.is_firm
    country = join(county, "县", town, "镇", village, "村", number, "号")
    urban = join(county, "县", road, number, "号", unit, "幢", room, "室")
    place = pc.if_else(pa.array(rural), country, urban)
    return join(words.CITY, place), place


def _occupations(rng: np.random.Generator, people: People) -> Column:
    flat: list[str] = []
    start = np.zeros(len(LIVES), dtype=np.int64)
    length = np.ones(len(LIVES), dtype=np.int64)
    for life, name in enumerate(LIVES[:FIRM]):
        start[life], length[life] = len(flat), len(words.OCCUPATIONS[name])
        flat += words.OCCUPATIONS[name]
    index = start[people.life] + (rng.random(len(people.life)) * length[people.life]).astype(
        np.int64
    )
    return pick(flat, np.where(people.is_firm | (rng.random(len(index)) < 0.12), -1, index))


def _industries(rng: np.random.Generator, people: People, firm: Mask) -> Column:
    trades = [industry for _, industry in words.TRADES]
    index = rng.integers(0, len(words.INDUSTRIES), len(firm))
    person = pick(words.INDUSTRIES, np.where(rng.random(len(firm)) < 0.4, -1, index))
    return pc.if_else(pa.array(firm), pick(trades, people.trade), person)
