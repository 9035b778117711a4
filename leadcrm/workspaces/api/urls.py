"""The addresses of the workspace itself."""

from django.urls import path

from leadcrm.workspaces.api import availability, views

urlpatterns = [
    path("workspace", views.WorkspaceView.as_view(), name="workspace"),
    path("me", views.MeView.as_view(), name="me"),
    path("me/duty", availability.DutyView.as_view(), name="duty"),
    path("me/absences", availability.AbsenceListView.as_view(), name="absences"),
    path("absences/<uuid:absence_id>", availability.AbsenceView.as_view(), name="absence"),
    path(
        "members/<uuid:member_id>/absences",
        availability.MemberAbsenceListView.as_view(),
        name="member-absences",
    ),
    path("members", views.MemberListView.as_view(), name="members"),
    path("teams", views.TeamListView.as_view(), name="teams"),
    path("locations", views.LocationListView.as_view(), name="locations"),
]
