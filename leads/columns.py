"""The columns of the lead list, and which of them a member wants to see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leadcrm.workspaces.models import Membership
from leads.models import CustomField, SavedView
from leads.tabs import MINE, Tab


@dataclass(frozen=True)
class Column:
    """`up` and `down` are the sorts that its header offers, first click first; `also` is a further
    one that counts as `up`. `edits` are the fields that a double click on its cell edits."""

    key: str
    label: str
    shown: bool = True
    fixed: bool = False
    up: str = ""
    down: str = ""
    also: str = "-"
    css: str = ""
    field: CustomField | None = None  # of the workspace's own
    edits: tuple[str, ...] = ()


COLUMNS = (
    Column("due", "Due", fixed=True, up="due", down="-due", also="waiting"),
    Column("name", "Name", fixed=True, edits=("display_name", "company_name")),
    Column("stage", "Stage"),
    Column("phone", "Phone", edits=("phone",)),
    Column("email", "E-mail", shown=False, edits=("email",)),
    Column("source", "Source"),
    Column("tries", "Tries", css="num"),
    Column("step", "Next step"),
    Column("active", "Last activity", up="-active", down="active"),
    Column("owner", "Owner"),
    Column("team", "Team", shown=False),
    Column("pipeline", "Pipeline", shown=False),
    Column("budget", "Budget", shown=False, css="num", edits=("budget", "budget_currency")),
    Column("label", "Label", shown=False, edits=("label",)),
    Column("state", "State", shown=False, edits=("state",)),
    Column("created", "Created", up="-created", down="created"),
)
USUAL = "usual"


def offered(custom: Sequence[CustomField]) -> list[Column]:
    """All columns: ours, then those of the workspace's own fields."""
    own = [
        Column(
            one.name,
            one.label,
            shown=False,
            css="num" if one.kind == "number" else "",
            field=one,
            edits=(one.name,),
        )
        for one in custom
    ]
    return [*COLUMNS, *own]


def chosen(member: Membership, custom: Sequence[CustomField] = ()) -> list[Column]:
    """The columns that the member has chosen, in the member's order; by default the usual ones."""
    if not member.list_columns:
        return [column for column in COLUMNS if column.shown or column.fixed]
    return _in_order(member.list_columns, custom)


def _in_order(keys: Sequence[str], custom: Sequence[CustomField]) -> list[Column]:
    """The columns of these keys; those that stay are the first."""
    there = {column.key: column for column in offered(custom)}
    stay = [column for column in COLUMNS if column.fixed]
    return stay + [there[key] for key in keys if key in there and not there[key].fixed]


def shown_in(
    tab: Tab,
    member: Membership,
    custom: Sequence[CustomField] = (),
    saved: SavedView | None = None,
) -> list[Column]:
    """Those of a saved view, or of a tab: in My open the owner goes without saying."""
    goes_without_saying = tab is MINE and not (saved and saved.column_keys)
    shown = chosen_in(member, custom, saved)
    return [one for one in shown if not (one.key == "owner" and goes_without_saying)]


def chosen_in(
    member: Membership, custom: Sequence[CustomField], saved: SavedView | None
) -> list[Column]:
    """The columns of a saved view, or where it has none those that the member has chosen."""
    keys = saved.column_keys if saved else []
    return _in_order(keys, custom) if keys else chosen(member, custom)


def to_choose(chosen: Sequence[Column], custom: Sequence[CustomField] = ()) -> list[Column]:
    """All columns that one may choose or not: first the chosen ones in their order."""
    rest = (column for column in offered(custom) if column not in chosen)
    return [column for column in (*chosen, *rest) if not column.fixed]


def choose(member: Membership, keys: list[str], custom: Sequence[CustomField] = ()) -> None:
    """Keep a member's choice. None at all means the usual ones."""
    Membership.objects.filter(pk=member.pk).update(list_columns=known(keys, custom))


def known(keys: Sequence[str], custom: Sequence[CustomField] = ()) -> list[str]:
    """The columns among some keys, in their order, or none where `usual` is among them."""
    there = {column.key for column in offered(custom)}
    return [key for key in dict.fromkeys(keys) if key in there and USUAL not in keys]
