"""The inbox: the bell's list, the page, what is read."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from zhike.desk import queries
from zhike.desk.services import notices
from zhike.ui import paging
from zhike.ui.views import PageView, done

ORDER = paging.Order("at", descending=True)
AT_ONCE = 30
IN_THE_BELL = 8


class NoticesView(PageView):
    """Every notice of one's own, the newest first; `?unread=1` only what is unread."""

    permission = "account.use"
    title = _("Notices")
    template_name = "desk/notices.html"
    fragment = "rows"

    def get(self, request: HttpRequest) -> HttpResponse:
        only_unread = request.GET.get("unread") == "1"
        rows = queries.unread(self.actor) if only_unread else queries.notices(self.actor)
        try:
            page = paging.page(rows, ORDER, AT_ONCE, request.GET.get("cursor", ""))
        except paging.BadCursor:
            page = paging.page(rows, ORDER, AT_ONCE)
        return self.show(
            {
                "page": page,
                "told": queries.in_words(self.actor, page.rows),
                "only_unread": only_unread,
                "unread": queries.unread(self.actor).count(),
            }
        )


class BellView(PageView):
    """The newest few, below the bell."""

    permission = "account.use"
    template_name = "desk/notices.html"
    fragment = "few"

    def get(self, request: HttpRequest) -> HttpResponse:
        newest = queries.notices(self.actor).order_by("-at", "-pk")[:IN_THE_BELL]
        return self.show({"told": queries.in_words(self.actor, list(newest))})


class UnreadView(PageView):
    """How many are unread, for a page without an event stream."""

    permission = "account.use"

    def get(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse({"unread": queries.unread(self.actor).count()})


class OpenView(PageView):
    """A notice is followed: read from now on, and on to what it is about."""

    permission = "account.use"

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        notice = notices.mark_read(actor=self.actor, public_id=public_id)
        return HttpResponseRedirect(notice.url or reverse("desk:notices"), status=303)


class ReadView(PageView):
    permission = "account.use"

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        notices.mark_read(actor=self.actor, public_id=public_id)
        return done("notices-changed")


class AllReadView(PageView):
    permission = "account.use"

    def post(self, request: HttpRequest) -> HttpResponse:
        notices.mark_all_read(actor=self.actor)
        return done("notices-changed")
