"""Addresses of the customers' room."""

from __future__ import annotations

from django.urls import path

from zhike.customers import actions, exports, views

app_name = "customers"

urlpatterns = [
    path("customers/", views.PartyList.as_view(), name="list"),
    path("customers/search/", views.Search.as_view(), name="search"),
    path("customers/export/", exports.Export.as_view(), name="export"),
    path("customers/new/", views.PartyNew.as_view(), name="new"),
    path("customers/<uuid:public_id>/", views.PartyPage.as_view(), name="party"),
    path("customers/<uuid:public_id>/edit/", views.PartyEdit.as_view(), name="edit"),
    path("customers/<uuid:public_id>/edit/<slug:field>/", views.FieldEdit.as_view(), name="field"),
    path("customers/<uuid:public_id>/brief/", views.Brief.as_view(), name="brief"),
    path("customers/<uuid:public_id>/story/", views.Story.as_view(), name="story"),
    path("customers/<uuid:public_id>/ties/", views.Ties.as_view(), name="ties"),
    path("customers/<uuid:public_id>/confirm/", actions.Confirm.as_view(), name="confirm"),
    path("customers/<uuid:public_id>/relate/", actions.Relate.as_view(), name="relate"),
    path("customers/<uuid:public_id>/hand-over/", actions.HandOver.as_view(), name="hand-over"),
    path("customers/<uuid:public_id>/consent/", actions.Consent.as_view(), name="consent"),
    path("customers/<uuid:public_id>/timeline/", actions.Timeline.as_view(), name="timeline"),
    path(
        "customers/relations/<uuid:public_id>/end/",
        actions.EndRelation.as_view(),
        name="end-relation",
    ),
    *(
        path(
            f"customers/<uuid:public_id>/{step}/",
            actions.Stage.as_view(),
            {"step": step},
            name=step,
        )
        for step in ("convert", "close", "reopen")
    ),
]

for group in ("identifier", "contact", "address"):
    urlpatterns += [
        path(
            f"customers/<uuid:public_id>/{group}/",
            actions.AddValue.as_view(),
            {"group": group},
            name=f"add-{group}",
        ),
        path(
            f"customers/{group}/<uuid:public_id>/reveal/",
            actions.Reveal.as_view(),
            {"group": group},
            name=f"reveal-{group}",
        ),
        *(
            path(
                f"customers/{group}/<uuid:public_id>/{step}/",
                actions.CheckValue.as_view(),
                {"group": group, "step": step},
                name=f"{step}-{group}",
            )
            for step in ("verify", "remove")
        ),
    ]
