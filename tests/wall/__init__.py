"""PostgreSQL's own row-level security, behind `visible_to`."""
