from django.urls import path

from zhike.organisation import views

app_name = "organisation"
urlpatterns = [
    path("", views.TreeView.as_view(), name="tree"),
    path("units/new/", views.UnitNew.as_view(), name="unit_new"),
    path("units/<uuid:public_id>/", views.UnitPage.as_view(), name="unit"),
    path("units/<uuid:public_id>/edit/", views.UnitEdit.as_view(), name="unit_edit"),
    path("teams/", views.TeamList.as_view(), name="teams"),
    path("teams/new/", views.TeamNew.as_view(), name="team_new"),
    path("teams/<uuid:public_id>/", views.TeamPage.as_view(), name="team"),
    path("teams/<uuid:public_id>/join/", views.JoinTeam.as_view(), name="team_join"),
    path("teams/members/<uuid:public_id>/end/", views.LeaveTeam.as_view(), name="team_leave"),
    path("people/", views.PersonList.as_view(), name="people"),
    path("people/new/", views.PersonNew.as_view(), name="person_new"),
    path("people/<uuid:public_id>/", views.PersonPage.as_view(), name="person"),
    path("people/<uuid:public_id>/edit/", views.PersonEdit.as_view(), name="person_edit"),
    path("people/<uuid:public_id>/appoint/", views.Appoint.as_view(), name="appoint"),
    path("people/<uuid:public_id>/leave/", views.Leave.as_view(), name="leave"),
    path("people/<uuid:public_id>/login/", views.GiveLogin.as_view(), name="give_login"),
    path("logins/<uuid:public_id>/password/", views.ResetPassword.as_view(), name="password"),
    path("logins/<uuid:public_id>/close/", views.CloseLogin.as_view(), name="close_login"),
    path("logins/<uuid:public_id>/open/", views.OpenLogin.as_view(), name="open_login"),
    path("appointments/<uuid:public_id>/end/", views.EndAppointment.as_view(), name="end"),
]
