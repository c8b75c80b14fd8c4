"""The pages every room has: a list, a row, an edit. Each starts at the rows its actor may see."""

from __future__ import annotations

from zhike.ui.views.cells import EditableListView
from zhike.ui.views.details import DetailView
from zhike.ui.views.edits import EditView
from zhike.ui.views.lists import ListView
from zhike.ui.views.pages import PageRequest, PageView, RowView, done, visible, wants_fragment

__all__ = [
    "DetailView",
    "EditView",
    "EditableListView",
    "ListView",
    "PageRequest",
    "PageView",
    "RowView",
    "done",
    "visible",
    "wants_fragment",
]
