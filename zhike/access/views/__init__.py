"""Pages of the access room."""

from zhike.access.views.account import RevokeToken, TokenList, language, me
from zhike.access.views.groups import GroupSeatList, RemoveGroupSeat
from zhike.access.views.passkeys import PasskeySignInView, RemovePasskey
from zhike.access.views.password import PasswordView
from zhike.access.views.provider import from_provider, to_provider
from zhike.access.views.second_factor import SecondFactorView, TakeSecondFactorAway
from zhike.access.views.signing_in import SecondStepView, SignInView, prove_again, sign_out
from zhike.access.views.trail import TrailView

__all__ = [
    "GroupSeatList",
    "PasskeySignInView",
    "PasswordView",
    "RemoveGroupSeat",
    "RemovePasskey",
    "RevokeToken",
    "SecondFactorView",
    "SecondStepView",
    "SignInView",
    "TakeSecondFactorAway",
    "TokenList",
    "TrailView",
    "from_provider",
    "language",
    "me",
    "prove_again",
    "sign_out",
    "to_provider",
]
