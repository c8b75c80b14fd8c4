"""What every page may ask for beside itself."""

from __future__ import annotations

from django.urls import path

from zhike.ui import sessions
from zhike.ui.views.finding import FindView

app_name = "ui"

urlpatterns = [
    path("find/", FindView.as_view(), name="find"),
    path("session/", sessions.alive, name="session"),
    path("session/kept/", sessions.kept, name="kept"),
]
