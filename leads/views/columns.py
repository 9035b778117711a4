"""The columns of the lead list, and which of them a member wants to see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from leadcrm.workspaces.models import Membership
from leads.models import CustomField
from leads.views.tabs import MINE, Tab


@dataclass(frozen=True)
class Column:
    """`up` and `down` are the sorts that its header offers, first click first; `also` is a further
    one that counts as `up`."""

    key: str
    label: str
    shown: bool = True
    fixed: bool = False
    up: str = ""
    down: str = ""
    also: str = "-"
    css: str = ""
    field: CustomField | None = None  # of the workspace's own


COLUMNS = (
    Column("due", "Due", fixed=True, up="due", down="-due", also="waiting"),
    Column("name", "Name", fixed=True),
    Column("stage", "Stage"),
    Column("phone", "Phone"),
    Column("email", "E-mail", shown=False),
    Column("source", "Source"),
    Column("tries", "Tries", css="num"),
    Column("step", "Next step"),
    Column("active", "Last activity", up="-active", down="active"),
    Column("owner", "Owner"),
    Column("team", "Team", shown=False),
    Column("pipeline", "Pipeline", shown=False),
    Column("budget", "Budget", shown=False, css="num"),
    Column("label", "Label", shown=False),
    Column("state", "State", shown=False),
    Column("created", "Created", up="-created", down="created"),
)
USUAL = "usual"


def offered(custom: Iterable[CustomField]) -> list[Column]:
    """All columns: ours, then those of the workspace's own fields."""
    own = [
        Column(
            one.name, one.label, shown=False, css="num" if one.kind == "number" else "", field=one
        )
        for one in custom
    ]
    return [*COLUMNS, *own]


def chosen(member: Membership, custom: Iterable[CustomField] = ()) -> list[Column]:
    """The columns that the member has chosen, in our order; by default the usual ones."""
    keys = set(member.list_columns)
    if not keys:
        return [column for column in COLUMNS if column.shown or column.fixed]
    return [column for column in offered(custom) if column.fixed or column.key in keys]


def shown_in(tab: Tab, member: Membership, custom: Iterable[CustomField] = ()) -> list[Column]:
    """Those of a tab: in My open the owner goes without saying."""
    return [one for one in chosen(member, custom) if not (one.key == "owner" and tab is MINE)]


def choose(member: Membership, keys: list[str], custom: Iterable[CustomField] = ()) -> None:
    """Keep a member's choice; what isn't a column is left out. None at all, or `usual` among them,
    means the usual ones."""
    known = [one.key for one in offered(custom) if one.key in keys and USUAL not in keys]
    Membership.objects.filter(pk=member.pk).update(list_columns=known)
