"""What is asked of both worlds: every route, every state of every list, and all that somebody may type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.urls import reverse

from tests.access_matrix.table import TABLE
from tests.two_worlds.asking import Question, of_entry
from tests.two_worlds.institution import SEES_NONE, SEES_SOME, Institution
from zhike.customers import parameters
from zhike.customers.models import Identifier, Party
from zhike.organisation.models import Role
from zhike.ui.lists.bulk import listings, view_of
from zhike.ui.lists.criteria import operators_of

PRINCIPALS = (*SEES_SOME, *SEES_NONE)
VALUES = {
    "text": "教师", "number": "50", "money": "1000", "share": "20", "date": "2026-11-20",
    "moment": "2026-11-20",
}  # fmt: skip


def of_routes(principal: str) -> Iterator[Question]:
    """Every route and method, with rows in sight and out of it."""
    for (pattern, method), entry in TABLE.items():
        # They answer everybody's request about their own data, whoever it is.
        if principal == Role.SECURITY_ADMINISTRATOR and pattern.startswith("privacy/requests/<"):
            continue
        yield of_entry(entry, principal, pattern, method, True)
        if entry.rows and not entry.shared:
            yield of_entry(entry, principal, pattern, method, False)


def shared_out(principals: Sequence[str]) -> Iterator[Question]:
    """Every route and method that one of them may use, once, by turns; a row out of sight besides."""
    for n, ((pattern, method), entry) in enumerate(TABLE.items()):
        if allowed := [each for each in principals if each in entry.allowed]:
            principal = allowed[n % len(allowed)]
            yield of_entry(entry, principal, pattern, method, True)
            if entry.rows and not entry.shared and method == "GET":
                yield of_entry(entry, principal, pattern, method, False)


def of_lists(institution: Institution, principal: str) -> Iterator[Question]:
    """Sorted each way, by each condition, grouped, on boards, in calendars, added up, as files."""
    actor = institution.actor(principal)
    for listing in listings:
        view = view_of(listing.id, actor, "")
        path = reverse(listing.url_name).lstrip("/")
        if not actor.may(view.permission):
            continue
        for query in _states(view):
            yield Question(principal, "GET", path, query)
            if "part" in query:
                yield Question(principal, "GET", path, query, fragment=True)
        if url := view.export_url():
            for query in ({"as": "csv"}, {"as": "csv", "sort": "name"}, {"as": "csv", "q": "张"}):
                yield Question(principal, "GET", url.lstrip("/"), query)


def _states(view: Any) -> Iterator[dict[str, str]]:
    shown = view.columns
    for column in shown:
        if column.sortable:
            yield {"sort": column.name}
            yield {"sort": f"-{column.name}", "size": "20"}
    yield {"cols": ",".join(each.name for each in shown)}
    for part in ("totals", "builder", "columns"):
        yield {"part": part}
    for group in view.groupings:
        yield {"group": group.id}
        yield {"show": "board", "by": group.id}
        for key in list(group.names(view.actor))[:6]:
            yield {"in": f"{group.id}:{key}", "part": "group"}
            yield {"in": f"{group.id}:{key}"}
    for dated in view.dates:
        for month in ("2026-10", "2026-11", "2026-12"):
            yield {"show": "calendar", "by": dated.id, "month": month}
    for chip in view.chips():
        for value, _label in chip.choices:
            yield {chip.name: str(value)}
            yield {chip.name: str(value), "part": "totals"}
    for criterion in view.criteria().values():
        for operator in operators_of(criterion):
            yield {"where": _condition(view, criterion, operator)}


def _condition(view: Any, criterion: Any, operator: Any) -> str:
    given = VALUES.get(criterion.kind, "")
    if criterion.choices is not None:
        known = [str(value) for value, _label in criterion.choices(view.actor)]
        given = known[0] if known else "x"
    takes = operator.takes
    values = {"": "", "days": ".30", "two": f".{given}|{given}"}.get(takes, f".{given}")
    return f"{criterion.name}.{operator.name}{values}"


def texts(unseen: Sequence[int]) -> list[str]:
    """As somebody types names and numbers, letter by letter, of whom they see and of whom they do not."""
    typed: dict[str, None] = dict.fromkeys(
        ("张", "李", "有限公司", "农机", "zwm", "zhang", "lsy", "1540")
    )
    for party in Party.objects.order_by("pk"):
        spelt = party.name_key.removesuffix(party.name)
        for size in range(2, len(party.name) + 1):
            typed[party.name[:size]] = None
        typed["".join(each[0] for each in spelt.split())] = None
        typed["".join(spelt.split())] = None
        if party.pk in unseen:
            for row in (*party.identifiers.all(), *party.contact_points.all()):
                value = row.in_clear()
                typed |= dict.fromkeys((value, value[-4:]))
    return list(typed)


def of_searches(principal: str, typed: Sequence[str]) -> Iterator[Question]:
    for text in typed:
        yield Question(principal, "POST", "find/", {"q": text}, fragment=True)
        sealed = parameters.sealed(text, parameters.SEARCH)
        yield Question(principal, "GET", "customers/", {"s": sealed})
        yield Question(principal, "POST", "api/customers/search", {"text": text}, api=True)
        yield Question(principal, "POST", "today/customers/", {"customer": text}, fragment=True)
        draft = {"kind": "person", "name": text, "mobile": "15400000001"}
        yield Question(principal, "POST", "imports/alike/", draft, fragment=True)


def of_entries(
    institution: Institution, principal: str, unseen: Sequence[int]
) -> Iterator[Question]:
    """A customer entered with the document, the mobile or the name of somebody out of sight, and looked at after."""
    unit = institution.world.people[principal].unit.public_id
    form = {"kind": "person", "stage": "customer", "type": "individual", "unit": unit}
    documents = Identifier.objects.filter(party__in=unseen, kind="resident_id").order_by("pk")
    then = ("↪", "/customers/", "/pairs/", "/quality/findings/", "/notices/", "/today/")
    for row in documents:
        document = row.in_clear()
        mobile = row.party.contact_points.get(kind="mobile").in_clear()
        said = {"document": document, "mobile": mobile}
        for fields in ({"document": document}, said, {"mobile": mobile}):
            body = {**form, "name": row.party.name, **fields}
            yield Question(principal, "POST", "customers/new/", body, then=then)
            yield Question(principal, "POST", "imports/alike/", body, fragment=True)
        add = {"kind": "resident_id", "value": document}
        rows = {"public_id": lambda world, on: on}
        for where in ("identifier", "contact"):
            kind = {"kind": "mobile", "value": mobile} if where == "contact" else add
            path = f"customers/<uuid:public_id>/{where}/"
            yield Question(principal, "POST", path, kind, rows, then=("↪",))
