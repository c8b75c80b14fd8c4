"""What a person keeps on their screens."""

from __future__ import annotations

from django.urls import path

from zhike.desk.views import files, moves, notices, remembered, runs, shelves

app_name = "desk"

urlpatterns = [
    path("notices/", notices.NoticesView.as_view(), name="notices"),
    path("notices/bell/", notices.BellView.as_view(), name="bell"),
    path("notices/unread/", notices.UnreadView.as_view(), name="unread"),
    path("notices/read/", notices.AllReadView.as_view(), name="all_read"),
    path("notices/<uuid:public_id>/open/", notices.OpenView.as_view(), name="open"),
    path("notices/<uuid:public_id>/read/", notices.ReadView.as_view(), name="read"),
    path("remembered/", remembered.RememberedView.as_view(), name="remembered"),
    path("remembered/<uuid:public_id>/pin/", remembered.PinView.as_view(), name="pin"),
    path("views/", shelves.ViewsView.as_view(), name="views"),
    path("bulk/", runs.BulkView.as_view(), name="bulk"),
    path("moves/", moves.MoveView.as_view(), name="move"),
    path("files/", files.FilesView.as_view(), name="files"),
    path("files/trace/", files.TraceView.as_view(), name="trace"),
    path("files/<uuid:public_id>/", files.FilePage.as_view(), name="file"),
    path("files/<uuid:public_id>/fetch/", files.FetchFile.as_view(), name="fetch"),
    path("jobs/", runs.RunsView.as_view(), name="runs"),
    path("jobs/<uuid:public_id>/", runs.RunPage.as_view(), name="run"),
]
