from django.urls import path
from django.views.generic import RedirectView

from zhike.activities import views

app_name = "activities"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="activities:today"), name="home"),
    path("today/", views.TodayPage.as_view(), name="today"),
    path("today/<uuid:public_id>/done/", views.Complete.as_view(), name="complete"),
    path("today/<uuid:public_id>/dismiss/", views.Dismiss.as_view(), name="dismiss"),
    path("today/<uuid:public_id>/reopen/", views.Reopen.as_view(), name="reopen"),
]
