"""What each customer is worth and what to do about it: staging, marts, methods, metrics, scores, findings.

A library first: `methods` import no Django and work on any Ibis table. Not here: facts (products' columns, loaded
by masterdata), work lists (activities), tiers and standings as rows (customers).
"""
