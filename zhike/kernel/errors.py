"""Errors that a person reads: each says what is wrong and the way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zhike.kernel.wording import sentences


class UserError(Exception):
    """Something the person can put right.

    `message` says what is wrong, `way_out` what to do. Neither may contain a class C2 value.
    """

    def __init__(self, message: str, way_out: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.way_out = way_out

    def __str__(self) -> str:
        return sentences((self.message, self.way_out))


class Refused(UserError):
    """The actor may not do this; the reason is shown to them and written to the trail."""

    def __init__(self, reason: str, *, action: str = "", way_out: str = "") -> None:
        super().__init__(reason, way_out)
        self.reason = reason
        self.action = action


class ProofWanted(Exception):
    """It must be the person themselves: the last proof of it is too old. Nothing was done yet.

    No UserError, for no form shows it: the middleware asks for the proof and the request comes again.
    """


class Conflict(UserError):
    """Somebody else changed the same fields since the person opened the form.

    `fields` maps a field name to (original, mine, theirs).
    """

    def __init__(self, message: str, fields: Mapping[str, tuple[Any, Any, Any]]) -> None:
        super().__init__(message)
        self.fields = dict(fields)
