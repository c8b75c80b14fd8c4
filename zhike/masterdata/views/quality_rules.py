"""The rules of data quality: which are in force, and what somebody sets them to."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.customers.models import Party
from zhike.kernel import clock
from zhike.kernel.errors import Refused, UserError
from zhike.masterdata.quality import queries
from zhike.masterdata.quality.models import QualityRule
from zhike.masterdata.quality.queries import Sight
from zhike.masterdata.quality.rules import RULES, USUAL, Dimension, Rule, Terms
from zhike.masterdata.quality.words import DIMENSIONS, days_of, wrong
from zhike.masterdata.services import quality
from zhike.masterdata.views.quality import addressed
from zhike.ui.navigation import Action
from zhike.ui.views import PageView, visible

SETS_RULES = "insight.thresholds"


class RuleList(PageView):
    """Every rule in force: its weight, its days, for whom, and how many customers in sight break it."""

    permission = "insight.view"
    title = gettext_lazy("Rules of data quality")
    template_name = "masterdata/quality_rules.html"
    fragment = "rules"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        terms = quality.terms_in_force()
        own = set(visible(QualityRule, self.actor).values_list("code", flat=True))
        broken = queries.by_rule(Sight(self.actor))
        may = bool(self.actor.may(SETS_RULES)) and self.actor.everywhere
        types = dict(Party.Type.choices)
        groups = [
            (
                DIMENSIONS[dimension],
                [
                    {
                        "wrong": wrong(rule),
                        "terms": terms[code],
                        "days": days_of(terms[code]),
                        "types": [types[name] for name in sorted(terms[code].types)],
                        "own": code in own,
                        "count": broken.get(code, 0),
                        "rows": addressed(reverse("quality:findings"), {"rule": code}),
                        "url": reverse("quality:rule", args=[code]) if may else "",
                    }
                    for code, rule in RULES.items()
                    if rule.dimension is dimension
                ],
            )
            for dimension in DIMENSIONS
        ]
        actions = [
            Action(
                _("Data quality"), reverse("quality:overview"), icon="clipboard-data", quiet=True
            )
        ]
        return self.show({"groups": groups, "may": may, "actions": actions})


class TermsForm(forms.Form):
    """Weight, days (where a rule has some) and types; `seen` is the version the person looked at."""

    weight = forms.IntegerField(
        label=gettext_lazy("Weight"),
        min_value=0,
        max_value=100,
        help_text=gettext_lazy("How much it counts in the score; 0 turns the rule off."),
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days"),
        min_value=1,
        max_value=36_500,
        help_text=gettext_lazy("After so many days without a word a fact is to be confirmed."),
    )
    types = forms.MultipleChoiceField(
        label=gettext_lazy("Types of customers"),
        choices=Party.Type.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: all it makes sense for."),
    )
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, rule: Rule, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if rule.dimension is not Dimension.FRESH:
            del self.fields["days"]

    def terms(self) -> Terms:
        said = self.cleaned_data
        return Terms(said["weight"], said.get("days", 0), frozenset(said["types"]))


class RulePage(PageView):
    """One rule. POST its terms, or `usual` for those it came with; in force from the next daily run. With `preview`
    nothing is kept: what they would change is shown."""

    permission = SETS_RULES
    template_name = "masterdata/quality_rule.html"
    fragment = "form"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        kept = visible(QualityRule, self.actor).filter(code=self.rule.code).first()
        terms = quality.terms_in_force()[self.rule.code]
        initial = {
            "weight": terms.weight,
            "days": terms.days,
            "types": sorted(terms.types),
            "seen": kept.version if kept else None,
        }
        return self._shown(TermsForm(self.rule, initial=initial), own=kept is not None)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = TermsForm(self.rule, request.POST)
        if not form.is_valid():
            return self._shown(form, status=422)
        if "preview" in request.POST:
            found = quality.preview(code=self.rule.code, terms=form.terms(), today=clock.today())
            return self._shown(form, own="own" in request.POST, found=found)
        terms = None if "usual" in request.POST else form.terms()
        try:
            quality.set_terms(
                actor=self.actor, code=self.rule.code, terms=terms, seen=form.cleaned_data["seen"]
            )
        except Refused:
            raise
        except UserError as error:
            form.add_error(None, str(error))
            return self._shown(form, status=422)
        messages.success(request, _("Saved. It is in force from the next daily run on."))
        return HttpResponseRedirect(reverse("quality:rules"), status=303)

    @cached_property
    def rule(self) -> Rule:
        code = self.kwargs["rule"]
        if code not in RULES:
            raise Http404
        return RULES[code]

    def _shown(
        self,
        form: TermsForm,
        *,
        own: bool = False,
        status: int = 200,
        found: quality.Preview | None = None,
    ) -> HttpResponse:
        usual = USUAL[self.rule.code]
        return self.show(
            {
                "title": wrong(self.rule),
                "form": form,
                "own": own,
                "found": found,
                "usual": usual,
                "usual_days": days_of(usual),
                "dimension": DIMENSIONS[self.rule.dimension],
            },
            status=status,
        )
