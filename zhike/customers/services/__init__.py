"""Every write to customers, a module a theme; import them from here."""

from __future__ import annotations

from zhike.customers.services.timeline import add_timeline_entry

__all__ = ["add_timeline_entry"]
