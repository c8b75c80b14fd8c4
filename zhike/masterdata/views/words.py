"""Whose word stands: pinned for one customer, ruled for all."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from zhike.customers.models import Party
from zhike.kernel.errors import Refused
from zhike.masterdata import queries
from zhike.masterdata.models import SurvivorRule
from zhike.masterdata.pair_conditions import JUDGES
from zhike.masterdata.services import ruling, surviving
from zhike.masterdata.survivorship import USUAL, Criterion
from zhike.masterdata.word_reasons import CRITERIA
from zhike.ui.navigation import Action
from zhike.ui.views import PageView, RowView, done, visible

CHANGED = "customer-facts"


class PinWord(RowView):
    """POST `record` and `reason`: this record's word stands in the field; `unpin`: the rules decide again."""

    model = Party
    permission = "customers.edit"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        party, field, sent = self.row(), self.kwargs["field"], request.POST
        if "unpin" in sent:
            surviving.unpin_value(actor=self.actor, party=party, field=field)
            text = _("The rules decide again.")
        else:
            number = sent.get("record", "")
            id = int(number) if number.isdecimal() and len(number) < 19 else 0
            record = queries.record_of(self.actor, party, pk=id)
            if record is None:
                raise Http404
            surviving.pin_value(
                actor=self.actor,
                party=party,
                field=field,
                record=record,
                reason=sent.get("reason", "")[:200],
            )
            text = _("Pinned.")
        if request.headers.get("HX-Request"):
            return done(CHANGED, toast=text)
        messages.success(request, text)
        return HttpResponseRedirect(party.get_absolute_url(), status=303)


class RulesView(PageView):
    """A page for those who see every customer and may merge them."""

    permission = JUDGES

    def must_rule(self) -> None:
        if not self.actor.everywhere:
            raise Refused(
                _("Rules are for everybody's customers: who sees but some of them changes none."),
                action="masterdata.rule",
            )


class Rules(RulesView):
    """Every field with the criteria that decide in it, in their order."""

    title = gettext_lazy("Which word stands")
    template_name = "masterdata/words_rules.html"
    fragment = "rules"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.must_rule()
        own = {rule.field: rule.criteria for rule in visible(SurvivorRule, self.actor)}
        return self.show(
            {
                "rules": [
                    {
                        "label": queries.label_of(field),
                        "url": reverse("review:rule", args=[field]),
                        "order": [CRITERIA[name] for name in own.get(field, USUAL)],
                        "own": field in own,
                    }
                    for field in surviving.WORDS
                ],
            }
        )


class RulePage(RulesView):
    """One field. POST `criteria` in their order: first how many customers would change (`look`), then the change."""

    template_name = "masterdata/words_rule.html"
    fragment = "look"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.must_rule()
        return self._shown(ruling.order_of(self._field()))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.must_rule()
        field, sent = self._field(), request.POST.getlist("criteria")
        if "usual" in request.POST:
            sent = list(USUAL)
        if sorted(sent) != sorted(USUAL):
            raise Http404
        criteria = tuple(Criterion(name) for name in sent)
        if "look" in request.POST:
            changed = ruling.would_change(actor=self.actor, field=field, criteria=criteria)
            return self._shown(criteria, len(changed))
        count = ruling.set_rule(actor=self.actor, field=field, criteria=criteria)
        messages.success(
            request,
            ngettext(
                "Saved. In %(n)s customer another word stands now.",
                "Saved. In %(n)s customers another word stands now.",
                count,
            )
            % {"n": f"{count:,}"},
        )
        return HttpResponseRedirect(reverse("review:rules"), status=303)

    def _field(self) -> str:
        field: str = self.kwargs["field"]
        if field not in surviving.WORDS:
            raise Http404
        return field

    def _shown(self, criteria: tuple[Criterion, ...], count: int | None = None) -> HttpResponse:
        words = count is not None and ngettext(
            "In %(n)s customer another word would stand.",
            "In %(n)s customers another word would stand.",
            count,
        ) % {"n": f"{count:,}"}
        return self.show(
            {
                "title": queries.label_of(self._field()),
                "pretitle": _("Which word stands"),
                "criteria": [(name.value, CRITERIA[name]) for name in criteria],
                "words": words,
                "usual": criteria == USUAL,
                "actions": [
                    Action(_("All fields"), reverse("review:rules"), icon="list", quiet=True)
                ],
            }
        )
