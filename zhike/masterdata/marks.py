"""Marks that readers put into values."""

from __future__ import annotations

LOST_DIGITS = "\ufdd0"
"""Before a number that has lost its last digits: a workbook's cell holds fifteen."""
