"""Staff's pages of leads, people, work, the log and the settings of leads."""

from leads.admin import history, leads, people, saved_views, settings, work  # noqa: F401
