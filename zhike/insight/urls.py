"""Addresses of the insight room."""

from __future__ import annotations

from django.urls import path

from zhike.insight import views

app_name = "insight"

urlpatterns = [path("", views.Overview.as_view(), name="overview")]
