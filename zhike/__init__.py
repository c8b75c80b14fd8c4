"""知客: one customer record, closed into a loop. See docs/house.md for the rooms and floors."""
