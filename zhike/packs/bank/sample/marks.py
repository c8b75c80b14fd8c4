"""What marks a sample person as invented: number ranges that nobody was ever given.

Every identifier of the sample institution lies in one of these ranges, so that no row can be mistaken for
a living person and the quality rules can tell sample data from real data that strayed in.
"""

from __future__ import annotations

import re
from typing import Final

# GB/T 2260 gives the provinces 11-15, 21-23, 31-37, 41-46, 50-54, 61-65, 71 and 81-83; 29 was never one of them.
ID_AREA_PREFIX: Final = "29"
# China's plan of mobile numbers leaves 154 to no operator; these tenths of it hold no range in use at all.
MOBILE_PREFIXES: Final = ("1540", "1542", "1545")
# No trunk code of the fixed network begins with 030.
PHONE_AREA_CODE: Final = "0300"
# ISO/IEC 7812: 9 is followed by a numeric country code of ISO 3166, and 000 is no country.
CARD_PREFIX: Final = "9000"
# RFC 2606 keeps example.com for documents.
EMAIL_DOMAIN: Final = "example.com"

_ID_FORM: Final = re.compile(rf"{ID_AREA_PREFIX}(\d{{13}}|\d{{15}}[\dXx])")
_FIRM_FORM: Final = re.compile(rf"91{ID_AREA_PREFIX}\d{{4}}[0-9A-Z]{{10}}")
_MOBILE_FORM: Final = re.compile(rf"({'|'.join(MOBILE_PREFIXES)})\d{{7}}")


def is_sample_id(id_no: str) -> bool:
    """Whether a number is a sample person's ID number (18 or 15 digits) or a sample firm's credit code.

    Takes the number as normalised (half-width digits, no spaces); the check digit is not looked at, since
    the sample holds wrong ones on purpose.
    """
    return bool(_ID_FORM.fullmatch(id_no) or _FIRM_FORM.fullmatch(id_no))


def is_sample_mobile(mobile: str) -> bool:
    """Whether a number is a sample mobile: eleven half-width digits in a range never assigned."""
    return bool(_MOBILE_FORM.fullmatch(mobile))
