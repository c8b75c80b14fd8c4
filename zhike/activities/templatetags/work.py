"""`{% load work %}`: what a line says: why, how much, and what to do next; where people's lists are."""

from __future__ import annotations

import re
from functools import lru_cache
from uuid import UUID

from django import template
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from zhike.activities import rules
from zhike.activities.models import WorkItem
from zhike.organisation.models import Employee

register = template.Library()

NOBODY = UUID(int=0)

_WHOLE = re.compile(r"\d{4}-\d\d-\d\d|[\d,.]*\d[万亿萬億兆]*元")
"""A day, or an amount with its unit."""


@lru_cache
def _address(name: str) -> str:
    """Made once: the table of a team has hundreds."""
    return reverse(name, args=[NOBODY])


@register.filter
def list_url(employee: Employee) -> str:
    return _address("activities:person").replace(str(NOBODY), str(employee.public_id))


@register.filter
def hand_over_url(employee: Employee) -> str:
    return _address("activities:hand_over").replace(str(NOBODY), str(employee.public_id))


@register.filter
def why(item: WorkItem) -> SafeString:
    """The reason in a sentence, no day and no amount of which is broken in two."""
    said = escape(rules.sentence(item.rule, item.figures, get_language() or "en"))
    return SafeString(_WHOLE.sub(r'<span class="text-nowrap">\g<0></span>', said))


@register.filter
def figure(item: WorkItem) -> str:
    return rules.key_figure(item.rule, item.figures, get_language() or "en")


@register.filter
def step(item: WorkItem) -> rules.Step:
    return rules.NEXT_STEPS[item.rule]
