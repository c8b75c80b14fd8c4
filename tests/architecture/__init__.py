"""The house's rules, read from the source. Each checker is shown a planted fault beside the real code."""
