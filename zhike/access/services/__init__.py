"""Writes of the access room."""

from zhike.access.services.notes import note_refusal, note_reveal, note_sign_in, note_sign_out
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
    "begin_second_factor",
    "confirm_second_factor",
    "make_token",
    "note_refusal",
    "note_reveal",
    "note_sign_in",
    "note_sign_out",
    "note_use",
    "prove",
    "renew_recovery_codes",
    "revoke_token",
    "take_second_factor_away",
    "try_second_factor",
    "try_sign_in",
]
