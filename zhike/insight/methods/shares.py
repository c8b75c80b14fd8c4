"""What ABC and 80/20 share: money in whole cents, and its running sum from the largest down."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def cents(value: ir.Column) -> ir.Column:
    """Money as whole cents; what is missing or below zero counts as nothing."""
    return (value * 100).cast("int64").fill_null(0).clip(lower=0)


def running(worth: ir.Column, id: ir.Column) -> ir.Column:
    """The sum from the largest `worth` down to and including this row; ties in the order of `id`."""
    return worth.sum().over(ibis.window(order_by=[worth.desc(), id], preceding=None, following=0))
