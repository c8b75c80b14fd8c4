"""Which agreements a row tells of: by its number, in clear or as a file shows it, and by whose it is."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from zhike.customers.models import Party
from zhike.customers.tests import factories
from zhike.kernel import clock, crypto
from zhike.products.models import Agreement, Product
from zhike.products.tracing import recognised

pytestmark = pytest.mark.django_db
NUMBERS = ("6225880011112222", "6225880033332222", "6225880055554444")


@pytest.fixture
def loan() -> Product:
    return Product.objects.create(code="L.1", name="惠农贷", category="loan", side="asset")


def agreement(product: Product, party: Party, number: str) -> Agreement:
    made: Any = Agreement(
        public_id=uuid4(), party=party, product=product, unit=party.unit, source="t",
        source_key=number, opened_on=clock.today(),
        blind=crypto.blind_index("account", number), tail=crypto.tail_index("account", number),
    )  # fmt: skip
    made.sealed_number = crypto.encrypt(number, made.place)
    made.save()
    return made  # type: ignore[no-any-return]


def test_a_row_tells_by_number_and_owner(loan: Product) -> None:
    owners = [factories.person(name) for name in ("赵伟", "钱伟", "孙伟")]
    first, second, third = (
        agreement(loan, owner, number) for owner, number in zip(owners, NUMBERS, strict=True)
    )
    assert recognised(
        [
            [NUMBERS[0]],
            ["****2222"],
            ["****2222", "钱伟", "惠农贷"],
            ["孙伟"],
            ["惠农贷", "0000"],
        ]
    ) == [{first.pk}, {first.pk, second.pk}, {second.pk}, {third.pk}, set()]
