"""What customers hold: the catalogue, agreements (accounts, policies, contracts, meters) and who stands in them.

Does not live here: movements on an agreement (facts, in the warehouse), what to offer next (insight).
"""
