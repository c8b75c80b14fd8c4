"""Who may do what with which rows: roles, the actor of a request, masks, reveals, the page of the trail.

Does not live here: the tree of units (organisation), how a scope is applied (kernel), what a customer is.
"""
