"""Basement: what every room stands on and what knows nothing of the business.

Lives here: the base model and its one door to read, actors and decisions, the audit trail, events on commit,
the clock, money, ids, encryption, registries, the warehouse store, the embedded database, errors.
Does not live here: customers, units, roles, or anything a banker would have a word for.
"""
