"""`{% load work %}`: what a line says: why, how much, and what to do next."""

from __future__ import annotations

from django import template
from django.utils.translation import get_language

from zhike.activities import rules
from zhike.activities.models import WorkItem

register = template.Library()


@register.filter
def why(item: WorkItem) -> str:
    return rules.sentence(item.rule, item.figures, get_language() or "en")


@register.filter
def figure(item: WorkItem) -> str:
    return rules.key_figure(item.rule, item.figures, get_language() or "en")


@register.filter
def step(item: WorkItem) -> rules.Step:
    return rules.NEXT_STEPS[item.rule]
