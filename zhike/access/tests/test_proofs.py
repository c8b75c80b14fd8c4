"""What asks for a fresh proof: nothing is done before it, nothing that was typed is lost by it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from zhike.access import proofs, rules
from zhike.access.models import ApiToken
from zhike.access.tests.factories import PASSWORD, user
from zhike.access.tests.test_second_factor import code_of, enrolled
from zhike.access.tests.test_sign_in import sign_in
from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Appointment, Role, User

pytestmark = pytest.mark.django_db
TOKENS = "/me/tokens/"
TOKEN = {"name": "报表程序", "permissions": ["customers.view"], "days": "30"}
SEALED = re.compile(r'name="zhike-typed" value="([^"]+)"')


def age(client: Client, by: timedelta = rules.PROOF_LASTS + timedelta(seconds=2)) -> Client:
    """The client's session as it will be, without a proof for so long."""
    session = client.session
    session[proofs.PROVED] -= int(by.total_seconds())
    session.save()
    return client


def signed_in(who: User) -> Client:
    client = Client()
    sign_in(who.login, client=client)
    return client


def asked(client: Client, path: str, data: Any, **more: Any) -> tuple[Any, dict[str, Any]]:
    """The page that asks for a proof, and the fields it sends."""
    answer = client.post(path, data, content_type=URLENCODED, **more)
    text = answer.content.decode()
    return answer, {"zhike-typed": SEALED.findall(text)[0]} if SEALED.search(text) else {}


URLENCODED = "application/x-www-form-urlencoded"


def encoded(data: dict[str, Any]) -> str:
    from urllib.parse import urlencode

    return urlencode(data, doseq=True)


def test_a_fresh_sign_in_is_a_proof() -> None:
    client = age(signed_in(user(Role.CUSTOMER_MANAGER, password=PASSWORD)), timedelta(minutes=14))
    assert client.post(TOKENS, TOKEN).status_code == 201


def test_a_form_goes_on_as_it_was_typed() -> None:
    who = user(Role.CUSTOMER_MANAGER, password=PASSWORD)
    client = age(signed_in(who))
    page, fields = asked(client, TOKENS, encoded(TOKEN))
    assert page.status_code == 403
    assert not ApiToken.objects.exists()
    assert "报表程序" not in page.content.decode(), "what was typed is sealed"
    wrong = client.post(TOKENS, encoded({**fields, "zhike-proof": "guess"}), URLENCODED)
    assert wrong.status_code == 422
    assert SEALED.findall(wrong.content.decode()) == [fields["zhike-typed"]]
    assert not ApiToken.objects.exists()
    before = client.session.session_key
    done = client.post(TOKENS, encoded({**fields, "zhike-proof": PASSWORD}), URLENCODED)
    assert done.status_code == 201
    assert client.session.session_key != before
    made = ApiToken.objects.get()
    assert (made.user, made.name, made.permissions) == (who, "报表程序", ["customers.view"])
    # Good for a quarter of an hour.
    assert client.post(TOKENS, TOKEN).status_code == 201


def test_who_has_a_second_factor_proves_by_it() -> None:
    who, codes = enrolled(password=PASSWORD)
    client = signed_in(who)
    client.post("/sign-in/second/", {"code": codes[0]})
    _page, fields = asked(age(client), TOKENS, encoded(TOKEN))
    by_password = client.post(TOKENS, encoded({**fields, "zhike-proof": PASSWORD}), URLENCODED)
    assert by_password.status_code == 422
    by_code = client.post(TOKENS, encoded({**fields, "zhike-proof": code_of(who)}), URLENCODED)
    assert by_code.status_code == 201


def test_a_sealed_form_is_good_for_its_person_address_and_time_alone() -> None:
    one, other = (user(Role.CUSTOMER_MANAGER, password=PASSWORD) for _ in range(2))
    client, elsewhere = age(signed_in(one)), age(signed_in(other))
    _page, fields = asked(client, TOKENS, encoded(TOKEN))
    sent = encoded({**fields, "zhike-proof": PASSWORD})
    assert elsewhere.post(TOKENS, sent, URLENCODED).status_code == 422
    assert client.post("/me/second-factor/", sent, URLENCODED).status_code == 422
    broken = encoded({"zhike-typed": "AAAA", "zhike-proof": PASSWORD})
    assert client.post(TOKENS, broken, URLENCODED).status_code == 422
    with clock.stopped_at(clock.now() + rules.PROOF_LASTS + timedelta(minutes=1)):
        assert client.post(TOKENS, sent, URLENCODED).status_code == 422
    assert not ApiToken.objects.exists()


