"""The gallery: for those who run the system, and for whoever develops it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from zhike.kernel import clock
from zhike.ui.gallery import samples
from zhike.ui.steps import Tab
from zhike.ui.views.pages import PageView

GROUPS = {
    "words": _("Words and figures"),
    "lists": _("Lists"),
    "forms": _("Forms"),
    "charts": _("Charts"),
    "grids": _("Timeline, tree, board, calendar"),
    "layers": _("Dialogs and notices"),
}


class _Gallery(PageView):
    permission = "system.operate"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if settings.DEBUG:
            # A developer looks at components without a role of the institution.
            return super(PageView, self).dispatch(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)


class GalleryView(_Gallery):
    """One group of components, twice: in light and in dark."""

    title = _("Components")
    template_name = "ui/gallery/page.html"
    fragment = ""

    group = "words"

    def get(self, request: HttpRequest) -> HttpResponse:
        language = get_language() or "en"
        return self.show(
            {
                "specimens": f"ui/gallery/{self.group}.html",
                "tabs": [
                    Tab(label, reverse(f"gallery:{name}"), current=name == self.group)
                    for name, label in GROUPS.items()
                ],
                "sides": [
                    samples.side(theme, language, clock.now()) for theme in ("light", "dark")
                ],
            }
        )


class DrawerView(_Gallery):
    """What a row of the gallery shows in the drawer."""

    template_name = "ui/gallery/drawer.html"
    fragment = ""
    title = _("Components")

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(samples.peeked(get_language() or "en", clock.now()))
