"""What every screen is made of: base page, components, list, detail and edit views, panels, icons.

Knows actors, permissions and registries of the kernel and nothing of any business: a word such as
customer, deposit or campaign does not belong here.
"""
