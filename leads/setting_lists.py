"""What lists have in common that people keep: their order, and a code for what is added."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, TypeVar

from django.utils.text import slugify

from leadcrm.workspaces.models import Membership, Workspace

T = TypeVar("T")


def moved(items: Sequence[T], item: T, steps: int) -> list[T]:
    """The items with one of them moved by so many places; as they are where it isn't among them."""
    others = [one for one in items if one != item]
    if len(others) == len(items):
        return others
    place = max(0, list(items).index(item) + steps)
    return [*others[:place], item, *others[place:]]


def hold(model: type[Any], by: Membership) -> list[Any]:
    """All rows of a list of settings in order. Two admins at once: the later one sees what the
    earlier one did."""
    Workspace.objects.select_for_update(no_key=True).get(pk=by.workspace_id)
    return list(model.objects.order_by("position", "label", "pk"))


def put_in_order(model: type[Any], known: Sequence[Any], ids: Sequence[uuid.UUID]) -> bool:
    """Write the order of these ids, those not named after them; returns whether it is another."""
    places = {pk: place for place, pk in enumerate(ids)}
    ordered = sorted(known, key=lambda one: places.get(one.pk, len(places)))
    if ordered == list(known):
        return False
    for place, one in enumerate(ordered):
        one.position = place
    model.objects.bulk_update(ordered, ["position"])
    return True


def free_code(label: str, taken: set[str], otherwise: str) -> str:
    """A code made of a label, that none has yet; of `otherwise` where the label has no letters."""
    start = slugify(label).replace("-", "_")[:40].strip("_") or otherwise
    number, code = 1, start
    while code in taken:
        number += 1
        code = f"{start}_{number}"
    return code
