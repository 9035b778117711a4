"""Staff's pages of leads, people, work, the log and the settings of leads."""

from leads.admin import (  # noqa: F401
    duplicates,
    history,
    imports,
    leads,
    people,
    saved_views,
    settings,
    work,
)
