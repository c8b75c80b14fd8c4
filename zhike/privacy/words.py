"""What fields are called that no form shows: in the copy, the preview and the registers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from zhike.insight.catalogue import metrics

WORDS: Mapping[str, str | Promise] = {
    "sealed": pgettext_lazy("a field", "value, sealed"),
    "sealed_number": pgettext_lazy("a field", "number, sealed"),
    "provenance": pgettext_lazy("a field", "where the facts come from"),
    "source_key": pgettext_lazy("a field", "key in the source"),
    "figures": pgettext_lazy("a field", "figures behind it"),
    "values": pgettext_lazy("a field", "values"),
    "reasons": pgettext_lazy("a field", "reasons of the score"),
    "broken": pgettext_lazy("a field", "rules broken"),
    "stamps": pgettext_lazy("a field", "when it was entered"),
    "row": pgettext_lazy("a field", "row set aside"),
    "beside": pgettext_lazy("a field", "rows beside it"),
    "words": pgettext_lazy("a field", "earlier words"),
    "terms": pgettext_lazy("a field", "terms"),
    "changes": pgettext_lazy("a field", "what changed"),
    "reason": pgettext_lazy("a field", "reason"),
    "action": pgettext_lazy("a field", "action"),
    "outcome": pgettext_lazy("a field", "outcome"),
    "origin": pgettext_lazy("a field", "from where"),
    "at": pgettext_lazy("a field", "when"),
    "opened_at": pgettext_lazy("a field", "opened"),
    "by": pgettext_lazy("a field", "by whom"),
    "undone_by": pgettext_lazy("a field", "undone by"),
    "recorded_by": pgettext_lazy("a field", "recorded by"),
    "actor_name": pgettext_lazy("a field", "who"),
    "actor_user_id": pgettext_lazy("a field", "login"),
    "object_public_id": pgettext_lazy("a field", "id of the row"),
    "party_id": pgettext_lazy("a field", "number of the customer"),
    "answered_name": pgettext_lazy("a field", "answered by"),
    "user": pgettext_lazy("a field", "login"),
    "employee": pgettext_lazy("a field", "employee"),
    "tier": pgettext_lazy("a field", "tier"),
    "product": pgettext_lazy("a field", "product"),
    "unit": pgettext_lazy("a field", "unit"),
    "agreement": pgettext_lazy("a field", "agreement"),
    "system": pgettext_lazy("a field", "source system"),
    "text": pgettext_lazy("a field", "text"),
    "note": pgettext_lazy("a field", "note"),
    "params": pgettext_lazy("a field", "particulars"),
    "query": pgettext_lazy("a field", "conditions of the list"),
    "said": pgettext_lazy("a field", "conditions in words"),
    "columns": pgettext_lazy("a field", "columns"),
    "why": pgettext_lazy("a field", "what for"),
    "tier_gap": pgettext_lazy("a field", "gap to the next tier"),
    "booked_on": pgettext_lazy("a field", "booked on"),
    "month_end": pgettext_lazy("a field", "end of the month"),
    "direction": pgettext_lazy("a field", "direction"),
    "amount": pgettext_lazy("a field", "amount"),
    "balance": pgettext_lazy("a field", "balance"),
    "average_balance": pgettext_lazy("a field", "average balance"),
    "kind": pgettext_lazy("a field", "kind"),
    "channel": pgettext_lazy("a field", "channel"),
    "source": pgettext_lazy("a field", "source"),
    "mapping": pgettext_lazy("a field", "mapping"),
    "report": pgettext_lazy("a field", "what was found"),
    "look": pgettext_lazy("a field", "first rows, sealed"),
    "hashed": pgettext_lazy("a field", "password, hashed"),
    "subject": pgettext_lazy("a field", "number at the provider"),
    "key": pgettext_lazy("a field", "key"),
    "factor": pgettext_lazy("a field", "second factor"),
    "maker": pgettext_lazy("a field", "entered by"),
    "contribution_before": pgettext_lazy("a field", "contribution three months back"),
    "transaction_key": pgettext_lazy("a field", "key of the movement"),
}


def words_of(name: str) -> str:
    """The words of a field or column, "" where it has none."""
    if name in WORDS:
        return str(WORDS[name])
    return next((str(metric.label) for metric in metrics if metric.name == name), "")


def label_of(field: Any) -> str:
    """What a model's field is called; "" where nobody ever needed a word for it."""
    if field._verbose_name is not None:
        return str(field.verbose_name)
    return words_of(field.name)
