"""Staff's pages of leads, people, work, the log and the settings of leads."""

from leads.admin import duplicates, history, leads, people, settings, work  # noqa: F401
