"""Data quality: what is wrong with what is known of a customer, and how good it is on the whole."""