def test_a_form_from_another_site_proves_nothing() -> None:
    who = user(Role.CUSTOMER_MANAGER, password=PASSWORD)
    client = Client(enforce_csrf_checks=True)
    client.cookies = signed_in(who).cookies
    age(client)
    sent = encoded({"zhike-typed": "AAAA", "zhike-proof": PASSWORD})
    assert client.post(TOKENS, sent, URLENCODED).status_code == 403
    assert not AuditEntry.objects.filter(action="account.prove").exists()


def test_htmx_is_told_what_to_ask_for_and_sends_it_again() -> None:
    who = user(Role.CUSTOMER_MANAGER, password=PASSWORD)
    client = age(signed_in(who))
    htmx = {"HX-Request": "true"}
    told = client.post(TOKENS, TOKEN, headers=htmx)
    assert (told.status_code, told.headers["X-Zhike-Proof"]) == (403, "password")
    assert told.headers["HX-Reswap"] == "none"
    assert not ApiToken.objects.exists()
    wrong = client.post("/me/proof/", {"zhike-proof": "guess"}, headers=htmx)
    assert (wrong.status_code, PASSWORD in wrong.content.decode()) == (422, False)
    assert client.post("/me/proof/", {"zhike-proof": PASSWORD}, headers=htmx).status_code == 204
    client.post(TOKENS, TOKEN)
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize(
    ("next_page", "onward"),
    [
        ("/customers/export/?as=csv", "/customers/export/?as=csv"),
        ("https://elsewhere.example/", "/"),
    ],
)
def test_a_file_is_opened_after_the_proof(next_page: str, onward: str) -> None:
    client = age(signed_in(user(Role.BRANCH_HEAD, password=PASSWORD)))
    page = client.get("/customers/export/?as=csv")
    assert page.status_code == 403
    assert 'value="/customers/export/?as=csv"' in page.content.decode()
    assert not AuditEntry.objects.filter(action__startswith="export").exists()
    sent = {"zhike-proof": PASSWORD, "next": next_page}
    answer = client.post("/me/proof/", sent)
    assert (answer.status_code, answer.headers["Location"]) == (303, onward)
    assert client.get("/customers/export/?as=csv").status_code == 200


def test_seating_somebody_and_giving_a_login_ask_and_forget_no_field() -> None:
    who = user(Role.SYSTEM_ADMINISTRATOR, password=PASSWORD)
    newcomer = user().employee
    assert newcomer is not None
    client = age(signed_in(who))
    path = f"/organisation/people/{newcomer.public_id}/appoint/"
    seat = {
        "unit": str(newcomer.unit.public_id),
        "role": "teller",
        "title": "柜员",
        "since": "2026-01-01",
    }
    page, fields = asked(client, path, encoded(seat))
    assert (page.status_code, Appointment.objects.filter(employee=newcomer).count()) == (403, 0)
    done = client.post(path, encoded({**fields, "zhike-proof": PASSWORD}), URLENCODED)
    assert done.status_code == 303
    assert Appointment.objects.get(employee=newcomer).position.title == "柜员"
    login = f"/organisation/people/{newcomer.public_id}/login/"
    page, fields = asked(
        age(client), login, encoded({"login": "new", "password": "a-typed-passphrase"})
    )
    assert page.status_code == 403
    assert "a-typed-passphrase" not in page.content.decode()


def test_the_question_costs_nothing_while_the_proof_is_fresh(
    django_assert_max_num_queries: Any,
) -> None:
    client = signed_in(user(Role.CUSTOMER_MANAGER, password=PASSWORD))
    client.get("/me/")
    with django_assert_max_num_queries(7):
        assert client.get("/me/").status_code == 200


def test_no_proof_and_no_code_comes_into_a_log_an_address_or_the_trail(caplog: Any) -> None:
    who, codes = enrolled(password=PASSWORD)
    client = signed_in(who)
    client.post("/sign-in/second/", {"code": codes[0]})
    _page, fields = asked(age(client), TOKENS, encoded(TOKEN))
    for proof in (PASSWORD, codes[1]):
        answer = client.post(TOKENS, encoded({**fields, "zhike-proof": proof}), URLENCODED)
        assert proof not in answer.content.decode() + answer.headers.get("Location", "")
    trail = str(list(AuditEntry.objects.values()))
    for secret in (PASSWORD, *codes, *(code.replace("-", "") for code in codes)):
        assert secret not in trail
        assert secret not in caplog.text
