"""Who does something: every verb takes an Actor, and every log row names it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from enum import IntEnum

from leadcrm.workspaces.models import ApiToken, Membership


class Rank(IntEnum):
    """Who may overwrite whose value of a field; the higher wins (design, section 3)."""

    ENRICHMENT = 1
    PROSPECT = 2
    IMPORT = 3
    HUBSPOT = 4
    PERSON = 5


@dataclass(frozen=True, slots=True)
class Actor:
    """A member, a token or the system, and the door it came through.

    `via` is the door: web, api, admin, form, import, timer, or the name of a subscriber of the
    log. `caused_by` is the id of the log row that a subscriber answers to, `depth` how long
    that chain is.
    """

    via: str
    membership: Membership | None = None
    token: ApiToken | None = None
    rank: Rank = Rank.PERSON
    caused_by: int | None = None
    depth: int = 0

    @classmethod
    def member(cls, membership: Membership, via: str = "web") -> Actor:
        return cls(via=via, membership=membership)

    @classmethod
    def for_token(cls, token: ApiToken) -> Actor:
        person = token.ranks_as == ApiToken.RanksAs.PERSON
        return cls(
            via="api",
            membership=token.membership,
            token=token,
            rank=Rank.PERSON if person else Rank.IMPORT,
        )

    @classmethod
    def system(cls, via: str, rank: Rank = Rank.IMPORT) -> Actor:
        return cls(via=via, rank=rank)

    def answering(self, activity_id: int, depth: int) -> Actor:
        """The same actor, acting because of a log row."""
        return replace(self, caused_by=activity_id, depth=depth + 1)

    @property
    def kind(self) -> str:
        if self.token is not None:
            return "token"
        return "user" if self.membership is not None else "system"

    @property
    def membership_id(self) -> uuid.UUID | None:
        return self.membership.pk if self.membership else None

    @property
    def is_human(self) -> bool:
        """A person at work, or a token that stands for one: only those stop a response clock."""
        return self.membership is not None and self.rank is Rank.PERSON
