"""`{% load work %}`: the sentence that says why a line is on the list."""

from __future__ import annotations

from django import template
from django.utils.translation import get_language

from zhike.activities.models import WorkItem
from zhike.activities.rules import sentence

register = template.Library()


@register.filter
def why(item: WorkItem) -> str:
    return sentence(item.rule, item.figures, get_language() or "en")
