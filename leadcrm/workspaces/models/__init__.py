from leadcrm.workspaces.models.absence import Absence
from leadcrm.workspaces.models.access import ApiToken, IdempotencyKey, Invitation
from leadcrm.workspaces.models.user import User
from leadcrm.workspaces.models.visit import StaffVisit
from leadcrm.workspaces.models.workspace import (
    Location,
    Membership,
    Role,
    Team,
    Visibility,
    Workspace,
)

__all__ = [
    "Absence",
    "ApiToken",
    "IdempotencyKey",
    "Invitation",
    "Location",
    "Membership",
    "Role",
    "StaffVisit",
    "Team",
    "User",
    "Visibility",
    "Workspace",
]
