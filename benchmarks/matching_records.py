"""Records of the sample institution's people as several systems would hold them, with the truth beside them.

People, families, firms, names, numbers and addresses are the sample's own (zhike.packs.bank.sample); here each is
written down once or several times, each time with dirt of its own. `missing` scales how many fields are empty: at 1
half the numbers, a third of the addresses, three tenths of the mobiles.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from zhike.masterdata.matching import clusters, engine, scoring
from zhike.masterdata.matching.comparing import SCHEMES
from zhike.masterdata.matching.normalise import Ranges
from zhike.packs.bank.sample import dirt as soil
from zhike.packs.bank.sample import institution, marks, words
from zhike.packs.bank.sample.columns import keep, pick
from zhike.packs.bank.sample.people import settle
from zhike.packs.bank.sample.plan import Plan
from zhike.packs.bank.sample.profiles import describe

Column = Any
Ints = npt.NDArray[np.int64]

RANGES = Ranges((marks.ID_AREA_PREFIX,), marks.MOBILE_PREFIXES, (marks.PHONE_AREA_CODE,))
TIMES = (0.5, 0.3, 0.13, 0.05, 0.02)  # share of people written down once, twice, ...
MISSING = {
    "resident_id": 0.5, "credit_code": 0.5, "birth_on": 0.5, "sex": 0.3, "mobile": 0.3, "phone": 0.4,
    "email": 0.4, "address": 0.33, "employer": 0.6,
}  # fmt: skip
STALE = {"mobile": 0.06, "address": 0.04, "employer": 0.05}
# Characters that sound alike, both of them in use in names.
HOMOPHONES = str.maketrans(
    "伟丽娜静敏艳娟芳霞燕玲红梅婷慧建国军华明德志文涛杰",
    "玮莉那靖闽燕鹃方侠艳铃虹玫亭惠健果君桦鸣得智雯韬捷",
)


@dataclass(frozen=True)
class Records:
    """Raw records as `normalise.records` takes them, and whose each is."""

    raw: pa.Table
    entity: Ints


def make(records: int, *, seed: int, missing: float) -> Records:
    """About `records` records (whole people), in random order."""
    average = sum(n * share for n, share in enumerate(TIMES, start=1))
    plan = Plan(max(1_000, round(records / average / 1.06)), seed, datetime.date(2025, 11, 22), 1)
    bank = institution.found(plan)
    parts = [_chunk(plan, bank, chunk, missing) for chunk in range(plan.chunks)]
    raw = pa.concat_tables([part.raw for part in parts])
    entity = np.concatenate([part.entity for part in parts])
    order = np.random.default_rng(seed).permutation(len(entity))
    table = raw.take(pa.array(order)).combine_chunks()
    return Records(table.add_column(0, "record", pa.array(np.arange(len(order)))), entity[order])


def _chunk(plan: Plan, bank: institution.Institution, chunk: int, missing: float) -> Records:
    people = settle(plan, bank, chunk)
    clean = describe(plan, bank, people, chunk)
    rng = plan.random(chunk, 99)
    times = rng.choice(len(TIMES), len(people.entity), p=TIMES) + 1
    of = np.repeat(np.arange(len(people.entity)), times)
    firm = people.is_firm[of]
    rows = len(of)

    def hit(share: float) -> Ints:
        return np.flatnonzero(rng.random(rows) < share)

    def some(share: float) -> Column:
        return pa.array(rng.random(rows) < share)

    name = clean.name.take(of)
    name = soil.traditional(name, hit(0.012))
    name = soil.patch(
        name, alike := hit(0.01), [t.translate(HOMOPHONES) for t in name.take(alike).to_pylist()]
    )
    name = soil.patch(
        name, turned := hit(0.003), [t[1:] + t[0] for t in name.take(turned).to_pylist()]
    )
    titled = np.flatnonzero((rng.random(rows) < 0.005) & ~firm)
    name = soil.patch(name, titled, [t[0] + "先生" for t in name.take(titled).to_pylist()])
    name = soil.spaced(name, hit(0.01))
    short = np.flatnonzero((rng.random(rows) < 0.25) & firm)
    name = soil.patch(
        name, short, [_short(t, n) for n, t in enumerate(name.take(short).to_pylist())]
    )

    number = clean.id_no.take(of)
    number = soil.wrong_checks(number, hit(0.004))
    number = soil.patch(
        number, typo := hit(0.005), [_typo(t, rng) for t in number.take(typo).to_pylist()]
    )
    number = soil.old_ids(
        number, np.flatnonzero((rng.random(rows) < 0.015) & ~firm & (people.birth[of] < 5_000))
    )
    mobile = pc.if_else(some(STALE["mobile"]), clean.old_mobile.take(of), clean.mobile.take(of))
    mobile = soil.patch(
        mobile, typo := hit(0.005), [_typo(t, rng) for t in mobile.take(typo).to_pylist()]
    )
    wide = hit(0.01)
    number, mobile = soil.full_width(number, wide[::2]), soil.full_width(mobile, wide[1::2])
    mobile, phone = soil.exchanged(mobile, clean.phone.take(of), hit(0.002))

    elsewhere = pc.if_else(some(STALE["address"]), pa.array(rng.permutation(of)), pa.array(of))
    address = pc.if_else(
        some(0.5), clean.address.take(elsewhere), clean.city_address.take(elsewhere)
    )
    work = np.where(firm, people.owner[of], people.employer[of])
    work = np.where(
        (rng.random(rows) < STALE["employer"]) & (work >= 0), rng.permutation(work), work
    )
    columns = {
        "kind": pick(("person", "organisation"), firm.astype(np.int64)),
        "name": name,
        "sex": clean.sex.take(of),
        "birth_on": clean.birth.take(of).cast(pa.date32()),
        "resident_id": keep(number, ~firm),
        "passport": pa.nulls(rows, pa.string()),
        "credit_code": keep(number, firm),
        "mobile": mobile,
        "phone": phone,
        "email": clean.email.take(of),
        "address": address,
        "employer": pick(clean.name, work),
    }
    for column, share in MISSING.items():
        columns[column] = keep(columns[column], rng.random(rows) >= share * missing)
    return Records(pa.table(columns), people.entity[of])


def _short(name: str, number: int) -> str:
    """A firm's name as people say it: without its county, or without its form."""
    if number % 2:
        return next((name[len(c) :] for c in words.COUNTIES if name.startswith(c)), name)
    return next((name[: -len(f)] for f in words.FIRM_FORMS if name.endswith(f)), name)


