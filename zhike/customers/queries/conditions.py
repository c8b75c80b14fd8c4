"""What customers may be asked for by way of what hangs on them, as conditions on the customer.

Each is laid over rows that are in the asker's scope already, and says only that there is something, not what.
"""

from __future__ import annotations

from django.db.models import DateField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet

from zhike.customers.models import Assignment, ConsentEvent, Party, Relation, Standing
from zhike.kernel import clock


def mains() -> QuerySet[Assignment]:
    """Who is main manager of whom today."""
    return Assignment.objects.filter(role=Assignment.Role.MAIN, during__contains=clock.today())


def in_care_of(employee_id: int | None, path: str = "pk") -> Q:
    """Those the employee is main manager or assistant of today; `path` leads to the customer."""
    today = clock.today()
    theirs = Assignment.objects.filter(employee=employee_id, during__contains=today)
    return Q(**{f"{path}__in": theirs.values("party")})


def managed() -> Q:
    """There is a main manager today."""
    return Q(Exists(mains().filter(party=OuterRef("pk"))))


def without_manager() -> Q:
    """Living relations without a main manager today (R-203)."""
    return ~managed() & ~Q(stage=Party.Stage.FORMER)


def managed_by(q: Q) -> Q:
    """The main manager of today is one that `q`, a condition on the assignment, finds."""
    return Q(pk__in=mains().filter(q).values("party"))


def related(q: Q) -> Q:
    """On either side of a relation in force that `q` finds."""
    relations = Relation.objects.filter(q, during__contains=clock.today())
    return Q(pk__in=relations.values("party")) | Q(pk__in=relations.values("other"))


def consents(q: Q) -> Q:
    """The last word on a purpose that `q` finds is yes, by some channel."""
    later = ConsentEvent.objects.filter(
        party=OuterRef("party"),
        purpose=OuterRef("purpose"),
        channel=OuterRef("channel"),
        at__gt=OuterRef("at"),
    )
    given = ConsentEvent.objects.filter(q, ~Exists(later), given=True)
    return Q(pk__in=given.values("party"))


def contact_due(q: Q) -> Q:
    """The next contact falls due on a day that `q`, a condition on `due_on`, finds."""
    due = F("last_contact_on") + F("contact_every_days")
    dated = Standing.objects.annotate(due_on=ExpressionWrapper(due, output_field=DateField()))
    return Q(pk__in=dated.filter(q).values("party"))
