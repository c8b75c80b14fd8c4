"""What a list can do beyond its table: conditions, groups, boards, calendars, kept views, bulk actions."""
