from django.urls import include, path

from leadcrm.workspaces.views import (
    availability,
    general,
    home,
    joining,
    members,
    profile,
    sign_in,
    tokens,
)

settings_pages = [
    path("", general.settings_start, name="settings"),
    path("general/", general.general, name="general"),
    path("general/workspace/", general.save_workspace, name="general-workspace"),
    path("general/visibility/", general.save_visibility, name="general-visibility"),
    path("general/hours/", general.save_hours, name="general-hours"),
    path("profile/", profile.profile, name="profile"),
    path("password/", profile.change_password, name="change-password"),
    path("duty/", availability.duty, name="duty"),
    path("absences/", availability.absences, name="absences"),
    path("absences/<uuid:absence_id>/remove/", availability.end_absence, name="absence-remove"),
    path("members/<uuid:member_id>/absences/", availability.absences, name="member-absences"),
    path("members/", members.members, name="members"),
    path("members/invite/", members.invite_member, name="invite"),
    path("members/<uuid:member_id>/", members.edit_member, name="member-edit"),
    path("members/<uuid:member_id>/deactivate/", members.deactivate_member, name="member-off"),
    path("members/<uuid:member_id>/activate/", members.activate_member, name="member-on"),
    path(
        "invitations/<uuid:invitation_id>/withdraw/", members.withdraw, name="invitation-withdraw"
    ),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<uuid:token_id>/revoke/", tokens.revoke, name="token-revoke"),
]

urlpatterns = [
    path("", home.last_workspace, {"page": "lead-list"}, name="home"),
    path("leads/", home.last_workspace, {"page": "lead-list"}, name="last-leads"),
    path("settings/", home.last_workspace, {"page": "settings"}, name="last-settings"),
    path("workspaces/", home.workspaces, name="workspaces"),
    path("join/<str:secret>/", joining.join_workspace, name="join"),
    path("sign-in/", sign_in.SignIn.as_view(), name="sign-in"),
    path("sign-out/", sign_in.SignOut.as_view(), name="sign-out"),
    path("password/reset/", sign_in.AskForReset.as_view(), name="reset"),
    path("password/reset/sent/", sign_in.ResetSent.as_view(), name="reset-sent"),
    path("password/reset/<uidb64>/<token>/", sign_in.SetPassword.as_view(), name="set-password"),
    path("password/reset/done/", sign_in.ResetDone.as_view(), name="reset-done"),
    path("w/<slug:workspace>/settings/", include(settings_pages)),
]
