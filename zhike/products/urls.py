"""Addresses of the products' room."""

from __future__ import annotations

from django.urls import path

from zhike.products import views

app_name = "products"

urlpatterns = [
    path("products/", views.Catalogue.as_view(), name="list"),
    path("agreements/", views.AgreementList.as_view(), name="agreements"),
    path("agreements/export/", views.Export.as_view(), name="export"),
    path("products/agreements/<uuid:public_id>/reveal/", views.Reveal.as_view(), name="reveal"),
]
