"""The columns of the lead list, and which of them a member wants to see."""

from __future__ import annotations

from dataclasses import dataclass

from leadcrm.workspaces.models import Membership
from leads.views.tabs import MINE, Tab


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


def chosen(member: Membership) -> list[Column]:
    """The columns that the member has chosen, in our order; by default the usual ones."""
    keys = set(member.list_columns)
    if not keys:
        return [column for column in COLUMNS if column.shown or column.fixed]
    return [column for column in COLUMNS if column.fixed or column.key in keys]


def shown_in(tab: Tab, member: Membership) -> list[Column]:
    """Those of a tab: in My open the owner goes without saying."""
    return [one for one in chosen(member) if not (one.key == "owner" and tab is MINE)]


def choose(member: Membership, keys: list[str]) -> None:
    """Keep a member's choice; what isn't a column is left out. None at all, or `usual` among them,
    means the usual ones."""
    known = [one.key for one in COLUMNS if one.key in keys and USUAL not in keys]
    Membership.objects.filter(pk=member.pk).update(list_columns=known)
