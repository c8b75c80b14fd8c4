"""The trail under its own name; the account's addresses are known to every page and have none before them."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.access import exports, views
from zhike.access.views import grants, pace

app_name = "access"

urlpatterns = [
    path("", views.TrailView.as_view(), name="trail"),
    path("export/", exports.Export.as_view(), name="export"),
]

# Included at the root without a namespace: the base page, the settings and Django name them so.
account: list[URLPattern] = [
    path("sign-in/", views.SignInView.as_view(), name="sign-in"),
    path("sign-in/second/", views.SecondStepView.as_view(), name="sign-in-second"),
    path("sign-in/passkey/", views.PasskeySignInView.as_view(), name="sign-in-passkey"),
    path("sign-in/provider/", views.to_provider, name="sign-in-provider"),
    path("sign-in/provider/back/", views.from_provider, name="sign-in-provider-back"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("language/", views.language, name="set_language"),
    path("me/", views.me, name="me"),
    path("me/proof/", views.prove_again, name="prove"),
    path("me/second-factor/", views.SecondFactorView.as_view(), name="second-factor"),
    path(
        "me/second-factor/<uuid:public_id>/take-away/",
        views.TakeSecondFactorAway.as_view(),
        name="second-factor-take-away",
    ),
    path(
        "me/second-factor/passkeys/<uuid:public_id>/remove/",
        views.RemovePasskey.as_view(),
        name="passkey-remove",
    ),
    path("groups/", views.GroupSeatList.as_view(), name="group-seats"),
    path(
        "groups/<uuid:public_id>/remove/", views.RemoveGroupSeat.as_view(), name="group-seat-remove"
    ),
    path("grants/", grants.GrantList.as_view(), name="grants"),
    path("grants/<uuid:public_id>/end/", grants.TakeBack.as_view(), name="grant-end"),
    path("grants/people/<uuid:public_id>/", grants.Give.as_view(), name="grant-give"),
    path("approvals/levels/", grants.LevelList.as_view(), name="approval-levels"),
    path("approvals/levels/<uuid:public_id>/", grants.LevelEdit.as_view(), name="approval-level"),
    path("pace/", pace.PaceView.as_view(), name="pace"),
    path("pace/limits/", pace.PaceLimits.as_view(), name="pace-limits"),
    path("pace/limits/<uuid:public_id>/", pace.PaceLimitEdit.as_view(), name="pace-limit"),
    path("me/password/", views.PasswordView.as_view(), name="password"),
    path("me/tokens/", views.TokenList.as_view(), name="tokens"),
    path("me/tokens/<uuid:public_id>/revoke/", views.RevokeToken.as_view(), name="token-revoke"),
]
