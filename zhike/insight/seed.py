"""Thresholds and tiers that an institution starts with. People change them later; seeding again leaves them be."""

from __future__ import annotations

from decimal import Decimal

from zhike.customers.services.standing import define_tier
from zhike.insight.services import add_thresholds
from zhike.kernel.actor import Actor

# code, name as data, contact every so many days, colour, balance and contribution that earn it
TIERS = (
    ("ordinary", "普通", 180, "secondary", None, None),
    ("gold", "金", 90, "yellow", "50000", "800"),
    ("platinum", "白金", 45, "azure", "300000", "5000"),
    ("private", "私行", 30, "purple", "6000000", "80000"),
)

DEFAULTS: dict[str, str] = {
    "tier.hold_days": "90",
    "tier.near_share": "0.9",
    "abc.a": "80",
    "abc.b": "95",
    "top.percent": "20",
    "grid.current.cut": "75",
    "grid.potential.cut": "60",
    "weight.current.contribution": "60",
    "weight.current.balance": "40",
    "weight.potential.growth": "30",
    "weight.potential.gap": "30",
    "weight.potential.inflow": "40",
    "weight.potential.growth_floor": "5000",
    "price.transfer.liability": "2.00",
    "price.transfer.asset": "2.20",
    "price.rate.liability": "0.30",
    "price.rate.asset": "4.35",
    "price.margin.intermediary": "0.50",
    "cost.assisted": "6.00",
    "cost.device": "1.00",
    "cost.remote": "0.10",
    "cost.agreement": "12.00",
    "work.value_fell.percent": "30",
    "work.value_fell.amount": "10000",
    "work.idle_inflow.amount": "50000",
    "work.idle_inflow.days": "14",
    "work.maturing.days": "30",
    "work.birthday.days": "7",
    **{
        f"tier.{code}.{figure}": value
        for code, _name, _days, _colour, *figures in TIERS
        for figure, value in zip(("balance", "contribution"), figures, strict=True)
        if value is not None
    },
}


def seed(*, actor: Actor) -> int:
    """Add the tiers and the institution's thresholds that are missing; answers how many thresholds came."""
    for rank, (code, name, days, colour, *_figures) in enumerate(TIERS, start=1):
        define_tier(
            actor=actor, code=code, name=name, rank=rank, contact_every_days=days, colour=colour
        )
    return add_thresholds(
        actor=actor, values={name: Decimal(value) for name, value in DEFAULTS.items()}
    )
