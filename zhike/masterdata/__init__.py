"""Many source records, one customer: source systems, mappings, loads with their rejects, matching.

Does not live here: the customer itself (customers), what is made of the facts (insight).
"""
