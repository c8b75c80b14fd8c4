"""The pages of value: one module a kind, all over what the actor may see."""

from __future__ import annotations
