"""The table: for each route and method who gets in, with which rows and which words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.access_matrix import rows
from tests.access_matrix.entries import (
    ABSENT,
    ANALYST,
    AUDITOR,
    DONE,
    EDITORS,
    EVERYBODY,
    HEADS,
    LINE,
    MOVED,
    NOT_THIS_WAY,
    OPERATOR,
    READ,
    READERS,
    SECURITY,
    SHOWN,
    SIGNED_IN,
    STAFF,
    WORKERS,
    Entry,
    on,
)
from tests.access_matrix.routes import METHODS
from tests.access_matrix.table_of_data import imports, quality, review
from tests.access_matrix.world import World
from zhike.kernel import clock
from zhike.organisation.models import Role


def _site() -> Iterator[tuple[str, str, Entry]]:
    yield "health/", "GET", Entry(EVERYBODY)
    # A token of the machine's opens it; as if it were not there for whoever is signed in or not.
    yield "metrics/", "GET", Entry(EVERYBODY, ABSENT)
    for method in METHODS:
        yield "api/", method, Entry(SIGNED_IN, ABSENT)
        yield "api/openapi.json", method, Entry(SIGNED_IN)
    for method in ("GET", "POST", "PUT"):
        ok = SHOWN if method == "GET" else READ
        yield "sign-in/", method, Entry(EVERYBODY, ok)
    yield "sign-out/", "POST", Entry(SIGNED_IN, MOVED)
    yield "language/", "POST", Entry(EVERYBODY, MOVED, body={"language": "en"})
    yield "me/", "GET", Entry(SIGNED_IN)
    # Nobody came here by a password: back to the first step.
    for method in ("GET", "POST"):
        yield "sign-in/second/", method, Entry(EVERYBODY, MOVED)
    for one in ("sign-in/provider/", "sign-in/provider/back/"):
        yield one, "GET", Entry(EVERYBODY, ABSENT)
    yield "sign-in/passkey/", "GET", Entry(EVERYBODY)
    yield "sign-in/passkey/", "POST", Entry(EVERYBODY, READ)
    yield "me/proof/", "GET", Entry(STAFF)
    # Whose proof is fresh goes on.
    yield "me/proof/", "POST", Entry(STAFF, MOVED)
    one = "me/second-factor/passkeys/<uuid:public_id>/remove/"
    lost = Entry(SECURITY, MOVED, on(rows.passkey), shared=True, body={"reason": "丢失"})
    yield one, "POST", lost
    yield "me/second-factor/", "GET", Entry(STAFF)
    yield "me/second-factor/", "POST", Entry(STAFF, frozenset({201}), body={"do": "begin"})
    one = "me/second-factor/<uuid:public_id>/take-away/"
    lost = Entry(SECURITY, MOVED, on(rows.second_factor), shared=True, body={"reason": "丢失"})
    yield one, "POST", lost
    yield "groups/", "GET", Entry(SECURITY)
    seat = {"group": "cn=tellers", "role": "teller", "title": "柜员"}
    yield "groups/", "POST", Entry(SECURITY, MOVED, body=seat)
    one = "groups/<uuid:public_id>/remove/"
    yield one, "POST", Entry(SECURITY, MOVED, on(rows.group_seat), shared=True)
    yield "grants/", "GET", Entry(SECURITY)
    for one, make, body in (
        ("grants/people/<uuid:public_id>/", rows.employee, _granted),
        ("grants/<uuid:public_id>/end/", rows.grant, {"reason": "不再需要"}),
    ):
        yield one, "GET", Entry(SECURITY, rows=on(make), shared=True)
        yield one, "POST", Entry(SECURITY, MOVED, on(make), True, body)
    yield "approvals/levels/", "GET", Entry(SECURITY)
    level = {"up_to": "10", "reason": "收紧"}
    one = "approvals/levels/<uuid:public_id>/"
    yield one, "POST", Entry(SECURITY, MOVED, on(rows.approval_level), True, level)
    yield "me/password/", "GET", Entry(STAFF)
    yield "me/password/", "POST", Entry(STAFF, READ)
    leading = HEADS | SECURITY
    yield "pace/", "GET", Entry(leading)
    yield "pace/", "POST", Entry(HEADS | SECURITY, MOVED, body=_let_go)
    yield "pace/limits/", "GET", Entry(SECURITY)
    limit = {"hour_told": 60, "hour_stop": 120, "day_told": 300, "day_stop": 600, "reason": "收紧"}
    one = "pace/limits/<uuid:public_id>/"
    yield one, "POST", Entry(SECURITY, MOVED, on(rows.pace_limit), True, limit)
    yield "me/tokens/", "GET", Entry(STAFF)
    yield "me/tokens/", "POST", Entry(STAFF, READ)
    one = "me/tokens/<uuid:public_id>/revoke/"
    yield one, "POST", Entry(SECURITY, MOVED, rows=on(rows.token), shared=True)
    yield "audit/", "GET", Entry(AUDITOR)
    for method in ("GET", "POST"):
        body = {"all": "1"} if method == "POST" else {}
        yield "audit/export/", method, Entry(AUDITOR, body=body)
    for page in ("", "lists/", "forms/", "charts/", "grids/", "layers/", "drawer/"):
        yield f"ui/{page}", "GET", Entry(OPERATOR)


def _granted(world: World) -> dict[str, Any]:
    return {
        "what": "customers.export",
        "unit": world.branch.public_id,
        "since": clock.today().isoformat(),
        "until": _tomorrow(world)["until"],
        "reason": "代班",
    }


def _let_go(world: World) -> dict[str, Any]:
    teller = world.people[Role.TELLER]
    return {"person": str(teller.public_id), "kind": "view", "reason": "月底回访"}


def _shell() -> Iterator[tuple[str, str, Entry]]:
    yield "find/", "POST", Entry(STAFF, body={"q": "张伟", "here": '["导出"]'})
    yield "session/", "GET", Entry(SIGNED_IN)
    yield "session/", "POST", Entry(SIGNED_IN)
    yield "session/kept/", "POST", Entry(SIGNED_IN, DONE)
    for path in ("notices/", "notices/bell/", "notices/unread/", "remembered/"):
        yield path, "GET", Entry(STAFF)
    yield "notices/read/", "POST", Entry(STAFF, DONE)
    for what in ("open", "read"):
        # Somebody else's notice: nobody gets it. One's own are in zhike/desk/tests.
        theirs = Entry(STAFF, ABSENT, on(rows.notice), shared=True)
        yield f"notices/<uuid:public_id>/{what}/", "POST", theirs
    kept = {"page": "customers.party", "do": "new", "name": "大户", "query": "kind=person"}
    yield "views/", "POST", Entry(STAFF, MOVED, body=kept)
    yield "bulk/", "POST", Entry(EDITORS, SHOWN, body={"action": "customers.note", "ids": ""})
    # Whoever may move cards of this board is told that there is no such card.
    card = {"page": "customers.party", "by": "stage", "column": "former", "card": "0"}
    yield "moves/", "POST", Entry(EDITORS, ABSENT, body=card)
    yield "jobs/", "GET", Entry(STAFF)
    yield "files/", "GET", Entry(STAFF)
    for method in ("GET", "POST"):
        yield "files/trace/", method, Entry(AUDITOR, body={"code": "ABCDEFGHJKL"})
    # Asked for by somebody of the branch: those over it answer, and nobody fetches what is another's.
    over = HEADS | SECURITY
    asked = on(rows.taken_file)
    yield "files/<uuid:public_id>/", "GET", Entry(over, rows=asked, shared=True)
    refused = {"do": "refuse", "reason": "没有必要"}
    yield (
        "files/<uuid:public_id>/",
        "POST",
        Entry(over, MOVED, body=refused, rows=asked, shared=True),
    )
    yield "files/<uuid:public_id>/fetch/", "GET", Entry(STAFF, ABSENT, rows=asked, shared=True)
    # Somebody else's job, as with notices.
    for method in ("GET", "POST"):
        theirs = Entry(STAFF, ABSENT, on(rows.bulk_run), shared=True)
        yield "jobs/<uuid:public_id>/", method, theirs
    pinned = {"subject": "customer", "pinned": "1"}
    pin = Entry(READERS, rows=on(rows.party), body=pinned)
    yield "remembered/<uuid:public_id>/pin/", "POST", pin


def _customers() -> Iterator[tuple[str, str, Entry]]:
    yield "customers/", "GET", Entry(READERS)
    # A cell changed in place; which row it is of stands in the form.
    yield "customers/", "POST", Entry(EDITORS, body=_cell)
    yield "customers/search/", "GET", Entry(READERS, MOVED)
    yield "customers/search/", "POST", Entry(READERS, MOVED, body={"q": "张伟"})
    yield "customers/export/", "GET", Entry(LINE)
    yield "customers/export/", "POST", Entry(LINE, body={"all": "1"})
    yield "customers/new/", "GET", Entry(EDITORS)
    yield "customers/new/", "POST", Entry(EDITORS, MOVED, body=_new_customer)
    one = "customers/<uuid:public_id>/"
    yield one, "GET", Entry(READERS, rows=on(rows.party))
    yield f"{one}edit/", "GET", Entry(EDITORS, rows=on(rows.party))
    yield f"{one}edit/", "POST", Entry(EDITORS, MOVED, on(rows.party), body=_corrected)
    yield (
        f"{one}edit/<slug:field>/",
        "GET",
        Entry(EDITORS, rows={**on(rows.party), "field": "note"}),
    )
    yield (
        f"{one}edit/<slug:field>/",
        "POST",
        Entry(
            EDITORS,
            DONE,
            {**on(rows.party), "field": "note"},
            body={"note": "喜欢喝茶", "version": "1"},
        ),
    )
    yield f"{one}brief/", "GET", Entry(LINE, rows=on(rows.party))
    yield f"{one}brief/", "POST", Entry(LINE, NOT_THIS_WAY, on(rows.party))
    yield f"{one}ties/", "POST", Entry(READERS, rows=on(rows.party), body={"text": "张"})
    yield f"{one}story/", "POST", Entry(READERS, rows=on(rows.party), body={"kind": "contact"})
    yield one, "POST", Entry(READERS, DONE, on(rows.party), body={"panel": ["customers.facts"]})
    yield f"{one}hand-over/", "GET", Entry(HEADS, rows=on(rows.party))
    for step, allowed, make, body in (
        ("confirm", EDITORS, rows.party, {"fields_seen": ["name"]}),
        ("relate", EDITORS, rows.party, {"kind": "family", "other": "王秀英"}),
        ("hand-over", HEADS, rows.party, _handed_over),
        ("consent", LINE, rows.party, CONSENT),
        ("timeline", EDITORS, rows.party, {"kind": "note", "channel": "visit", "title": "来访"}),
        ("convert", EDITORS, rows.prospect, {}),
        ("close", EDITORS, rows.party, {"reason": "迁往外地"}),
        ("reopen", EDITORS, rows.closed_party, {"reason": "迁回"}),
        ("identifier", EDITORS, rows.party, {"kind": "passport", "value": "E00000001"}),
        ("contact", EDITORS, rows.party, {"kind": "wechat", "value": "matrix_wx2"}),
        ("address", EDITORS, rows.party, {"kind": "home", "value": "样例省样例市样例路 2 号"}),
    ):
        yield f"{one}{step}/", "POST", Entry(allowed, DONE, on(make), body=body)
    for group, make in (
        ("identifier", rows.identifier),
        ("contact", rows.contact_point),
        ("address", rows.address),
    ):
        at = f"customers/{group}/<uuid:public_id>/"
        yield f"{at}reveal/", "POST", Entry(LINE, rows=on(make), body={"purpose": "回访客户"})
        yield f"{at}verify/", "POST", Entry(EDITORS, DONE, on(make))
        yield f"{at}remove/", "POST", Entry(EDITORS, DONE, on(make), body={"reason": "录入有误"})
    yield (
        "customers/relations/<uuid:public_id>/end/",
        "POST",
        Entry(EDITORS, DONE, on(rows.relation)),
    )


CONSENT = {"purpose": "marketing", "channel": "phone", "given": "yes", "text_version": "2026-1"}


def _cell(world: World) -> dict[str, Any]:
    return {"row": world.inside.public_id, "column": "occupation", "value": "教师", "version": "1"}


def _new_customer(world: World) -> dict[str, Any]:
    return {
        "kind": "person",
        "stage": "prospect",
        "type": "individual",
        "name": "陈静怡",
        "unit": world.branch.public_id,
    }


def _corrected(world: World) -> dict[str, Any]:
    return {
        "name": "张伟明",
        "type": "individual",
        "unit": world.place.public_id,
        "note": "喜欢喝茶",
    }


def _handed_over(world: World) -> dict[str, Any]:
    lead, head = world.people[Role.TEAM_LEAD], world.people[Role.BRANCH_HEAD]
    return {
        "employee": (head if world.asker == lead else lead).public_id,
        "role": "assistant",
        "reason": "共同维护",
    }


def _products() -> Iterator[tuple[str, str, Entry]]:
    yield "products/", "GET", Entry(READERS)
    yield "agreements/", "GET", Entry(READERS)
    yield "agreements/export/", "GET", Entry(LINE)
    yield "agreements/export/", "POST", Entry(LINE, body={"all": "1"})
    yield (
        "products/agreements/<uuid:public_id>/reveal/",
        "POST",
        Entry(LINE, rows=on(rows.agreement), body={"purpose": "核对账号"}),
    )


def _organisation() -> Iterator[tuple[str, str, Entry]]:
    yield "organisation/", "GET", Entry(STAFF)
    yield "organisation/people/", "GET", Entry(STAFF)
    for path, make in (
        ("units/<uuid:public_id>/", rows.unit),
        ("people/<uuid:public_id>/", rows.employee),
        ("teams/<uuid:public_id>/", rows.team),
    ):
        yield f"organisation/{path}", "GET", Entry(STAFF, rows=on(make), shared=True)
        # How one arranged the page for oneself.
        yield f"organisation/{path}", "POST", Entry(STAFF, DONE, on(make), shared=True)
    yield "organisation/teams/", "GET", Entry(STAFF)
    for path, new in (
        ("units/new/", _new_unit),
        ("people/new/", _new_person),
        ("teams/new/", {"name": "样例团队"}),
    ):
        yield f"organisation/{path}", "GET", Entry(OPERATOR)
        yield f"organisation/{path}", "POST", Entry(OPERATOR, MOVED, body=new)
    for path, make, body in (
        ("units/<uuid:public_id>/edit/", rows.unit, _renamed_unit),
        ("people/<uuid:public_id>/edit/", rows.employee, _renamed_person),
        ("people/<uuid:public_id>/appoint/", rows.newcomer, _seated),
        ("people/<uuid:public_id>/leave/", rows.employee, _gone),
        ("teams/<uuid:public_id>/join/", rows.team, _joined),
        ("teams/members/<uuid:public_id>/end/", rows.team_member, _left),
        ("people/<uuid:public_id>/login/", rows.newcomer, LOGIN),
        ("logins/<uuid:public_id>/password/", rows.user, {"password": PASSWORD}),
        ("logins/<uuid:public_id>/close/", rows.user, _gone),
        ("logins/<uuid:public_id>/open/", rows.user, {"reason": "复职"}),
        (
            "appointments/<uuid:public_id>/end/",
            rows.appointment,
            _gone,
        ),
    ):
        entry = Entry(OPERATOR, rows=on(make), shared=True)
        yield f"organisation/{path}", "GET", entry
        yield f"organisation/{path}", "POST", Entry(OPERATOR, MOVED, on(make), True, body)


PASSWORD = "a-newer-and-longer-passphrase"
LOGIN = {"login": "matrix-login", "password": PASSWORD}


def _new_unit(world: World) -> dict[str, Any]:
    return {"code": "M1", "name": "新网点", "kind": "outlet", "parent": world.branch.public_id}


def _new_person(world: World) -> dict[str, Any]:
    return {"code": "M1", "name": "新员工", "unit": world.branch.public_id}


def _gone(world: World) -> dict[str, Any]:
    return {"on": "2026-12-31", "reason": "退休", "successor": world.stranger.code}


def _joined(world: World) -> dict[str, Any]:
    return {"employee": world.stranger.code, "since": clock.today().isoformat()}


def _left(world: World) -> dict[str, Any]:
    return {"on": clock.today().isoformat(), "reason": "调离"}


def _renamed_unit(world: World) -> dict[str, Any]:
    above = world.branch.parent
    assert above is not None
    return {"name": "城东新支行", "kind": "sub_branch", "parent": above.public_id}


def _renamed_person(world: World) -> dict[str, Any]:
    return {"name": "改名", "unit": world.branch.public_id}


def _seated(world: World) -> dict[str, Any]:
    return {
        "unit": world.branch.public_id,
        "role": "teller",
        "title": "柜员",
        "since": "2026-11-01",
    }


def _activities() -> Iterator[tuple[str, str, Entry]]:
    for method in METHODS:
        yield "", method, Entry(SIGNED_IN, MOVED)
    arranged = {"panel": "activities.week"}
    yield "lines/", "GET", Entry(WORKERS)
    yield "contacts/", "GET", Entry(READERS)
    yield "today/", "GET", Entry(STAFF)
    yield "today/", "POST", Entry(WORKERS, DONE, body=arranged)
    for path, allowed, makers in (
        ("mine/", WORKERS, {}),
        ("team/", WORKERS - {Role.CUSTOMER_MANAGER.value}, {}),
        ("people/<uuid:public_id>/", WORKERS, on(rows.worker)),
    ):
        yield f"today/{path}", "GET", Entry(allowed, rows=makers)
        yield f"today/{path}", "POST", Entry(allowed, DONE, makers, body=arranged)
    path = "today/people/<uuid:public_id>/hand-over/"
    yield path, "GET", Entry(HEADS, rows=on(rows.worker))
    # Nothing is ticked: the door was open.
    yield path, "POST", Entry(HEADS, READ, on(rows.worker))
    path = "today/handed/<uuid:public_id>/"
    yield path, "GET", Entry(HEADS, rows=on(rows.handing))
    yield path, "POST", Entry(HEADS, MOVED, on(rows.handing))
    yield "today/plan/", "GET", Entry(LINE, NOT_THIS_WAY)
    yield "today/plan/", "POST", Entry(LINE, DONE, body=_follow_up)
    yield "today/customers/", "POST", Entry(LINE, body={"customer": "张"})
    path = "today/customers/<uuid:public_id>/plan/"
    yield path, "POST", Entry(LINE, DONE, on(rows.party), body=_follow_up)
    for step, make, body in (
        ("done", rows.work_item, {"result": "已电话回访", "channel": "phone"}),
        ("later", rows.work_item, _tomorrow),
        ("dismiss", rows.work_item, {"reason": "客户出国"}),
        ("reopen", rows.closed_work_item, {}),
        ("resume", rows.work_item, {}),
    ):
        path = f"today/<uuid:public_id>/{step}/"
        yield path, "GET", Entry(LINE, NOT_THIS_WAY, on(make))
        yield path, "POST", Entry(LINE, DONE, on(make), body=body)


def _tomorrow(world: World) -> dict[str, Any]:
    return {"until": (clock.today() + timedelta(days=1)).isoformat()}


def _follow_up(world: World) -> dict[str, Any]:
    day = clock.today().isoformat()
    return {"party": world.inside.public_id, "on": day, "text": "回电说明"}


def _api() -> Iterator[tuple[str, str, Entry]]:
    yield "api/customers/", "GET", Entry(READERS)
    yield "api/customers/search", "POST", Entry(READERS, body={"text": "张伟"})
    yield "api/customers/tiers", "GET", Entry(READERS)
    one = "api/customers/<uuidstr:public_id>"
    yield one, "GET", Entry(READERS, rows=on(rows.party))
    yield f"{one}/timeline", "GET", Entry(READERS, rows=on(rows.party))
    yield (
        f"{one}/contacts",
        "POST",
        Entry(EDITORS, DONE, on(rows.party), body={"channel": "phone", "title": "回访"}),
    )
    yield "api/products/", "GET", Entry(READERS)
    yield "api/products/holdings/<uuidstr:public_id>", "GET", Entry(READERS, rows=on(rows.party))


def _insight() -> Iterator[tuple[str, str, Entry]]:
    for page in (
        "", "scatter/", "concentration/", "movements/", "movers/", "bulletin/", "targets/",
        "thresholds/", "metrics/",
    ):  # fmt: skip
        yield f"insight/{page}", "GET", Entry(WORKERS)
    for method in METHODS[:2]:
        yield "insight/movers/export/", method, Entry(LINE)
    flows = "insight/flows/<uuid:public_id>/<str:month>/"
    yield flows, "GET", Entry(WORKERS, rows={**on(rows.party), "month": "2026-11"})
    yield "insight/targets/", "POST", Entry(HEADS, READ)
    yield (
        "insight/targets/<uuid:public_id>/drop/",
        "POST",
        Entry(HEADS, MOVED, on(rows.target), shared=True),
    )
    group = "insight/thresholds/<slug:group>/"
    for method, ok in (("GET", SHOWN), ("POST", READ)):
        yield group, method, Entry(ANALYST, ok, {"group": rows.threshold_group}, shared=True)


def _privacy() -> Iterator[tuple[str, str, Entry]]:
    one = "customers/<uuid:public_id>/privacy/"
    yield one, "GET", Entry(EDITORS, rows=on(rows.party))
    asked = {"kind": "access", "how": "counter"}
    yield one, "POST", Entry(EDITORS, MOVED, on(rows.party), body=asked)
    yield "privacy/requests/", "GET", Entry(EDITORS | SECURITY)
    one = "privacy/requests/<uuid:public_id>/"
    yield one, "GET", Entry(EDITORS | SECURITY, rows=on(rows.erasure))
    said = {"reason": "本人核对"}
    for step, allowed, ok, make in (
        ("approve", SECURITY, MOVED, rows.access_request),
        ("refuse", LINE, MOVED, rows.correction),
        ("correct", LINE, MOVED, rows.correction),
        ("restrict", SECURITY, MOVED, rows.erasure),
        ("copy", LINE, SHOWN, rows.ready_copy),
        ("kept", SECURITY, SHOWN, rows.erasure),
    ):
        yield f"{one}{step}/", "POST", Entry(allowed, ok, on(make), body=said)
    for page in ("register/", "register.csv", "sharing/"):
        yield f"privacy/{page}", "GET", Entry(SECURITY | AUDITOR)


PARTS = (
    _site,
    _shell,
    _api,
    _customers,
    _products,
    _organisation,
    _activities,
    _insight,
    imports,
    review,
    quality,
    _privacy,
)
TABLE: dict[tuple[str, str], Entry] = {
    (pattern, method): entry for part in PARTS for pattern, method, entry in part()
}
