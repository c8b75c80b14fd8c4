"""Addresses of the review of who is who: pairs, merges, words and the runs of the matching."""

from __future__ import annotations

from django.urls import path

from zhike.masterdata.views import matching, merging, parting, review, words

app_name = "review"

ONE = "customers/<uuid:public_id>/"
urlpatterns = [
    path("pairs/", review.PairList.as_view(), name="pairs"),
    path("pairs/export/", review.Export.as_view(), name="export"),
    path("pairs/approvals/", review.Approvals.as_view(), name="approvals"),
    path("pairs/approvals/<uuid:public_id>/", review.AnswerApproval.as_view(), name="answer"),
    path("pairs/<uuid:public_id>/", review.PairPage.as_view(), name="pair"),
    path("pairs/<uuid:public_id>/judge/", review.JudgePair.as_view(), name="judge"),
    path("pairs/<uuid:public_id>/reopen/", review.ReopenPair.as_view(), name="reopen"),
    path(f"{ONE}merge/", merging.ChooseOther.as_view(), name="merge"),
    path(f"{ONE}merge/<uuid:other>/", merging.MergePage.as_view(), name="merge-with"),
    path("merges/<uuid:public_id>/split/", parting.SplitPage.as_view(), name="split"),
    path(f"{ONE}records/<uuid:record>/take/", parting.TakePage.as_view(), name="take"),
    path(f"{ONE}pin/<slug:field>/", words.PinWord.as_view(), name="pin"),
    path("survivorship/", words.Rules.as_view(), name="rules"),
    path("survivorship/<slug:field>/", words.RulePage.as_view(), name="rule"),
    path("matching/", matching.RunList.as_view(), name="matching"),
    path("matching/run/", matching.StartRun.as_view(), name="start-matching"),
    path("matching/<uuid:public_id>/", matching.RunPage.as_view(), name="matching-run"),
]
