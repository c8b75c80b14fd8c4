"""Addresses of the import runs."""

from __future__ import annotations

from django.urls import path

from zhike.masterdata import views

app_name = "masterdata"

urlpatterns = [
    path("", views.RunList.as_view(), name="runs"),
    path("<uuid:public_id>/", views.RunPage.as_view(), name="run"),
    path("files/<uuid:public_id>/rejects/", views.RejectsPage.as_view(), name="rejects"),
    path("files/<uuid:public_id>/rejects.csv", views.RejectDownload.as_view(), name="download"),
]
