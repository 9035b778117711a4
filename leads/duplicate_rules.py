"""What happens when somebody comes in who seems to be known: the rules of a workspace, by door.

Whether somebody is known is told apart from what happens then: `matching` and `finding` tell the
one, these rules the other. Capture asks them, so every door passes them.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from django.db import transaction

from leadcrm.workspaces.access import require
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leads import finding
from leads.batch import Refused
from leads.drafts import Prepared
from leads.models import DuplicateRule, Lead
from leads.models.duplicates import Action, Door, Match

Rules = Mapping[tuple[str, str], Action]

# Of each match and door, what may be chosen; the first is the default. Only a page can ask, a form
# or an ad never loses an enquiry, and nobody is merged because they look similar.
OFFERED: dict[tuple[str, str], tuple[Action, ...]] = {
    (Match.EMAIL, Door.HAND): (Action.WARN, Action.MERGE, Action.BLOCK, Action.REPORT),
    (Match.EMAIL, Door.API): (Action.MERGE, Action.BLOCK, Action.REPORT),
    (Match.EMAIL, Door.IMPORT): (Action.MERGE, Action.REPORT),
    (Match.EMAIL, Door.CAPTURE): (Action.MERGE, Action.REPORT),
    (Match.PHONE, Door.HAND): (Action.WARN, Action.MERGE, Action.BLOCK, Action.REPORT),
    (Match.PHONE, Door.API): (Action.MERGE, Action.BLOCK, Action.REPORT),
    (Match.PHONE, Door.IMPORT): (Action.MERGE, Action.REPORT),
    (Match.PHONE, Door.CAPTURE): (Action.MERGE, Action.REPORT),
    (Match.SIMILAR, Door.HAND): (Action.WARN, Action.BLOCK, Action.REPORT),
    (Match.SIMILAR, Door.API): (Action.REPORT, Action.BLOCK),
    (Match.SIMILAR, Door.IMPORT): (Action.REPORT,),
    (Match.SIMILAR, Door.CAPTURE): (Action.REPORT,),
}
DOORS = {"web": Door.HAND, "api": Door.API, "import": Door.IMPORT}
FIELDS = {Match.EMAIL: "email", Match.PHONE: "phone", Match.SIMILAR: "display_name"}
MESSAGES = {
    Match.EMAIL: "Somebody with this e-mail address has a lead already.",
    Match.PHONE: "Somebody with this phone number has a lead already.",
    Match.SIMILAR: "Somebody very similar has a lead already.",
}


class DuplicateFound(Refused):
    """A rule stops somebody known: refused, or to be asked about where `action` is WARN.

    The message names nobody: whoever hears it may not be allowed to see `lead`.
    """

    code = "duplicate"

    def __init__(self, match: str, action: str, lead: Lead) -> None:
        super().__init__(MESSAGES[Match(match)], field=FIELDS[Match(match)])
        self.match, self.action, self.lead = match, action, lead


def door_of(by: Actor) -> Door:
    """The door through which an actor's enquiries come in."""
    return DOORS.get(by.via, Door.CAPTURE)


def read_rules() -> Rules:
    """The rules of the workspace in scope: its own, else the defaults."""
    rules = {key: offered[0] for key, offered in OFFERED.items()}
    for match, door, action in DuplicateRule.objects.values_list("match", "door", "action"):
        if action in OFFERED.get((match, door), ()):
            rules[(match, door)] = Action(action)
    return rules


def change_rules(changes: Rules, *, by: Membership) -> None:
    """Set what happens by match and door; what isn't named stays.

    Raises NotAllowed, and Refused for what a door doesn't offer.
    """
    require(by, "settings")
    for (match, door), action in changes.items():
        if action not in OFFERED.get((match, door), ()):
            raise Refused("This can't be chosen here.", field=f"{match}-{door}")
    with transaction.atomic():
        for (match, door), action in sorted(changes.items()):
            if action == OFFERED[match, door][0]:
                DuplicateRule.objects.filter(match=match, door=door).delete()
            else:
                DuplicateRule.objects.update_or_create(
                    match=match, door=door, defaults={"action": action}
                )


class Doorkeeper:
    """Applies the rules to the enquiries of one capture, all by one actor."""

    def __init__(self, by: Actor) -> None:
        self.door = door_of(by)

    @cached_property
    def rules(self) -> Rules:
        return read_rules()

    def lead_for(self, item: Prepared, lead: Lead | None) -> Lead | None:
        """The lead that an enquiry is added to, of the one that it would touch; None for a new one.

        Raises DuplicateFound where the rule stops it.
        """
        if lead is None or item.match.ambiguous or not item.match.by:
            return lead
        action = self.rules[item.match.by, self.door]
        if action == Action.REPORT:
            return None
        if _stops(item, action):
            raise DuplicateFound(item.match.by, action, lead)
        return lead

    def stop_similar(self, items: Sequence[Prepared], new: Collection[uuid.UUID]) -> None:
        """Where a rule says so, raise DuplicateFound for somebody known under other keys.

        `new` are the people whom the enquiries made.
        """
        asked = [item for item in items if item.draft.can_ask or self.door == Door.API]
        action = self.rules[Match.SIMILAR, self.door] if asked else Action.REPORT
        for item in asked:
            contact_id = item.match.contact_id
            if _stops(item, action) and (contact_id is None or contact_id in new):
                found = finding.similar_to(item.values, item.draft.is_test)
                if found is not None:
                    raise DuplicateFound(Match.SIMILAR, action, found)


def _stops(item: Prepared, action: str) -> bool:
    """Whether an enquiry is refused or asked about. Who can't ask adds to the lead that there is."""
    asks = item.draft.can_ask and not item.draft.sure
    return action == Action.BLOCK or (action == Action.WARN and asks)
