"""Addresses of data quality."""

from __future__ import annotations

from django.urls import path

from zhike.masterdata.views import quality, quality_rules

app_name = "quality"

urlpatterns = [
    path("", quality.Overview.as_view(), name="overview"),
    path("findings/", quality.FindingList.as_view(), name="findings"),
    path("findings/export/", quality.Export.as_view(), name="export"),
    path("verify/", quality.VerifyList.as_view(), name="verify"),
    path("rules/", quality_rules.RuleList.as_view(), name="rules"),
    path("rules/<str:rule>/", quality_rules.RulePage.as_view(), name="rule"),
    path("customers/<uuid:public_id>/confirm/", quality.Confirm.as_view(), name="confirm"),
]
