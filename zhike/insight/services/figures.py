"""The newest scores once more, a typed column a metric: what lists are narrowed by."""

from __future__ import annotations

from datetime import date

from django.db import connection, models

from zhike.insight.models import Figures
from zhike.insight.scoring import REASONS, VALUES
from zhike.kernel.copying import refresh_statistics

FIELDS: tuple[models.Field[object, object], ...] = tuple(Figures._meta.concrete_fields[1:])
_TYPES = {
    models.DecimalField: "numeric",
    models.FloatField: "float8",
    models.IntegerField: "int",
    models.DateField: "date",
    models.BooleanField: "boolean",
}


def keep_figures(on: date) -> int:
    """Make the figures those of the scores of a day; answers how many. Part of a refresh and of its transaction."""
    Figures.objects.all().delete()
    columns = ", ".join(field.attname for field in FIELDS)
    with connection.cursor() as cursor:
        cursor.execute(
            # Names of our own columns and metrics alone stand in the text.
            # Names of the model's own columns.
            f"INSERT INTO {Figures._meta.db_table} (party_id, {columns}) "  # noqa: S608  names of our own
            f"SELECT party_id, {', '.join(map(_read, FIELDS))} FROM insight_score WHERE as_of = %s",
            [on],
        )
        written = int(cursor.rowcount)
    refresh_statistics(Figures)
    return written


def _read(field: models.Field[object, object]) -> str:
    """Where a score keeps the metric, as the column's type; the parts of a metric stand among its reasons."""
    if field.name in (*VALUES, "tier_gap"):
        text = f"values->>'{field.name}'"
    else:
        whole = next(name for name, parts in REASONS.items() if field.name in parts)
        text = f"reasons->'{whole}'->>'{field.name}'"
    if isinstance(field, models.CharField):
        return f"coalesce({text}, '')"
    return f"({text})::{next(name for kind, name in _TYPES.items() if isinstance(field, kind))}"
