"""Every table and column of PostgreSQL that goes into the warehouse, named once.

`Extract.query` is the statement that is copied out; `reads` lists what it touches. Tests hold both against the
models, and refuse a column of class C2 unless it is an amount of money: no name, no birth date, no identifier.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from zhike.products.facts import MONEY

RATE = pa.decimal128(8, 4)


@dataclass(frozen=True)
class Source:
    """A model ("customers.Party") and the columns of its table that an extract reads."""

    model: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Extract:
    """One warehouse table made from PostgreSQL; the query takes %(as_of)s, the date of the refresh."""

    table: str
    query: str
    schema: pa.Schema
    reads: tuple[Source, ...]


PARTIES = Extract(
    table="crm/parties",
    query="""
        SELECT p.id AS party_id, p.unit_id, p.kind, p.stage, p.type, p.since_on,
            a.employee_id AS manager_id,
            t.code AS tier, lower(r.during) AS tier_since,
            cast(r.figures ->> 'below_since' AS date) AS below_since,
            EXISTS (SELECT 1 FROM customers_tierrating n
                    WHERE n.party_id = p.id AND lower(n.during) >= %(as_of)s) AS rated_on_day,
            c.last_contact_on
        FROM customers_party p
        LEFT JOIN customers_assignment a
            ON a.party_id = p.id AND a.role = 'main' AND a.during @> cast(%(as_of)s AS date)
        LEFT JOIN customers_tierrating r
            ON r.party_id = p.id AND r.during @> (cast(%(as_of)s AS date) - 1)
        LEFT JOIN customers_tier t ON t.id = r.tier_id
        LEFT JOIN (
            SELECT e.party_id, cast(max(e.at) AT TIME ZONE 'Asia/Shanghai' AS date) AS last_contact_on
            FROM customers_timelineentry e
            WHERE e.kind = 'contact' AND e.at < cast(%(as_of)s AS date) + interval '1 day'
            GROUP BY e.party_id
        ) c ON c.party_id = p.id
        ORDER BY p.id
    """,
    schema=pa.schema(
        [
            ("party_id", pa.int64()),
            ("unit_id", pa.int64()),
            ("kind", pa.string()),
            ("stage", pa.string()),
            ("type", pa.string()),
            ("since_on", pa.date32()),
            ("manager_id", pa.int64()),
            ("tier", pa.string()),
            ("tier_since", pa.date32()),
            ("below_since", pa.date32()),
            ("rated_on_day", pa.bool_()),
            ("last_contact_on", pa.date32()),
        ]
    ),
    reads=(
        Source("customers.Party", ("id", "unit_id", "kind", "stage", "type", "since_on")),
        Source("customers.Assignment", ("party_id", "employee_id", "role", "during")),
        Source("customers.TierRating", ("party_id", "tier_id", "during", "figures")),
        Source("customers.Tier", ("id", "code")),
        Source("customers.TimelineEntry", ("party_id", "at", "kind")),
    ),
)

AGREEMENTS = Extract(
    table="crm/agreements",
    query="""
        SELECT g.id AS agreement_id, g.party_id, g.unit_id, d.code AS product, d.category, d.side,
            coalesce(g.rate, d.rate) AS rate, g.currency, g.principal, g.opened_on, g.closed_on,
            g.matures_on, g.status
        FROM products_agreement g
        JOIN products_product d ON d.id = g.product_id
        ORDER BY g.party_id, g.id
    """,
    schema=pa.schema(
        [
            ("agreement_id", pa.int64()),
            ("party_id", pa.int64()),
            ("unit_id", pa.int64()),
            ("product", pa.string()),
            ("category", pa.string()),
            ("side", pa.string()),
            ("rate", RATE),
            ("currency", pa.string()),
            ("principal", MONEY),
            ("opened_on", pa.date32()),
            ("closed_on", pa.date32()),
            ("matures_on", pa.date32()),
            ("status", pa.string()),
        ]
    ),
    reads=(
        Source(
            "products.Agreement",
            (
                "id",
                "party_id",
                "unit_id",
                "product_id",
                "rate",
                "currency",
                "principal",
                "opened_on",
                "closed_on",
                "matures_on",
                "status",
            ),
        ),
        Source("products.Product", ("id", "code", "category", "side", "rate")),
    ),
)

PRODUCTS = Extract(
    table="crm/products",
    query="""
        SELECT d.code, d.category, d.side, d.status, d.term_months, d.rate
        FROM products_product d ORDER BY d.code
    """,
    schema=pa.schema(
        [
            ("code", pa.string()),
            ("category", pa.string()),
            ("side", pa.string()),
            ("status", pa.string()),
            ("term_months", pa.int16()),
            ("rate", RATE),
        ]
    ),
    reads=(
        Source("products.Product", ("code", "category", "side", "status", "term_months", "rate")),
    ),
)

MERGED = Extract(
    table="crm/merged",
    query="""
        SELECT m.absorbed AS party_id, m.root_id AS root FROM customers_merge m
        WHERE m.undone_at IS NULL ORDER BY m.absorbed
    """,
    schema=pa.schema([("party_id", pa.int64()), ("root", pa.int64())]),
    reads=(Source("customers.Merge", ("absorbed", "root_id", "undone_at")),),
)

TAKEN = Extract(
    table="crm/taken",
    query="""
        SELECT DISTINCT ON (e.agreement) e.agreement::bigint AS agreement_id, m.absorbed AS party_id
        FROM customers_merge m
        CROSS JOIN LATERAL jsonb_array_elements_text(m.moved -> 'products_agreement.party_id') e (agreement)
        WHERE m.how = 'record' ORDER BY e.agreement, m.id DESC
    """,
    schema=pa.schema([("agreement_id", pa.int64()), ("party_id", pa.int64())]),
    reads=(Source("customers.Merge", ("id", "absorbed", "moved", "how")),),
)

EXTRACTS = (PARTIES, AGREEMENTS, PRODUCTS, MERGED, TAKEN)