def _typo(number: str | None, rng: np.random.Generator) -> str | None:
    if number is None:
        return None
    place = int(rng.integers(0, len(number)))
    return number[:place] + str((ord(number[place]) + 3) % 10) + number[place + 1 :]


def told_apart_from_name(normalised: pa.Table, entity: Ints) -> tuple[float, Ints]:
    """Share of true pairs in which anything compared but name and sex agrees, however little; and the clusters of
    whoever joins every one of those pairs and not one false: what can be reached without joining by names alone."""
    order = np.argsort(entity, kind="stable")
    ordered = entity[order]
    steps = range(1, int(np.bincount(entity - entity.min()).max()))
    same = {step: np.flatnonzero(ordered[:-step] == ordered[step:]) for step in steps}
    left = np.concatenate([order[rows] for rows in same.values()])
    right = np.concatenate([order[rows + step] for step, rows in same.items()])
    agree = np.zeros(len(left), bool)
    for kind, records in engine.apart(normalised).items():
        place = np.full(len(entity), -1)
        place[records["record"].to_numpy()] = np.arange(len(records))
        mine = np.flatnonzero(place[left] >= 0)  # both are of one kind
        with engine.database() as con:
            levels = scoring.gammas(
                con, SCHEMES[kind], records, place[left[mine]], place[right[mine]]
            )
        told = [met > 0 for name, met in levels.items() if name not in ("name", "sex")]
        agree[mine] = np.any(told, axis=0)
    return float(agree.mean()), clusters.components(len(entity), left[agree], right[agree])


def direct_evidence(normalised: pa.Table, entity: Ints) -> float:
    """Share of true pairs that agree on number, mobile, or name and address or employer."""
    frame = normalised.select(["record", "resident_id_raw", "credit_code", "mobile", "name_pinyin", "company_core",
                               "address_key", "employer_core"])  # fmt: skip
    frame = frame.append_column("entity", pa.array(entity))
    with duckdb.connect() as con:
        con.register("frame", frame)
        row = con.execute("""
            select avg((coalesce(l.resident_id_raw = r.resident_id_raw, false)
                or coalesce(l.credit_code = r.credit_code, false) or coalesce(l.mobile = r.mobile, false)
                or coalesce(coalesce(l.name_pinyin, l.company_core) = coalesce(r.name_pinyin, r.company_core)
                    and (coalesce(l.address_key = r.address_key, false)
                         or coalesce(l.employer_core = r.employer_core, false)), false))::int)
            from frame l join frame r using (entity) where l.record < r.record""").fetchall()[0]
    return float(row[0])
