"""Pieces that a lead's page has dozens of: its fields, and the rows of its timeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString

from leadcrm.workspaces.markup import fill
from leadcrm.workspaces.templatetags.page_tags import ago_or_time, day, exact, icon
from leads.models import Lead
from leads.templatetags.lead_tags import phone_text
from leads.views.fields import Fact
from leads.views.history import Row

register = template.Library()

Context = Mapping[str, Any]


@register.simple_tag(takes_context=True)
def event_head(context: Context, row: Row) -> SafeString:
    """What happened, who did it and when; on a person's page, to which lead."""
    title = fill("{}", row.title)
    if row.undone:
        title = fill('<del>{}</del> <span class="visually-hidden">undone</span>', row.title)
    due = fill(" <span>{}</span>", exact(row.due_at)) if row.due_at else ""
    by = f"{row.who} · " if row.who else ""
    edited = " · edited" if row.is_edited else ""
    lead = _lead_link(context, row.lead) if row.lead else ""
    return fill(
        '<div class="event-head"><strong>{}</strong>{} '
        '<span class="text-secondary">{}{}{}{}</span></div>',
        *(title, due, by, ago_or_time(row.activity.occurred_at), edited, lead),
    )


def _lead_link(context: Context, lead: Lead) -> SafeString:
    shown: object = lead.display_name
    if not context.get("named_by_person"):
        source = lead.source.name if lead.source else lead.get_source_kind_display()
        shown = fill("{}, {}", source, day(lead.created_at))
    to = reverse("lead-detail", args=[context["workspace"].slug, lead.pk])
    return fill(' · <a href="{}">{}</a>', to, shown)


@register.simple_tag
def event_details(row: Row) -> SafeString:
    """The details of what happened, and old and new values."""
    parts = [fill('<div class="verbatim">{}</div>', detail) for detail in row.details]
    if len(row.changes) == 1:
        ((_, old, new),) = row.changes
        parts.append(fill('<div class="changes"><del>{}</del> → {}</div>', old, new))
    elif row.changes:
        pairs = [fill("<dt>{}</dt><dd><del>{}</del> → {}</dd>", *one) for one in row.changes]
        parts.append(fill('<dl class="changes">{}</dl>', SafeString("".join(pairs))))
    return SafeString("".join(parts))


@register.simple_tag(takes_context=True)
def fact_row(context: Context, fact: Fact, edit: str) -> SafeString:
    """A field with its value, the way to edit it at the address `edit`, and a slot for the form."""
    reached = fact.value and {"phone": _phone, "email": _email}.get(fact.name)
    if fact.value and fact.definition and fact.definition.kind == "url":
        reached = _site
    if reached:
        value, tools = reached(context, fact), _tools(fact, edit if context["editable"] else "")
    else:
        value, tools = _plain(fact, edit if context["editable"] else ""), SafeString("")
    return fill(
        '<div class="fact" id="field-{}"><dt>{}</dt><dd><div class="fact-value">{}{}</div>'
        '<div class="slot" id="slot-{}"></div></dd></div>',
        *(fact.name, fact.label, value, tools, fact.name),
    )


def _phone(context: Context, fact: Fact) -> SafeString:
    shown = phone_text(fact.value)
    if context["around"].phone_marked:
        return fill("<span>{}</span> {}", shown, _mark("Do not call"))
    then = SafeString("")
    if context["offered"]["call"]:
        lead, slug = context["lead"], context["workspace"].slug
        then = fill(' data-then="{}"', reverse("lead-call", args=[slug, lead.pk]))
    return fill('<a href="tel:{}"{}>{}</a>', fact.value, then, shown)


def _email(context: Context, fact: Fact) -> SafeString:
    mark = _mark("Do not e-mail") if context["around"].email_marked else ""
    return fill('<a href="mailto:{}">{}</a> {}', fact.value, fact.value, mark)


def _site(context: Context, fact: Fact) -> SafeString:
    return fill(
        '<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>', fact.value, fact.value
    )


def _mark(text: str) -> SafeString:
    return fill('<span class="badge bg-red-lt">{} {}</span>', icon("ban"), text)


def _tools(fact: Fact, edit: str) -> SafeString:
    """Copy and edit; a click on the value itself calls or writes."""
    change: SafeString | str = ""
    if edit:
        change = fill(
            '<a class="btn btn-sm btn-icon btn-ghost-secondary edit" {} aria-label="Edit {}"'
            ' title="{}">{}</a>',
            *(_opens(fact, edit), fact.label.lower(), fact.set_by, icon("edit")),
        )
    return fill(
        '<span class="fact-tools"><button type="button"'
        ' class="btn btn-sm btn-icon btn-ghost-secondary" data-copy-text="{}"'
        ' aria-label="Copy {}" title="Copy">{}</button>{}</span>',
        *(fact.value, fact.label.lower(), icon("copy"), change),
    )


def _plain(fact: Fact, edit: str) -> SafeString:
    set_by = fill(' title="{}"', fact.set_by) if fact.set_by else ""
    if not edit:
        css = SafeString(' class="verbatim"') if fact.is_long else ""
        return fill("<span{}{}>{}</span>", css, set_by, fact.value or "–")
    long = " verbatim" if fact.is_long else ""
    empty = "" if fact.value else " is-empty"
    return fill(
        '<a class="edit{}{}" {}{}><span class="visually-hidden">Edit {}: </span>{}</a>',
        *(long, empty, _opens(fact, edit), set_by, fact.label.lower(), fact.value or "Add"),
    )


def _opens(fact: Fact, edit: str) -> SafeString:
    """Opens the field's form in its slot; without JavaScript, the form of all fields."""
    return fill(
        'href="{}#edit_{}" hx-get="{}?field={}" hx-target="#slot-{}" hx-swap="innerHTML"',
        *(edit, fact.name, edit, fact.name, fact.name),
    )
