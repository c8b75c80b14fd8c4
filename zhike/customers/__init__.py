"""The subject: persons and organisations, prospects beside customers, and what is known of them.

Lives here: parties, identifiers, contact points, addresses, relations, assignments to managers, tiers with
history, consent, the timeline, where each customer stands today, and the customer page.
Does not live here: what they hold (products), where the records came from (masterdata), what the numbers mean
(insight), what is to be done (activities).
"""
