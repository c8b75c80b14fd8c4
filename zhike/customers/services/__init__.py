"""Every write to customers, a module a theme; import them from here."""

from __future__ import annotations

from zhike.customers.services.assignments import (
    assign,
    hand_over,
    hand_over_of_many,
    release,
)
from zhike.customers.services.consent import give_consent, use_channel, withdraw_consent
from zhike.customers.services.merging import merge_many, merge_parties, split_party, take_out
from zhike.customers.services.parties import (
    close_guards,
    close_party,
    confirm_fields,
    convert_prospect,
    create_party,
    note_brief,
    note_export,
    reopen_party,
    update_party,
)
from zhike.customers.services.relations import end_relation, relate
from zhike.customers.services.sealed import (
    add_address,
    add_contact_point,
    add_identifier,
    open_party,
    remove_value,
    reveal,
    verify_value,
)
from zhike.customers.services.standing import (
    StandingRow,
    TierRatingRow,
    define_tier,
    rate_tiers,
    record_standings,
)
from zhike.customers.services.timeline import add_timeline_entry, withdraw_timeline_entries

__all__ = [
    "StandingRow",
    "TierRatingRow",
    "add_address",
    "add_contact_point",
    "add_identifier",
    "add_timeline_entry",
    "assign",
    "close_guards",
    "close_party",
    "confirm_fields",
    "convert_prospect",
    "create_party",
    "define_tier",
    "end_relation",
    "give_consent",
    "hand_over",
    "hand_over_of_many",
    "merge_many",
    "merge_parties",
    "note_brief",
    "note_export",
    "open_party",
    "rate_tiers",
    "record_standings",
    "relate",
    "release",
    "remove_value",
    "reopen_party",
    "reveal",
    "split_party",
    "take_out",
    "update_party",
    "use_channel",
    "verify_value",
    "withdraw_consent",
    "withdraw_timeline_entries",
]
