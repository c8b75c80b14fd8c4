"""What rules, facts and dimensions are called, what is wrong where one is broken, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.kernel.wording import listed
from zhike.masterdata.quality.rules import RULES, Dimension, Rule, Terms

Text = str | Promise

DIMENSIONS: Mapping[Dimension, Text] = {
    Dimension.COMPLETE: pgettext_lazy("data quality", "Complete"),
    Dimension.PLAUSIBLE: pgettext_lazy("data quality", "Plausible"),
    Dimension.CONSISTENT: pgettext_lazy("data quality", "Consistent"),
    Dimension.FRESH: pgettext_lazy("data quality", "Fresh"),
    Dimension.VERIFIED: pgettext_lazy("data quality", "Verified"),
}
TONES: Mapping[Dimension, str] = {
    Dimension.COMPLETE: "blue",
    Dimension.PLAUSIBLE: "red",
    Dimension.CONSISTENT: "orange",
    Dimension.FRESH: "yellow",
    Dimension.VERIFIED: "secondary",
}
FACTS: Mapping[str, Text] = {
    "name": pgettext_lazy("of a customer", "name"),
    "type": gettext_lazy("type"),
    "sex": gettext_lazy("sex"),
    "birth_on": gettext_lazy("birth or founding date"),
    "since_on": gettext_lazy("with us since"),
    "until_on": gettext_lazy("left us on"),
    "occupation": gettext_lazy("occupation"),
    "industry": gettext_lazy("industry"),
    "education": gettext_lazy("education"),
    "marital_status": gettext_lazy("marital status"),
    "employees_count": gettext_lazy("number of employees"),
    "identifier": gettext_lazy("document"),
    "contact_point": gettext_lazy("telephone or WeChat"),
    "address": gettext_lazy("address"),
    "email": gettext_lazy("e-mail"),
    "manager": gettext_lazy("main manager"),
    "decision_maker": gettext_lazy("decision maker"),
}
_WRONG: Mapping[Dimension, Text] = {
    Dimension.COMPLETE: gettext_lazy("%(fact)s is missing"),
    Dimension.PLAUSIBLE: gettext_lazy("%(fact)s cannot be right"),
    Dimension.CONSISTENT: gettext_lazy("sources disagree on %(fact)s"),
    Dimension.FRESH: gettext_lazy("%(fact)s was not confirmed for long"),
    Dimension.VERIFIED: gettext_lazy("nobody checked %(fact)s"),
}
_OWN: Mapping[str, Text] = {
    "plausible.birth_on.age": gettext_lazy("older than 120 years"),
    "plausible.birth_on.identity": gettext_lazy("birth date differs from the identity number"),
    "plausible.sex.identity": gettext_lazy("sex differs from the identity number"),
    "plausible.name.title": gettext_lazy("name is only a title or masked"),
    "plausible.employees_count.range": gettext_lazy("no firm has so many employees, or none"),
    "plausible.identifier.form": gettext_lazy("check digits of the document are wrong"),
    "plausible.contact_point.form": gettext_lazy("mobile is in no range that was ever assigned"),
    "consistent.identifier": gettext_lazy("two documents of the same kind"),
    "complete.manager": gettext_lazy("nobody looks after the customer"),
}
TO_DO: Mapping[Dimension, Text] = {
    Dimension.COMPLETE: gettext_lazy("Ask for it at the next contact and enter it."),
    Dimension.PLAUSIBLE: gettext_lazy("Ask the customer and correct it."),
    Dimension.CONSISTENT: gettext_lazy("Ask which is right and confirm it, or pin the right word."),
    Dimension.FRESH: gettext_lazy("Ask whether it still holds and confirm it."),
    Dimension.VERIFIED: gettext_lazy("See the paper or call the number, then confirm it."),
}
_OWN_TODO: Mapping[str, Text] = {
    "complete.manager": gettext_lazy("Assign a main manager."),
    "consistent.identifier": gettext_lazy("See the paper and remove the other one."),
}


def tone_of(score: int | None) -> str:
    if score is None:
        return ""
    return "green" if score >= 90 else "yellow" if score >= 60 else "red"


def wrong(rule: Rule) -> str:
    """What is wrong where the rule is broken."""
    if own := _OWN.get(rule.code):
        return str(own)
    return str(_WRONG[rule.dimension]) % {"fact": FACTS[rule.fact]}


def to_do(rule: Rule) -> str:
    """What helps against this rule alone; "" where what its dimension says is all there is."""
    return str(_OWN_TODO.get(rule.code, ""))


def days_of(terms: Terms) -> str:
    return _("%(n)s days") % {"n": f"{terms.days:,}"} if terms.days else ""


def told(codes: list[str], most: int = 3) -> str:
    """The gravest of what is wrong in a line, with how many more there are."""
    rules = sorted(
        (RULES[code] for code in codes if code in RULES), key=lambda rule: -rule.usual.weight
    )
    line = listed(wrong(rule) for rule in rules[:most])
    return f"{line} +{len(rules) - most}" if len(rules) > most else line


def facts_told(codes: list[str], dimension: Dimension) -> str:
    """The facts on which a dimension is broken, in a line."""
    rules = (RULES[code] for code in codes if code in RULES)
    return listed(FACTS[rule.fact] for rule in rules if rule.dimension is dimension)
