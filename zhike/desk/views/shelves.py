"""Keeping, changing and lending views of a list: one address, `do` says what."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from zhike.desk.models import SavedView
from zhike.desk.services import views
from zhike.ui.lists.bulk import listings
from zhike.ui.views import PageView, wants_fragment


class ViewsView(PageView):
    """POST `do`: `new`, `keep` (the state), `set` (name, lending, place), `drop`, `restore`. Leads to the list."""

    permission = "account.use"

    def post(self, request: HttpRequest) -> HttpResponse:
        sent = request.POST
        if sent.get("page", "") not in listings:
            raise Http404
        self.list_url = reverse(listings.get(sent["page"]).url_name)
        match sent.get("do"):
            case "new":
                view = views.save_view(
                    actor=self.actor,
                    page=sent["page"],
                    name=sent.get("name", ""),
                    query=sent.get("query", ""),
                    sharing=sent.get("sharing", "private"),
                )
                return self._to(view, _("The view is kept."))
            case "keep":
                view = views.keep_state(
                    actor=self.actor, public_id=self._id(), query=sent.get("query", "")
                )
                return self._to(view, _("The view is kept."))
            case "set":
                return self._set()
            case "drop":
                return self._drop()
            case "restore":
                view = views.restore_view(actor=self.actor, undo=sent.get("undo", ""))
                return self._to(view, _("The view is there again."))
        raise Http404

    def _set(self) -> HttpResponse:
        sent = self.request.POST
        if "name" in sent:
            views.set_view(
                actor=self.actor,
                public_id=self._id(),
                name=sent["name"],
                sharing=sent.get("sharing", "private"),
            )
        views.place_view(
            actor=self.actor,
            public_id=self._id(),
            pinned=sent.get("pinned") == "1",
            default=sent.get("default") == "1",
        )
        return self._lead(f"?{sent.get('query', '')}&view={self._id()}", _("Saved."))

    def _drop(self) -> HttpResponse:
        undo = views.delete_view(actor=self.actor, public_id=self._id())
        # The toast carries the way back; its button sends the token of the page it stands on.
        button = format_html(
            '{} <button class="btn btn-sm btn-link" type="button" hx-post="{}" hx-swap="none" '
            'hx-vals=\'{{"do": "restore", "page": "{}", "undo": "{}"}}\'>{}</button>',
            _("The view is deleted."),
            reverse("desk:views"),
            self.request.POST["page"],
            undo,
            _("Undo"),
        )
        return self._lead("?view=all", button)

    def _id(self) -> UUID:
        try:
            return UUID(self.request.POST.get("view", ""))
        except ValueError as error:
            raise Http404 from error

    def _to(self, view: SavedView, said: str) -> HttpResponse:
        return self._lead(f"?{view.query}&view={view.public_id}", said)

    def _lead(self, query: str, said: str) -> HttpResponse:
        messages.success(self.request, said)
        address = f"{self.list_url}{query.replace('?&', '?')}"
        if wants_fragment(self.request):
            return HttpResponse(status=204, headers={"HX-Redirect": address})
        return HttpResponseRedirect(address, status=303)
