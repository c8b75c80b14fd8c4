"""Classes of data after JR/T 0171-2020: what a field may be shown as, exported as, and where it may lie.

C3 authentication secrets are never stored. C2 identifies a person or shows their money. C1 is internal.
OPEN is what no one is hurt by (codes, ids without meaning, row mechanics).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class FieldClass(StrEnum):
    OPEN = "open"
    C1 = "C1"
    C2 = "C2"


ROW_MECHANICS = "id public_id version created_at changed_at"


def classify(*, open: str = "", c1: str = "", c2: str = "") -> Mapping[str, FieldClass]:
    """The class of every field of a model, by space-separated names; the row's own mechanics are open."""
    classes: dict[str, FieldClass] = {}
    for names, field_class in (
        (f"{ROW_MECHANICS} {open}", FieldClass.OPEN),
        (c1, FieldClass.C1),
        (c2, FieldClass.C2),
    ):
        for name in names.split():
            if name in classes:
                raise ValueError(f"{name} is given two classes")
            classes[name] = field_class
    return classes
