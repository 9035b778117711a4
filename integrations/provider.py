"""What a channel that receives payloads has to offer: a name and a pure parser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leads.capture import LeadDraft

if TYPE_CHECKING:
    from integrations.models import InboundEvent


@dataclass(frozen=True, slots=True)
class Reading:
    """What a parser understood of one payload.

    `drafts` become leads. Without any, `result` says why not (an InboundEvent.Result: rejected
    or spam) and `note` tells a person.
    """

    drafts: Sequence[LeadDraft] = ()
    result: str = ""
    person: str = ""
    notes: Sequence[str] = field(default=())

    @property
    def note(self) -> str:
        return " ".join(self.notes)[:500]


@dataclass(frozen=True, slots=True)
class Provider:
    """A channel. `via` is the door that its log rows name; `parse` never touches the network."""

    key: str
    label: str
    via: str
    parse: Callable[[InboundEvent], Reading]
