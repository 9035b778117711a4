from leadcrm.workspaces.models.absence import Absence
from leadcrm.workspaces.models.access import ApiToken, IdempotencyKey, Invitation
from leadcrm.workspaces.models.settings_change import SettingsChange
from leadcrm.workspaces.models.sign_in import RecoveryCode, SecondFactor, SignedIn
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
    "RecoveryCode",
    "Role",
    "SecondFactor",
    "SettingsChange",
    "SignedIn",
    "StaffVisit",
    "Team",
    "User",
    "Visibility",
    "Workspace",
]
