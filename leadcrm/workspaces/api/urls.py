"""The addresses of the workspace itself."""

from django.urls import path

from leadcrm.workspaces.api import views

urlpatterns = [
    path("workspace", views.WorkspaceView.as_view(), name="workspace"),
    path("me", views.MeView.as_view(), name="me"),
    path("members", views.MemberListView.as_view(), name="members"),
    path("teams", views.TeamListView.as_view(), name="teams"),
    path("locations", views.LocationListView.as_view(), name="locations"),
]
