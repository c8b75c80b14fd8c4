"""Addresses of the import runs."""

from __future__ import annotations

from django.urls import path

from zhike.masterdata.views import alike, runs, wizard

app_name = "masterdata"

urlpatterns = [
    path("", runs.RunList.as_view(), name="runs"),
    path("alike/", alike.Alike.as_view(), name="alike"),
    path("new/", wizard.UploadNew.as_view(), name="new"),
    path("uploads/<uuid:public_id>/", wizard.UploadPage.as_view(), name="upload"),
    path("<uuid:public_id>/revert/", wizard.RevertRun.as_view(), name="revert"),
    path("<uuid:public_id>/", runs.RunPage.as_view(), name="run"),
    path("files/<uuid:public_id>/rejects/", runs.RejectsPage.as_view(), name="rejects"),
    path("files/<uuid:public_id>/rejects.csv", runs.RejectDownload.as_view(), name="download"),
]
