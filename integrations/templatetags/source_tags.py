"""How sources and what they received look: answer targets and results."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.models import InboundEvent
from leads.models import Source

register = template.Library()

Result = InboundEvent.Result
COLOURS = {
    Result.NONE: "azure",
    Result.NEW_LEAD: "green",
    Result.ADDED: "teal",
    Result.KNOWN: "secondary",
    Result.DECISION: "yellow",
    Result.REJECTED: "orange",
    Result.SPAM: "secondary",
    Result.FAILED: "red",
    Result.TEST: "purple",
}


@register.filter
def target_text(source: Source) -> str:
    """Within how many business minutes or hours a lead of the source is to be answered."""
    minutes = source.answer_within()
    if minutes is None:
        return "No clock"
    return f"{minutes // 60} h" if minutes >= 60 and minutes % 60 == 0 else f"{minutes} min"


@register.filter
def result_badge(event: InboundEvent) -> SafeString:
    result = Result(event.result)
    return format_html('<span class="badge bg-{}-lt">{}</span>', COLOURS[result], result.label)
