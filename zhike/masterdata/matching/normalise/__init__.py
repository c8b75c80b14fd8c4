"""Normal forms of what records say, so that equal things look equal. Versioned: a change of a form is a new VERSION.

`records` turns a table of raw records into one of normal forms; the functions behind it take one text and raise
`Implausible` for what cannot be.
"""

from zhike.masterdata.matching.normalise.addresses import Address, parse
from zhike.masterdata.matching.normalise.characters import Implausible, folded, simplified
from zhike.masterdata.matching.normalise.companies import Company, company_name
from zhike.masterdata.matching.normalise.documents import (
    credit_code,
    passport,
    resident_id,
    resident_id_facts,
)
from zhike.masterdata.matching.normalise.likeness import grade, same_place, similarity
from zhike.masterdata.matching.normalise.names import Name, person_name, pinyin
from zhike.masterdata.matching.normalise.ranges import ASSIGNED, Ranges
from zhike.masterdata.matching.normalise.reach import email, mobile, phone, phone_facts
from zhike.masterdata.matching.normalise.table import NORMAL, RAW, records

VERSION = 3

__all__ = [
    "ASSIGNED", "NORMAL", "RAW", "VERSION", "Address", "Company", "Implausible", "Name", "Ranges",
    "company_name", "credit_code", "email", "folded", "grade", "mobile", "parse", "passport", "person_name",
    "phone", "phone_facts", "pinyin", "records", "resident_id", "resident_id_facts", "same_place",
    "similarity", "simplified",
]  # fmt: skip
