from typing import Any

from django.http import HttpRequest

from leadcrm.workspaces.access import PERMISSIONS, may


def workspace(request: HttpRequest) -> dict[str, Any]:
    """`workspace`, `membership` and `can` (action → bool) for templates of a workspace's pages."""
    membership = getattr(request, "membership", None)
    if membership is None:
        return {"workspace": None, "membership": None, "can": {}}
    return {
        "workspace": membership.workspace,
        "membership": membership,
        "can": {action: may(membership, action) for action in PERMISSIONS},
    }
