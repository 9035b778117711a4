"""A workspace's own fields as what a column of a file may become."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from leads import custom_fields
from leads.importing.targets import Target


def own_targets() -> Iterator[Target]:
    """A target for each custom field in use in the workspace in scope."""
    for one in custom_fields.definitions().in_use:
        yield Target(
            key=one.name,
            label=one.label,
            group="Custom fields",
            names=one.key.replace("_", " "),
            read=partial(custom_fields.parse, one),
            place="attributes",
        )
