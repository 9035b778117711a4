"""Staff's pages of workspaces, people and what lets them in, of the staff's own traces, of beat."""

from leadcrm.workspaces.admin import history, people, schedule, sign_in  # noqa: F401
