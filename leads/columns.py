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
    """The columns that the member has chosen, in our order; by default the usual ones."""
    keys = set(member.list_columns)
    if not keys:
        return [column for column in COLUMNS if column.shown or column.fixed]
    return [column for column in offered(custom) if column.fixed or column.key in keys]


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
    if not keys:
        return chosen(member, custom)
    return [column for column in offered(custom) if column.fixed or column.key in keys]


def choose(member: Membership, keys: list[str], custom: Sequence[CustomField] = ()) -> None:
    """Keep a member's choice. None at all means the usual ones."""
    Membership.objects.filter(pk=member.pk).update(list_columns=known(keys, custom))


def known(keys: list[str], custom: Sequence[CustomField] = ()) -> list[str]:
    """The columns among some keys, or none where `usual` is among them."""
    return [one.key for one in offered(custom) if one.key in keys and USUAL not in keys]
