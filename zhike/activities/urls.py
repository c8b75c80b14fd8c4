from django.urls import path
from django.views.generic import RedirectView

from zhike.activities import views

app_name = "activities"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="activities:today"), name="home"),
    path("lines/", views.WorkList.as_view(), name="work"),
    path("contacts/", views.ContactList.as_view(), name="contacts"),
    path("today/", views.FrontPage.as_view(), name="today"),
    path("today/mine/", views.TodayPage.as_view(), name="mine"),
    path("today/team/", views.TeamPage.as_view(), name="team"),
    path("today/people/<uuid:public_id>/", views.PersonPage.as_view(), name="person"),
    path("today/people/<uuid:public_id>/hand-over/", views.HandOver.as_view(), name="hand_over"),
    path("today/handed/<uuid:public_id>/", views.Handed.as_view(), name="handed"),
    path("today/plan/", views.PlanFollowUp.as_view(), name="plan"),
    path("today/customers/", views.Customers.as_view(), name="customers"),
    path("today/customers/<uuid:public_id>/plan/", views.FollowUp.as_view(), name="follow_up"),
    path("today/<uuid:public_id>/done/", views.Complete.as_view(), name="complete"),
    path("today/<uuid:public_id>/later/", views.Postpone.as_view(), name="postpone"),
    path("today/<uuid:public_id>/dismiss/", views.Dismiss.as_view(), name="dismiss"),
    path("today/<uuid:public_id>/reopen/", views.Reopen.as_view(), name="reopen"),
    path("today/<uuid:public_id>/resume/", views.Resume.as_view(), name="resume"),
]
