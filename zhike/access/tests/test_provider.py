"""Signing in at a provider of identity: what proves who somebody is, what does not, and signing out of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from django.test import Client

from zhike.access import provider as ours
from zhike.access.models import Identity
from zhike.access.queries import actor_for
from zhike.access.services import make_group_seat
from zhike.access.tests import identity_provider
from zhike.access.tests.factories import PASSWORD, SYSTEM, unit, user
from zhike.access.tests.identity_provider import CLIENT, Claims, Provider
from zhike.access.tests.test_passkeys import enrolled
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Employee, Role, User
from zhike.organisation.services import hire

pytestmark = pytest.mark.django_db
THERE, BACK = "/sign-in/provider/", "/sign-in/provider/back/"
ORIGIN = "https://crm.example"


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    with identity_provider.running() as provider:
        yield provider


@pytest.fixture
def there(server: Provider, settings: Any, tmp_path: Any) -> Provider:
    settings.ZHIKE_ORIGIN = ORIGIN
    settings.ZHIKE_OIDC = identity_provider.settings_of(server, tmp_path)
    server.claims = {"sub": "s-1", "preferred_username": "li", "employee_number": "P1"}
    server.lie, server.sign, server.told = lambda claims: None, None, {}
    server.keys = [identity_provider.public(server.key, "one")]
    ours._remembered.clear()
    return server


def employee(code: str = "P1") -> Employee:
    return hire(actor=SYSTEM, code=code, name=f"员工{code}", unit=unit())


def sent(client: Client, there: Provider, query: str = "") -> str:
    """The path that the provider sends the browser back to."""
    answer = client.get(f"{THERE}{query}")
    assert answer.status_code == 302
    address = answer.headers["Location"]
    assert address.startswith(f"{there.issuer}/authorize?")
    back = there.authorise(address)
    assert back.startswith(f"{ORIGIN}{BACK}?")
    return back.removeprefix(ORIGIN)


def arrive(there: Provider, client: Client | None = None, query: str = "") -> Any:
    client = client or Client()
    return client.get(sent(client, there, query))


def is_in(client: Client) -> bool:
    return bool(client.get("/me/").status_code == 200)


def test_the_first_sign_in_makes_the_login_of_an_employee_who_is_here(there: Provider) -> None:
    who, client = employee(), Client()
    answer = arrive(there, client, "?next=/me/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/me/")
    assert is_in(client)
    made = User.objects.get(employee=who)
    assert (made.login, made.has_usable_password()) == ("li", False)
    assert "second_factor" not in client.session
    assert AuditEntry.objects.filter(action="sign_in", outcome="done").count() == 1
    assert arrive(there).status_code == 302
    assert Identity.objects.count() == 1
    assert "eyJ" not in str(client.session.items()), "the ID token is sealed"


def test_the_way_in_is_on_the_sign_in_page_only_where_there_is_one(
    there: Provider, settings: Any
) -> None:
    assert THERE in Client().get("/sign-in/?next=/me/").content.decode()
    settings.ZHIKE_OIDC = {**settings.ZHIKE_OIDC, "issuer": ""}
    assert THERE not in Client().get("/sign-in/").content.decode()
    assert Client().get(THERE).status_code == Client().get(BACK).status_code == 404


def test_where_one_wanted_to_go_is_ours(there: Provider) -> None:
    employee()
    answer = arrive(there, query="?next=https://evil.example/")
    assert answer.headers["Location"] == "/"


def test_what_is_asked_is_new_each_time_and_hides_the_verifier(there: Provider) -> None:
    client = Client()
    asked = []
    for _ in range(2):
        sent(client, there)
        asked.append(there.asked)
        assert client.session["provider"]["verifier"] not in str(there.asked)
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]


def _set(**changes: Any) -> Callable[[Claims], None]:
    def lie(claims: Claims) -> None:
        claims.update(changes)
        for name in [name for name, value in changes.items() if value is None]:
            del claims[name]

    return lie


NOW = int(time())
LIES: dict[str, Callable[[Claims], None]] = {
    "another nonce": _set(nonce="another"),
    "an empty nonce": _set(nonce=""),
    "no nonce": _set(nonce=None),
    "another audience": _set(aud="another"),
    "another audience in a list": _set(aud=["another"]),
    "no audience": _set(aud=None),
    "two audiences and no party": _set(aud=[CLIENT, "another"]),
    "made for another party": _set(aud=[CLIENT, "another"], azp="another"),
    "another party alone": _set(azp="another"),
    "another issuer": _set(iss="https://evil.example"),
    "an issuer that begins the same": lambda claims: claims.update(iss=claims["iss"] + "/x"),
    "no issuer": _set(iss=None),
    "expired": _set(exp=NOW - 120, iat=NOW - 240),
    "no end": _set(exp=None),
    "an end in words": _set(exp="tomorrow"),
    "not valid yet": _set(nbf=NOW + 3600),
    "made tomorrow": _set(iat=NOW + 86_400),
    "made long ago": _set(iat=NOW - 7200),
    "no time": _set(iat=None),
    "no subject": _set(sub=None),
    "an empty number": _set(employee_number=""),
    "nobody's number": _set(employee_number="nobody"),
    "no number": _set(employee_number=None),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_token_that_says_something_else_opens_nothing(
    there: Provider, lie: Callable[[Claims], None]
) -> None:
    who, client = employee(), Client()
    there.lie = lie
    assert arrive(there, client).status_code == 422
    assert not is_in(client)
    assert not User.objects.filter(employee=who).exists()
    assert AuditEntry.objects.filter(action="sign_in", outcome="refused").count() == 1


def _signed_otherwise(there: Provider) -> dict[str, Callable[[Claims], str]]:
    other = identity_provider.new_key()
    public = there.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    def unsigned(claims: Claims) -> str:
        return jwt.encode(claims, None, "none", {"kid": "one"})  # type: ignore[arg-type]

    def confused(claims: Claims) -> str:
        # HMAC by the published key, which everybody has.
        import base64
        import hashlib
        import hmac
        import json

        parts = [
            base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=")
            for each in ({"alg": "HS256", "typ": "JWT", "kid": "one"}, claims)
        ]
        mac = hmac.new(public, b".".join(parts), hashlib.sha256).digest()
        return b".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()

    def with_own_key(claims: Claims) -> str:
        header = {"kid": "one", "jwk": identity_provider.public(other, "one")}
        return jwt.encode(claims, other, "RS256", header)

    def cut(claims: Claims) -> str:
        return jwt.encode(claims, there.key, "RS256", {"kid": "one"}).rpartition(".")[0] + "."

    return {
        "none": unsigned,
        "by a published key as a secret": confused,
        "by another key": lambda claims: jwt.encode(claims, other, "RS256", {"kid": "one"}),
        "by another key of another name": lambda claims: jwt.encode(
            claims, other, "RS256", {"kid": "two"}
        ),
        "by a key it brings along": with_own_key,
        "by the client's secret": lambda claims: jwt.encode(
            claims, "the-client-secret".ljust(32, "."), "HS256", {"kid": "one"}
        ),
        "cut off": cut,
        "no token": lambda claims: "nonsense",
        "nothing": lambda claims: "",
    }


def test_a_token_that_the_provider_did_not_sign_opens_nothing(there: Provider) -> None:
    who = employee()
    for name, sign in _signed_otherwise(there).items():
        client = Client()
        there.sign = sign
        assert (name, arrive(there, client).status_code) == (name, 422)
        assert not is_in(client)
    assert not User.objects.filter(employee=who).exists()
    there.sign = None
    assert arrive(there).status_code == 302


def test_a_new_key_of_the_provider_is_looked_for(there: Provider, monkeypatch: Any) -> None:
    employee()
    assert arrive(there).status_code == 302
    newer = identity_provider.new_key()
    there.keys.append(identity_provider.public(newer, "two"))
    there.sign = lambda claims: jwt.encode(claims, newer, "RS256", {"kid": "two"})
    assert arrive(there).status_code == 422, "not oftener than once a minute"
    monkeypatch.setattr(ours, "KEYS_SECONDS", -1)
    assert arrive(there).status_code == 302


def test_what_comes_back_by_the_browser_is_bound_to_who_was_sent(there: Provider) -> None:
    employee()
    client, thief = Client(), Client()
    back = sent(client, there)
    query = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    assert thief.get(back).status_code == 422, "nobody was sent from that session"
    sent(thief, there)
    assert thief.get(back).status_code == 422, "another's state"
    for wrong in ({"state": "x"}, {"state": ""}, {"iss": "https://evil.example"}, {"code": ""}):
        client = Client()
        sent(client, there)
        changed = {**query, "state": client.session["provider"]["state"], **wrong}
        assert client.get(f"{BACK}?{urlencode(changed)}").status_code == 422
        assert not is_in(client)


def test_a_code_opens_once(there: Provider) -> None:
    employee()
    client = Client()
    back = sent(client, there)
    kept = client.session["provider"]
    assert client.get(back).status_code == 302
    again = Client()
    assert again.get(back).status_code == 422
    # With a copy of the session too: the provider takes no code twice.
    session = again.session
    session["provider"] = kept
    session.save()
    assert again.get(back).status_code == 422
    assert not is_in(again)


def test_a_code_without_its_verifier_is_worth_nothing(there: Provider) -> None:
    employee()
    client = Client()
    back = sent(client, there)
    session = client.session
    session["provider"] = {**session["provider"], "verifier": "another"}
    session.save()
    assert client.get(back).status_code == 422


@pytest.mark.parametrize(
    "told",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "http://169.254.169.254/"},
        {"jwks_uri": None},
    ],
)
def test_a_provider_that_says_something_odd_is_not_called(there: Provider, told: Claims) -> None:
    there.told = told
    assert Client().get(THERE).status_code == 503


def test_no_redirect_is_followed(there: Provider) -> None:
    employee()
    there.told = {"jwks_uri": f"{there.issuer}/moved"}
    assert arrive(there).status_code == 503


def test_without_the_provider_accounts_of_this_site_open(there: Provider, settings: Any) -> None:
    local = user(Role.TELLER, password=PASSWORD)
    settings.ZHIKE_OIDC = {**settings.ZHIKE_OIDC, "issuer": "http://127.0.0.1:1"}
    answer = Client().get(THERE)
    assert answer.status_code == 503
    assert "没有应答" in answer.content.decode()
    client = Client()
    signed = client.post("/sign-in/", {"login": local.login, "password": PASSWORD})
    assert signed.status_code == 302


def test_positions_come_with_groups_and_end_with_them(there: Provider) -> None:
    who = employee()
    maker = actor_for(user(Role.SECURITY_ADMINISTRATOR))
    make_group_seat(actor=maker, group="crm-tellers", unit=None, role=Role.TELLER, title="柜员")
    there.claims["groups"] = ["crm-tellers", 7]
    arrive(there)
    made = User.objects.get(employee=who)
    assert actor_for(made).roles == {Role.TELLER}
    there.claims["groups"] = "crm-tellers"
    arrive(there)
    assert actor_for(made).roles == set()


def test_a_subject_of_two_providers_is_two_people(there: Provider, settings: Any) -> None:
    employee()
    other = user(Role.TELLER)
    Identity.objects.create(user=other, source="oidc https://other.example", subject="s-1")
    client = Client()
    arrive(there, client)
    assert client.get("/me/").context["user"] != other
    Identity.objects.filter(user=other).update(source=ours.source(), subject="s-2")
    there.claims["sub"] = "s-2"
    assert arrive(there).status_code == 422, "the number is another's than the last time"


def test_a_closed_account_and_who_left_stay_out(there: Provider) -> None:
    who = employee()
    arrive(there)
    User.objects.filter(employee=who).update(is_active=False)
    assert arrive(there).status_code == 422
    User.objects.filter(employee=who).update(is_active=True)
    Employee.objects.filter(pk=who.pk).update(left_on="2026-01-01")
    assert arrive(there).status_code == 422


def test_the_second_factor_of_this_site_is_asked_unless_one_was_shown_there(
    there: Provider,
) -> None:
    who = employee()
    client = Client()
    arrive(there, client)
    made = User.objects.get(employee=who)
    maker = actor_for(user(Role.SECURITY_ADMINISTRATOR))
    make_group_seat(actor=maker, group="tellers", unit=None, role=Role.TELLER, title="柜员")
    there.claims["groups"] = ["tellers"]
    arrive(there, client)
    enrolled(made, client=client)
    half = Client()
    assert arrive(there, half).headers["Location"] == "/sign-in/second/"
    assert not is_in(half)
    there.claims["amr"] = ["pwd", "mfa"]
    whole = Client()
    assert arrive(there, whole).headers["Location"] == "/"
    assert whole.session["second_factor"] is True


def test_a_fresh_proof_is_asked_for_there_and_the_page_goes_on(there: Provider) -> None:
    who = employee()
    maker = actor_for(user(Role.SECURITY_ADMINISTRATOR))
    make_group_seat(actor=maker, group="tellers", unit=None, role=Role.TELLER, title="柜员")
    there.claims["groups"] = ["tellers"]
    client = Client()
    arrive(there, client)
    assert is_in(client)
    session = client.session
    session["proved"] -= 20 * 60
    session.save()
    begin = {"do": "begin"}
    by_script = client.post("/me/second-factor/", begin, HTTP_HX_REQUEST="true")
    assert by_script.headers["X-Zhike-Proof"] == "elsewhere"
    assert client.post("/me/proof/", HTTP_HX_REQUEST="true").status_code == 422
    there.lie = _set(auth_time=NOW - 3600)
    assert arrive(there, client, "?again=1").status_code == 422, "it did not ask anew"
    assert client.post("/me/second-factor/", begin).status_code == 403
    there.lie = lambda claims: None
    token = client.cookies["csrftoken"].value if "csrftoken" in client.cookies else ""
    assert arrive(there, client, "?again=1").status_code == 302
    assert there.asked["prompt"] == "login"
    assert token in ("", client.cookies["csrftoken"].value), "the other tab's forms still hold"
    assert client.post("/me/proof/", HTTP_HX_REQUEST="true").status_code == 204
    assert client.post("/me/second-factor/", begin).status_code == 201
    # Another person who proves to be themselves proves nothing for this one.
    hire(actor=SYSTEM, code="P9", name="另一人", unit=who.unit)
    there.claims |= {"sub": "s-9", "preferred_username": "jiu", "employee_number": "P9"}
    session = client.session
    session["proved"] -= 40 * 60
    session.save()
    assert arrive(there, client, "?again=1").status_code == 422
    assert client.session["proved"] == session["proved"]


def test_signing_out_ends_here_and_leads_to_the_end_there(there: Provider) -> None:
    employee()
    client = Client()
    arrive(there, client)
    answer = client.post("/sign-out/")
    assert answer.status_code == 200
    assert not is_in(client)
    address = answer.headers["Refresh"].removeprefix("0; url=")
    asked = parse_qs(urlsplit(address).query)
    assert address.startswith(f"{there.issuer}/out?")
    assert asked["post_logout_redirect_uri"] == [f"{ORIGIN}/sign-in/"]
    hint = jwt.decode(asked["id_token_hint"][0], options={"verify_signature": False})
    assert hint["sub"] == "s-1"


def test_who_did_not_come_from_there_signs_out_here_alone(there: Provider) -> None:
    local = user(Role.TELLER)
    client = Client()
    client.force_login(local)
    assert client.post("/sign-out/").headers["Location"] == "/sign-in/"
