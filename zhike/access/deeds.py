"""What stands on the trail, in the reader's words.

An action is a code, "<room>.<thing>.<deed>", so that the trail is read the same in every language and in a hundred
years. Here each code has its name, as every permission has in `roles`; a pack adds its own to `NAMES`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from zhike.access.echoes import echoed
from zhike.kernel.actor import SYSTEM, origin_names, permission_names
from zhike.kernel.models import AuditEntry
from zhike.kernel.wording import labelled
from zhike.ui.lists.bulk import bulk_actions
from zhike.ui.lists.taking import sources

NAMES: dict[str, str | Promise] = {
    "sign_in": _("Sign in"),
    "sign_in.password": _("Sign in by password"),
    "sign_in.passkey": _("Sign in by passkey"),
    "sign_in.second_factor": _("Sign in, second step"),
    "sign_out": _("Sign out"),
    "keys.new": _("Another key for sealed values"),
    "keys.reseal": _("Sealed values written under the newest key"),
    "keys.retire": _("Older keys of sealed values laid aside"),
    "audit.purge": _("Entries of the trail past their term purged"),
    "session.displaced": _("A fourth sign-in ended the oldest session"),
    "account.prove": _("Prove that it is oneself"),
    "account.password": _("Change one's password"),
    "account.language": _("Choose one's language"),
    "second_factor.begin": _("Begin a second factor"),
    "second_factor.confirm": _("Confirm a second factor"),
    "second_factor.recovery_code": _("Use a recovery code"),
    "second_factor.recovery_codes": _("Make new recovery codes"),
    "second_factor.take_away": _("Take a second factor away"),
    "passkey.add": _("Add a passkey"),
    "passkey.remove": _("Remove a passkey"),
    "passkey.take_away": _("Take a passkey away"),
    "passkey.copied": _("A passkey looks copied"),
    "token.make": _("Make an API token"),
    "token.revoke": _("Revoke an API token"),
    "identity.link": _("Link a login with the directory"),
    "identity.gone": _("Not found in the directory any more: access ended"),
    "group_seat.make": _("Give a group a position"),
    "group_seat.remove": _("Take a position from a group"),
    "access.end": _("End all access"),
    "access.grant": _("Give a right for a time"),
    "access.grant.end": _("Take a right back"),
    "access.level": _("Change who approves how much"),
    "refused": _("Something refused"),
    "honey.plant": _("Plant invented customers"),
    "honey.opened": _("An invented customer opened"),
    "honey.taken": _("An invented customer taken away in a file"),
    "pace.limit": _("Change a limit of viewing"),
    "pace.view.told": _("Many customers opened"),
    "pace.view.stop": _("Limit of customers opened reached"),
    "pace.view.release": _("Let open more customers"),
    "pace.reveal.told": _("Many values seen in clear"),
    "pace.reveal.stop": _("Limit of values in clear reached"),
    "pace.reveal.release": _("Let see more in clear"),
    "pace.program.told": _("Many customers read by a program"),
    "pace.program.stop": _("Limit of a program reached"),
    "pace.program.release": _("Let a program read more"),
    "outbox.settle": _("Settle a message in doubt"),
    "audit.verified": _("Verify the trail"),
    "export.ask": _("Ask for a file"),
    "export.approve": _("Agree to a file"),
    "export.refuse": _("Refuse a file"),
    "export.make": _("Make a file"),
    "export.trace_rows": _("Ask which file rows without a code are from"),
    "export.take_back": _("Take back the wish for a file"),
    "export.end": _("A file ends"),
    "export.expire": _("A file expires"),
    "export.report": _("Take the report of a bulk job"),
    "export.trace": _("Trace a row to its file"),
    "export.rejects": _("Take rejected rows"),
    "export.brief": _("Take a brief for a visit"),
    "organisation.unit.open": _("Open a unit"),
    "organisation.unit.change": _("Change a unit"),
    "organisation.unit.move": _("Move a unit"),
    "organisation.employee.hire": _("Enter an employee"),
    "organisation.employee.change": _("Change an employee"),
    "organisation.employee.leave": _("An employee leaves"),
    "organisation.leave": _("Let an employee leave"),
    "organisation.team.open": _("Open a team"),
    "organisation.team.join": _("Join a team"),
    "organisation.team.leave": _("Leave a team"),
    "organisation.appoint": _("Give a position"),
    "organisation.appointment.end": _("End a position"),
    "organisation.user.give_login": _("Give a login"),
    "organisation.user.open": _("Open a login again"),
    "organisation.user.close": _("Close a login"),
    "organisation.user.reset_password": _("Reset a password"),
    "desk.view.save": _("Keep a view"),
    "desk.view.change": _("Change a view"),
    "desk.view.delete": _("Delete a view"),
    "desk.bulk.start": _("Begin a bulk job"),
    "desk.bulk.ask": _("Ask a second person for a bulk job"),
    "desk.bulk.approve": _("Agree to a bulk job"),
    "desk.bulk.refuse": _("Refuse a bulk job"),
    "desk.bulk.take_back": _("A bulk job no longer wanted"),
    "desk.bulk.expire": _("A bulk job nobody answered for"),
    "desk.bulk.end": _("A bulk job of somebody who goes"),
    "desk.bulk.stop": _("Stop a bulk job"),
    "desk.bulk.resume": _("Go on with a bulk job"),
    "customers.party.create": _("Enter a customer"),
    "customers.party.change": _("Change a customer"),
    "customers.party.confirm": _("Confirm a customer's particulars"),
    "customers.party.convert": _("A prospect becomes a customer"),
    "customers.party.close": _("Close a customer"),
    "customers.party.reopen": _("Open a customer again"),
    "customers.party.merge": _("Merge customers"),
    "customers.party.split": _("Split customers"),
    "customers.identifier.add": _("Add a document"),
    "customers.identifier.verify": _("Verify a document"),
    "customers.identifier.remove": _("Remove a document"),
    "customers.contact_point.add": _("Add a way of contact"),
    "customers.contact_point.verify": _("Verify a way of contact"),
    "customers.contact_point.remove": _("Remove a way of contact"),
    "customers.address.add": _("Add an address"),
    "customers.address.verify": _("Verify an address"),
    "customers.address.remove": _("Remove an address"),
    "customers.relation.add": _("Add a relation"),
    "customers.relation.end": _("End a relation"),
    "customers.assignment.alone": _("Hand over more customers than one person does alone"),
    "customers.assignment.begin": _("Begin to look after a customer"),
    "customers.assignment.end": _("End looking after a customer"),
    "customers.assignment.take_back": _("Take an assignment back"),
    "customers.consent.give": _("Consent given"),
    "customers.consent.withdraw": _("Consent withdrawn"),
    "customers.consent.use": _("Consent used"),
    "customers.timeline.add": _("Write on the timeline"),
    "customers.timeline.withdraw": _("Withdraw from the timeline"),
    "customers.tier.define": _("Define a tier"),
    "customers.tiers.rate": _("Rate tiers"),
    "customers.standings.record": _("Record the standing of customers"),
    "products.product.add": _("Add a product"),
    "products.product.change": _("Change a product"),
    "activities.findings.replace": _("Renew the findings of the day"),
    "activities.item.plan": _("Plan a line of work"),
    "activities.item.complete": _("Finish a line of work"),
    "activities.item.dismiss": _("Call a line of work not useful"),
    "activities.item.postpone": _("Put a line of work off"),
    "activities.item.resume": _("Take a line of work up again"),
    "activities.item.reopen": _("Open a line of work again"),
    "activities.item.hand_over": _("Hand a line of work over"),
    "activities.item.take_back": _("Take a line of work back"),
    "activities.items.follow": _("Follow findings"),
    "activities.items.take_over": _("Take over lines of work"),
    "activities.team.view": _("See somebody else's list"),
    "insight.target.set": _("Set a target"),
    "insight.target.drop": _("Drop a target"),
    "insight.targets.scope": _("Set a target for others"),
    "insight.thresholds.add": _("Add thresholds"),
    "insight.threshold.set": _("Set a threshold"),
    "insight.threshold.follow": _("Follow the institution's threshold"),
    "insight.thresholds.scope": _("Set thresholds for others"),
    "masterdata.system.set": _("Set up a source system"),
    "masterdata.mapping.keep": _("Keep a mapping"),
    "masterdata.upload.receive": _("Receive a file"),
    "masterdata.upload.load": _("Load an uploaded file"),
    "masterdata.upload.drop": _("Discard an uploaded file"),
    "masterdata.upload.forget": _("Forget an old upload"),
    "masterdata.load.begin": _("A load begins"),
    "masterdata.load.end": _("A load ends"),
    "masterdata.file.load": _("Load a source file"),
    "masterdata.import.revert": _("Ask to take a load back"),
    "masterdata.import.reverted": _("A load is taken back"),
    "masterdata.match": _("Match records"),
    "masterdata.match.ask": _("Ask for matching"),
    "masterdata.pair.claim": _("Claim a pair"),
    "masterdata.pair.same": _("Judge a pair: same"),
    "masterdata.pair.different": _("Judge a pair: different"),
    "masterdata.pair.unsure": _("Judge a pair: unsure"),
    "masterdata.pair.reopen": _("Take a judgement back"),
    "masterdata.approval.ask": _("Ask a second person to judge"),
    "masterdata.approval.approve": _("Answer a request to judge"),
    "masterdata.approval.approved": _("Judging in bulk approved"),
    "masterdata.approval.declined": _("Judging in bulk declined"),
    "masterdata.record.take": _("Take a record out of a customer"),
    "masterdata.rule": _("Change which source is believed"),
    "masterdata.pin": _("Pin a value"),
    "masterdata.unpin": _("Unpin a value"),
    "masterdata.quality.measure": _("Measure data quality"),
    "masterdata.quality.rule": _("Change a rule of data quality"),
    "masterdata.quality.confirm": _("Confirm particulars"),
    "privacy.access.asked": _("A copy of one's data: asked"),
    "privacy.access.approved": _("A copy of one's data: approved"),
    "privacy.access.ready": _("A copy of one's data: ready"),
    "privacy.access.done": _("A copy of one's data: answered"),
    "privacy.access.refused": _("A copy of one's data: refused"),
    "privacy.access.hand_over": _("A copy of one's data: handed over"),
    "privacy.correction.asked": _("A correction: asked"),
    "privacy.correction.done": _("A correction: made"),
    "privacy.correction.refused": _("A correction: refused"),
    "privacy.erasure.asked": _("Erasure: asked"),
    "privacy.erasure.restricted": _("Erasure: restricted"),
    "privacy.erasure.erased": _("Erasure: erased"),
    "privacy.erasure.refused": _("Erasure: refused"),
    "privacy.erasure.read": _("Read what a law makes us keep"),
    "privacy.erasure.kept": _("Kept for a law"),
    "privacy.register.export": _("Take a register"),
}
"""Every action the rooms write, and of it the name."""

# The first word of where an action came from, which an address, a number or a name follows; and what acts by itself.
origin_names.update(
    {
        "web": pgettext_lazy("from where", "page"),
        "job": pgettext_lazy("from where", "job"),
        "token": pgettext_lazy("from where", "API token"),
        "zhike": pgettext_lazy("from where", "command"),
        "assignment": pgettext_lazy("from where", "after a change of managers"),
        "consent": pgettext_lazy("from where", "after a change of consent"),
        "contact": pgettext_lazy("from where", "after a contact"),
        "daily run": pgettext_lazy("from where", "daily run"),
        "demo": pgettext_lazy("from where", "sample institution"),
        "matching": pgettext_lazy("from where", "matching"),
        "pace": pgettext_lazy("from where", "after a limit was reached"),
    }
)


def name_of(action: str) -> str:
    """The action in the reader's words; a code nobody named stands as it is.

    A refusal may stand under the permission that was missing, a reveal under its field, a file under its source.
    """
    named = NAMES.get(action) or permission_names.get(action)
    if named:
        return str(named)
    kind, _dot, thing = action.partition(".")
    if kind == "reveal":
        return gettext("See in clear")
    if kind == "export":
        source = next((each.label for each in sources if each.id == thing), thing)
        return gettext("Take a file: %(what)s") % {"what": source}
    if action.endswith(".scope"):
        return gettext("Reach for what one does not look after")
    return action


REASONS = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"(\d+) standings written", _("%s standings written")),
        (r"(\d+) tiers changed on (\S+)", _("%s tiers changed on %s")),
        (r"(\d+) customers", _("%s customers")),
        (r"(\d+) thresholds", _("%s thresholds")),
        (r"matching run (\d+)", _("matching run %s")),
        (r"(\d+) compared, (\d+) merged, (\d+) split", _("%s compared, %s merged, %s split")),
        (r"(\d+) rows taken back, (\d+) kept", _("%s rows taken back, %s kept")),
        (r"(\d+) entries in (\d+) seals as sealed\.", _("%s entries in %s seals as sealed.")),
    )
)
"""What the system gives as its reason, and how the reader says it; the figures keep their order."""


CODED: Mapping[str, Sequence[str]] = {
    "customers.consent.use": ("customers.ConsentEvent.purpose", "customers.ConsentEvent.channel"),
    "masterdata.pin": ("customers.Party.*",),
    "masterdata.rule": ("customers.Party.*",),
}
"""Actions whose reason begins with codes, each with a colon behind: of which choices, or (*) of which fields."""


def reason_in_words(entry: AuditEntry) -> str:
    """The reason in the reader's language where the program wrote it; what a person wrote as it is."""
    for pattern, words in REASONS:
        if found := pattern.fullmatch(entry.reason):
            return str(words) % found.groups()
    if entry.outcome == AuditEntry.Outcome.REFUSED:
        return echoed(entry.reason)
    if entry.actor_name == SYSTEM and (said := echoed(entry.reason)) != entry.reason:
        return said
    parts = entry.reason.split(": ")
    if entry.action == "desk.bulk.start" and parts[0] in bulk_actions:
        parts[0] = str(bulk_actions.get(parts[0]).label)
    for nth, place in enumerate(CODED.get(entry.action, ())[: len(parts)]):
        parts[nth] = _named(place, parts[nth])
    return parts[0] if len(parts) == 1 else labelled(parts[0], ": ".join(parts[1:]))


def _named(place: str, code: str) -> str:
    """What the reader calls the code of a choice or a field; the code where it is none any more."""
    label, _dot, name = place.rpartition(".")
    try:
        field: Any = apps.get_model(label)._meta.get_field(code if name == "*" else name)
    except FieldDoesNotExist:
        return code
    return str(field.verbose_name if name == "*" else dict(field.flatchoices).get(code, code))


def called(words: str) -> list[str]:
    """The codes whose name in the reader's language holds `words`."""
    wanted = words.casefold()
    return [code for code in (*NAMES, *permission_names) if wanted in name_of(code).casefold()]
