"""`python -m tests.chaos.seed`: found the workspace whose form is submitted to, and print its key."""

from __future__ import annotations

import json
import os

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadcrm.settings")
    django.setup()
    from leadcrm.workspaces.members import found_workspace
    from leadcrm.workspaces.models import User
    from leadcrm.workspaces.scoping import workspace_scope
    from leads.models import Source, SourceKind

    owner = User.objects.create(email="owner@chaos.example", name="Owner")
    workspace = found_workspace(owner=owner, name="Chaos", slug="chaos")
    with workspace_scope(workspace):
        form = Source.objects.get(kind=SourceKind.WEBSITE_FORM)
    print(json.dumps({"public_key": form.public_key}))


if __name__ == "__main__":
    main()
