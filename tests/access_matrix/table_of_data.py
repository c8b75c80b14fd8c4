"""The lines of the table about data that comes in: loads, duplicates, quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.access_matrix import rows
from tests.access_matrix.entries import (
    ABSENT,
    ANALYST,
    DONE,
    EDITORS,
    JUDGES,
    LINE,
    LOADS,
    MOVED,
    OPERATOR,
    READ,
    SHOWN,
    WORKERS,
    Entry,
    on,
)
from tests.access_matrix.world import Maker


def imports() -> Iterator[tuple[str, str, Entry]]:
    yield "imports/", "GET", Entry(LOADS)
    yield "imports/alike/", "POST", Entry(EDITORS, SHOWN)
    yield "imports/new/", "GET", Entry(OPERATOR)
    # No file came with it: the door was open.
    yield "imports/new/", "POST", Entry(OPERATOR, READ)
    for method in ("GET", "POST"):
        # Somebody else's file, as with notices.
        theirs = Entry(OPERATOR, ABSENT, on(rows.upload), shared=True)
        yield "imports/uploads/<uuid:public_id>/", method, theirs
    # The run was loaded from a folder: nothing of the wizard's to take back.
    back = Entry(OPERATOR, READ, on(rows.import_run), shared=True)
    yield "imports/<uuid:public_id>/revert/", "POST", back
    run = Entry(LOADS, DONE, on(rows.import_run), shared=True)
    yield "imports/<uuid:public_id>/", "POST", run
    for path, make in (
        ("<uuid:public_id>/", rows.import_run),
        ("files/<uuid:public_id>/rejects/", rows.import_file),
        ("files/<uuid:public_id>/rejects.csv", rows.import_file),
    ):
        yield f"imports/{path}", "GET", Entry(LOADS, rows=on(make), shared=True)


def quality() -> Iterator[tuple[str, str, Entry]]:
    for page in ("", "findings/", "rules/"):
        yield f"quality/{page}", "GET", Entry(WORKERS)
    yield "quality/findings/export/", "GET", Entry(LINE)
    yield "quality/findings/export/", "POST", Entry(LINE, body={"all": "1"})
    yield "quality/verify/", "GET", Entry(EDITORS)
    rule = {"rule": rows.quality_rule}
    for method, ok in (("GET", SHOWN), ("POST", READ)):
        yield "quality/rules/<str:rule>/", method, Entry(ANALYST, ok, rule, shared=True)
    yield (
        "quality/customers/<uuid:public_id>/confirm/",
        "POST",
        Entry(EDITORS, DONE, on(rows.party), body={"field": "occupation"}),
    )


def review() -> Iterator[tuple[str, str, Entry]]:
    yield "pairs/", "GET", Entry(JUDGES)
    yield "pairs/export/", "GET", Entry(JUDGES & LINE)
    yield "pairs/export/", "POST", Entry(JUDGES & LINE, body={"all": "1"})
    yield "pairs/approvals/", "GET", Entry(JUDGES)
    no = {"answer": "no", "reason": "再看"}
    answer = Entry(JUDGES, MOVED, on(rows.approval), True, no)
    yield "pairs/approvals/<uuid:public_id>/", "POST", answer
    one = "pairs/<uuid:public_id>/"
    yield one, "GET", Entry(JUDGES, rows=on(rows.pair))
    for step, make, body in (
        ("judge", rows.pair, {"verdict": "different"}),
        ("reopen", rows.judged_pair, {}),
    ):
        yield f"{one}{step}/", "GET", Entry(JUDGES, rows=on(make))
        yield f"{one}{step}/", "POST", Entry(JUDGES, MOVED, on(make), body=body)
    customer = "customers/<uuid:public_id>/"
    yield f"{customer}merge/", "GET", Entry(JUDGES, rows=on(rows.party))
    yield f"{customer}merge/", "POST", Entry(JUDGES, rows=on(rows.party), body={"customer": "王"})
    both = {**on(rows.party), "other": rows.third}
    yield f"{customer}merge/<uuid:other>/", "GET", Entry(JUDGES, rows=both)
    said = {"reason": "同一人"}
    yield f"{customer}merge/<uuid:other>/", "POST", Entry(JUDGES, MOVED, both, body=said)
    yield "merges/<uuid:public_id>/split/", "GET", Entry(JUDGES, rows=on(rows.merge))
    yield "merges/<uuid:public_id>/split/", "POST", Entry(JUDGES, MOVED, on(rows.merge), body=said)
    taken = {**on(rows.party), "record": rows.record}
    yield f"{customer}records/<uuid:record>/take/", "GET", Entry(JUDGES, rows=taken, parts=True)
    parted = Entry(JUDGES, MOVED, taken, body=said, parts=True)
    yield f"{customer}records/<uuid:record>/take/", "POST", parted
    field = {**on(rows.party), "field": "occupation"}
    yield f"{customer}pin/<slug:field>/", "POST", Entry(EDITORS, MOVED, field, body={"unpin": "1"})
    yield "survivorship/", "GET", Entry(ANALYST)
    rule: Mapping[str, Maker | str] = {"field": rows.survivor_rule}
    yield "survivorship/<slug:field>/", "GET", Entry(ANALYST, rows=rule, shared=True)
    usual = Entry(ANALYST, MOVED, rule, True, {"usual": "1"})
    yield "survivorship/<slug:field>/", "POST", usual
    yield "matching/", "GET", Entry(LOADS)
    yield "matching/run/", "POST", Entry(OPERATOR, MOVED)
    yield "matching/<uuid:public_id>/", "GET", Entry(LOADS, rows=on(rows.match_run), shared=True)
