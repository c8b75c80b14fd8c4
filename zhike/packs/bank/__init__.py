"""Retail and rural commercial banks: their vocabulary, source mappings, metrics and a sample institution."""
