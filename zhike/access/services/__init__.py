"""Writes of the access room."""

from zhike.access.services.approvals import set_approval_level
from zhike.access.services.arrivals import (
    admit,
    end_who_is_gone,
    make_group_seat,
    remove_group_seat,
)
from zhike.access.services.grants import give_right, take_right_back
from zhike.access.services.notes import note_refusal, note_reveal, note_sign_in, note_sign_out
from zhike.access.services.passkeys import (
    add_passkey,
    prove_by_passkey,
    remove_passkey,
    take_passkey_away,
    try_passkey,
)
from zhike.access.services.passwords import change_password
from zhike.access.services.second_factor import (
    begin_second_factor,
    confirm_second_factor,
    renew_recovery_codes,
    take_second_factor_away,
)
from zhike.access.services.signing_in import SignIn, prove, try_second_factor, try_sign_in
from zhike.access.services.tokens import make_token, note_use, revoke_token

__all__ = [
    "SignIn",
    "add_passkey",
    "admit",
    "begin_second_factor",
    "change_password",
    "confirm_second_factor",
    "end_who_is_gone",
    "give_right",
    "make_group_seat",
    "make_token",
    "note_refusal",
    "note_reveal",
    "note_sign_in",
    "note_sign_out",
    "note_use",
    "prove",
    "prove_by_passkey",
    "remove_group_seat",
    "remove_passkey",
    "renew_recovery_codes",
    "revoke_token",
    "set_approval_level",
    "take_passkey_away",
    "take_right_back",
    "take_second_factor_away",
    "try_passkey",
    "try_second_factor",
    "try_sign_in",
]
