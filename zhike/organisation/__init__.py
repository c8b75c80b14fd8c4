"""Who we are: the tree of units, positions in it, employees who hold them, users who sign in.

Does not live here: what a role may do (access), which customers someone looks after (customers).
"""
