"""The addresses of the gallery, below /ui/."""

from __future__ import annotations

from django.urls import path

from zhike.ui.gallery import views

app_name = "gallery"

urlpatterns = [
    path("", views.GalleryView.as_view(), name="words"),
    path("drawer/", views.DrawerView.as_view(), name="drawer"),
    path("<slug:group>/", views.GalleryView.as_view(), name="group"),
]
