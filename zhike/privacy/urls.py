from django.urls import path

from zhike.privacy import views

app_name = "privacy"

STEPS = (
    ("approve", views.Approve),
    ("refuse", views.Refuse),
    ("correct", views.Correct),
    ("restrict", views.Restrict),
    ("copy", views.Copy),
    ("kept", views.Kept),
)

urlpatterns = [
    path("customers/<uuid:public_id>/privacy/", views.PartyRequests.as_view(), name="party"),
    path("privacy/requests/", views.RequestList.as_view(), name="requests"),
    path("privacy/requests/<uuid:public_id>/", views.RequestPage.as_view(), name="request"),
    *(
        path(f"privacy/requests/<uuid:public_id>/{step}/", view.as_view(), name=step)
        for step, view in STEPS
    ),
    path("privacy/register/", views.ProcessingRegister.as_view(), name="processing"),
    path("privacy/register.csv", views.ProcessingFile.as_view(), name="processing-file"),
    path("privacy/sharing/", views.SharingRegister.as_view(), name="sharing"),
]
