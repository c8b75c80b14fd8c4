"""The quick filters of the customer list, and what its conditions may ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries
from zhike.customers.models import ConsentEvent, Party, Relation, Standing, Tier
from zhike.customers.queries import conditions as asked
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Unit
from zhike.organisation.queries import units_at_or_below
from zhike.ui.filters import Filter
from zhike.ui.lists import criteria
from zhike.ui.lists.criteria import Criterion

PAGE = "customers.party"


def quick(actor: Actor, asked_unit: str) -> list[Filter]:
    """The quick filters this actor has use for."""
    today = clock.today()

    def who(value: str) -> Q:
        if value == "nobody":
            return asked.without_manager()
        return asked.in_care_of(actor.employee_id)

    def quiet(days: str) -> Q:
        last = today - timedelta(days=int(days))
        return Q(standing__last_contact_on__isnull=True) | Q(standing__last_contact_on__lte=last)

    tiers = {tier.code: tier for tier in Tier.objects.visible_rows(actor, _by_rank)}
    filters = [
        Filter("who", _("Looked after"), [("mine", _("by me")), ("nobody", _("by nobody"))], who),
        Filter(
            "tier",
            _("Tier"),
            [(tier.code, tier.name) for tier in tiers.values()],
            # By its key: through the table of tiers no index of the standings serves.
            lambda value: Q(standing__tier=tiers[value].pk),
        ),
        Filter(
            "value",
            _("Value class"),
            Standing.ValueClass.choices,
            lambda value: Q(standing__value_class=value),
        ),
        Filter("stage", _("Stage"), Party.Stage.choices, lambda value: Q(stage=value)),
        Filter("kind", _("Kind"), Party.Kind.choices, lambda value: Q(kind=value)),
        Filter(
            "quiet",
            _("No contact for"),
            [(days, _("%(n)s days") % {"n": days}) for days in ("30", "90", "180")],
            quiet,
            many=False,
        ),
    ]
    units = {unit.code: unit for unit in queries.units_to_choose(actor, asked_unit)}
    if units:
        filters.append(
            Filter(
                "unit",
                _("Unit"),
                [(unit.code, unit.name) for unit in units.values()],
                lambda value: Q(unit__in=units_at_or_below([units[value]])),
                many=False,
            )
        )
    return filters


def _tiers(actor: Actor) -> Sequence[tuple[str, str]]:
    return [(tier.code, tier.name) for tier in Tier.objects.visible_rows(actor, _by_rank)]


def _by_rank(rows: QuerySet[Tier]) -> QuerySet[Tier]:
    return rows.order_by("rank")


def _units(actor: Actor) -> Sequence[tuple[str, str]]:
    units = Unit.objects.visible_to(actor).order_by("path")
    if not actor.everywhere:
        units = units.filter(pk__in=actor.units)
    return [(unit.code, unit.name) for unit in units]


def _below(actor: Actor, q: Q) -> Q:
    return Q(unit__in=units_at_or_below(Unit.objects.visible_to(actor).filter(q)))


def register() -> None:
    """Called once when the room starts."""
    about, figures, care = _("About the customer"), _("Figures"), _("Care")
    criteria.register(
        PAGE,
        Criterion(
            "customers:tier", PAGE, _("Tier"), "choice", "standing__tier__code", _tiers, group=about
        ),
        Criterion(
            "customers:value_class",
            PAGE,
            _("Value class"),
            "choice",
            "standing__value_class",
            lambda actor: Standing.ValueClass.choices,
            group=about,
        ),
        Criterion(
            "customers:stage",
            PAGE,
            _("Stage"),
            "choice",
            "stage",
            lambda actor: Party.Stage.choices,
            group=about,
            nullable=False,
        ),
        Criterion(
            "customers:kind",
            PAGE,
            _("Kind"),
            "choice",
            "kind",
            lambda actor: Party.Kind.choices,
            group=about,
            nullable=False,
        ),
        Criterion(
            "customers:type",
            PAGE,
            _("Type"),
            "choice",
            "type",
            lambda actor: Party.Type.choices,
            group=about,
            nullable=False,
        ),
        Criterion(
            "customers:unit",
            PAGE,
            _("Unit, with all below it"),
            "choice",
            "code",
            _units,
            within=_below,
            group=about,
        ),
        Criterion("customers:since", PAGE, _("With us since"), "date", "since_on", group=about),
        Criterion("customers:occupation", PAGE, _("Occupation"), "text", "occupation", group=about),
        Criterion("customers:industry", PAGE, _("Industry"), "text", "industry", group=about),
        Criterion(
            "customers:employees",
            PAGE,
            _("Number of employees"),
            "number",
            "employees_count",
            group=about,
        ),
        *(
            Criterion(
                f"customers:{name}",
                PAGE,
                label,
                "money" if name in ("balance", "contribution") else "number",
                f"standing__{name}",
                permission=queries.SEES_MONEY,
                group=figures,
            )
            for name, label in (
                ("balance", _("Balance")),
                ("contribution", _("Contribution, 12 months")),
                ("current_value", _("Current value")),
                ("potential_value", _("Potential value")),
            )
        ),
        Criterion(
            "customers:last_contact",
            PAGE,
            _("Last contact"),
            "date",
            "standing__last_contact_on",
            group=care,
            counts_as_old=True,
        ),
        Criterion(
            "customers:next_contact",
            PAGE,
            _("Next contact due"),
            "date",
            "due_on",
            within=lambda actor, q: asked.contact_due(q),
            group=care,
        ),
        Criterion(
            "customers:manager",
            PAGE,
            _("Main manager"),
            "text",
            "employee__name",
            within=lambda actor, q: asked.managed_by(q),
            group=care,
        ),
        Criterion(
            "customers:managed",
            PAGE,
            _("Has a main manager"),
            "boolean",
            "",
            within=lambda actor, q: asked.managed(),
            group=care,
        ),
        Criterion(
            "customers:relation",
            PAGE,
            _("Has a relation"),
            "choice",
            "kind",
            lambda actor: Relation.Kind.choices,
            within=lambda actor, q: asked.related(q),
            group=care,
        ),
        Criterion(
            "customers:consent",
            PAGE,
            _("Consents to"),
            "choice",
            "purpose",
            lambda actor: ConsentEvent.Purpose.choices,
            within=lambda actor, q: asked.consents(q),
            group=care,
        ),
    )
