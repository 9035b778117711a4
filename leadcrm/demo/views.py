"""The saved views that the demo's people work with."""

from __future__ import annotations

from leadcrm.demo.cast import LOGINS, Cast
from leads.conditions import Condition, Conditions
from leads.models import SavedView
from leads.saved_views import save_new


def share_views(cast: Cast) -> None:
    """Two of the owner's that everybody sees: a tab with the hot stages gone quiet, and a board."""
    owner = cast.members[LOGINS[0].name]
    quiet = Conditions(
        (
            (Condition("stage", "is", "contacted,qualified"),),
            (Condition("last_activity_at", "lt", "7d"), Condition("work_due_at", "lt", "0d")),
        )
    )
    paid = Conditions(
        ((Condition("source", "is", "facebook_lead_ad,google_lead_form"),),),
    )
    save_new(
        owner, name="Going quiet", conditions=quiet, tab="open", sort="active", is_shared=True,
        is_pinned=True, columns=["stage", "phone", "step", "active", "owner", "budget"],
    )  # fmt: skip
    save_new(
        owner, name="Ad leads", conditions=paid, tab="open", sort="", is_shared=True, is_pinned=True,
        layout=SavedView.Layout.BOARD,
    )  # fmt: skip
