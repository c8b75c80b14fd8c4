"""Public sets of records with known truth, as plain columns and mapped to what the matcher compares.

None of them is Chinese, so names, addresses and dates are mapped here and not normalised.
"""

from __future__ import annotations

import csv
import datetime
import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from zhike.masterdata.matching.normalise import NORMAL

DATA = Path(__file__).parents[2] / "shared" / "data"
Row = dict[str, str | None]


@dataclass(frozen=True)
class PublicSet:
    """plain: records as published, with `record`; normalised: the same for the matcher; entity: whose each is."""

    plain: pa.Table
    normalised: pa.Table
    entity: npt.NDArray[np.int64]


def _rows(path: str, encoding: str = "utf-8") -> list[Row]:
    with gzip.open(DATA / path, "rt", encoding=encoding, newline="") as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        return [{k.strip(): (v or "").strip() or None for k, v in row.items()} for row in reader]


def _set(
    rows: list[Row], entity: list[str], mapped: Callable[[Row], dict[str, object]]
) -> PublicSet:
    columns = [{**mapped(row), "record": number} for number, row in enumerate(rows)]
    normalised = pa.table(
        {f.name: pa.array([c.get(f.name) for c in columns], f.type) for f in NORMAL}, schema=NORMAL
    )
    plain = pa.table(
        {"record": pa.array(range(len(rows)))}
        | {name: pa.array([row[name] for row in rows], pa.string()) for name in rows[0]}
    )
    return PublicSet(plain, normalised, np.unique(np.array(entity), return_inverse=True)[1])


def _joined(*parts: str | None) -> str | None:
    return " ".join(part for part in parts if part) or None


def _date(text: str | None, form: str) -> datetime.date | None:
    try:
        return datetime.datetime.strptime(text or "", form).date()  # noqa: DTZ007
    except ValueError:
        return None


def _person(surname: str | None, given: str | None) -> dict[str, object]:
    name = _joined(surname, given)
    return {"kind": "person", "name": name, "name_pinyin": name, "name_rotated": _joined(given, surname),
            "surname": surname, "given": given}  # fmt: skip


def febrl(number: int) -> PublicSet:
    """Invented Australians with errors (FEBRL 1 to 3)."""
    rows = _rows(f"er_febrl/febrl_dataset{number}.csv.gz")

    def mapped(row: Row) -> dict[str, object]:
        return {
            **_person(row["surname"], row["given_name"]),
            "birth_on": _date(row["date_of_birth"], "%Y%m%d"),
            "resident_id_raw": row["soc_sec_id"],
            "address_road": row["address_1"],
            "address_number": row["street_number"],
            "address_key": _joined(row["street_number"], row["address_1"]),
            "employer_core": row["suburb"],
        }

    return _set(rows, [str(row["rec_id"]).split("-")[1] for row in rows], mapped)


def historical() -> PublicSet:
    """50,000 records of people in Wikidata, with errors added."""
    rows = pq.read_table(
        DATA / "er_historical_50k/historical_figures_with_errors_50k.parquet"
    ).to_pylist()

    def mapped(row: Row) -> dict[str, object]:
        return {
            **_person(row["surname"], row["first_name"]),
            "sex": {"male": "M", "female": "F"}.get(row["gender"] or ""),
            "birth_on": _date(row["dob"], "%Y-%m-%d"),
            "address_key": row["postcode_fake"],
            "address_road": (row["postcode_fake"] or "").split(" ")[0] or None,
            "county": row["birth_place"],
            "employer_core": row["occupation"],
        }

    return _set(rows, [str(row["cluster"]) for row in rows], mapped)


def restaurants() -> PublicSet:
    """Fodor's and Zagat's restaurants."""
    rows = _rows("er_restaurants/fodors_zagats.csv.gz")

    def mapped(row: Row) -> dict[str, object]:
        address = row["addr"] or ""
        number = re.match(r"\d+", address)
        return {
            "kind": "organisation",
            "name": row["name"],
            "company_core": row["name"],
            "name_pinyin": row["name"],
            "company_place": row["city"],
            "phone": re.sub(r"\D", "", row["phone"] or "") or None,
            "address_key": row["addr"],
            "address_number": number and number[0],
            "address_road": re.sub(r"^\d+ (n|s|e|w)?\.? ?|\W.*", "", address) or None,
        }

    return _set(rows, [str(row["class"]) for row in rows], mapped)


def products() -> PublicSet:
    """Software at Amazon and at Google: products, which the matcher was not made for."""
    folder = "er_amazon_google"
    amazon = _rows(f"{folder}/Amazon.csv.gz", "latin-1")
    google = _rows(f"{folder}/GoogleProducts.csv.gz", "latin-1")
    for row in google:
        row["title"] = row.pop("name")
    rows = [
        {k: row[k] for k in ("id", "title", "manufacturer", "price")} for row in amazon + google
    ]
    entity = {str(row["id"]): str(row["id"]) for row in rows}
    for pair in _rows(f"{folder}/Amzon_GoogleProducts_perfectMapping.csv.gz"):
        one, other = entity[str(pair["idAmazon"])], entity[str(pair["idGoogleBase"])]
        entity.update({k: one for k, v in entity.items() if v == other})

    def mapped(row: Row) -> dict[str, object]:
        title = re.sub(r"[^a-z0-9 ]+", "", row["title"] or "") or None
        return {
            "kind": "organisation",
            "name": title,
            "company_core": title,
            "name_pinyin": title,
            "employer_core": row["manufacturer"],
        }

    return _set(rows, [entity[str(row["id"])] for row in rows], mapped)


SETS: dict[str, Callable[[], PublicSet]] = {
    "febrl_1": lambda: febrl(1),
    "febrl_2": lambda: febrl(2),
    "febrl_3": lambda: febrl(3),
    "historical_50k": historical,
    "restaurants": restaurants,
    "amazon_google": products,
}
