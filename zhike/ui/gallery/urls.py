"""The addresses of the gallery, below /ui/."""

from __future__ import annotations

from django.urls import path

from zhike.ui.gallery import views

app_name = "gallery"

urlpatterns = [
    path("drawer/", views.DrawerView.as_view(), name="drawer"),
    *(
        path(
            "" if name == "words" else f"{name}/", views.GalleryView.as_view(group=name), name=name
        )
        for name in views.GROUPS
    ),
]
