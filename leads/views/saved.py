"""Saving the list that is shown as a view, and what is done with a view."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.workspaces.access import NotAllowed, may
from leadcrm.workspaces.forms import Styled
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment
from leads import saved_views
from leads.conditions import from_filters
from leads.listing import Listing
from leads.models import SavedView
from leads.saved_views import TooManyViews, access_view
from leads.sorts import SORTS
from leads.views import sheet
from leads.views.list import listing
from leads.views.view_bar import address_of, home_of, query_of

SAID = {
    "pin": "It stands among the tabs.",
    "unpin": "It is in the menu Views.",
    "share": "Everybody can open it now.",
    "unshare": "Only its owner can open it now.",
    "default": "Leads opens with it.",
    "default-for-all": "Leads opens with it for everybody without a choice of their own.",
    "no-default": "Leads opens with Waiting.",
    "delete": "View deleted. Its leads stay.",
}
CHANGES: dict[str, dict[str, Any]] = {
    "pin": {"is_pinned": True},
    "unpin": {"is_pinned": False},
    "share": {"is_shared": True},
    "unshare": {"is_shared": False},
}
OWN = ("default", "default-for-all", "no-default")  # what changes the viewer's start, not the view


class ViewForm(Styled, forms.Form):
    name = forms.CharField(max_length=80)
    is_pinned = forms.BooleanField(label="Show it as a tab", required=False, initial=True)
    is_shared = forms.BooleanField(label="Share it with everybody", required=False)

    def __init__(self, *args: Any, member: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may(member, "shared_views"):
            del self.fields["is_shared"]


@require_http_methods(["GET", "HEAD", "POST"])
def new_view(request: PageRequest) -> HttpResponse:
    """Ask for the name of a new view of the list whose query is given, or save it."""
    sent = request.POST if request.method == "POST" else request.GET
    query, is_board = QueryDict(sent.get("query", "")), sent.get("layout") == "board"
    form = ViewForm(
        request.POST if request.method == "POST" else None,
        member=request.membership,
        auto_id="sheet_%s",
    )
    if request.method == "POST" and form.is_valid():
        view = _save_new(request, form, query, is_board=is_board)
        if view is not None:
            return _to(request, view, "View saved.")
    action = {"query": query.urlencode(), "layout": "board" if is_board else "table"}
    home = f"{home_of(request, is_board=is_board)}?{query.urlencode()}"
    return _form(request, form, "Save view", action, home)


@require_http_methods(["GET", "HEAD", "POST"])
def edit_view(request: PageRequest, view_id: uuid.UUID) -> HttpResponse:
    """Rename, share or pin a view."""
    view = access_view(request.membership, view_id, need="change")
    initial = {name: getattr(view, name) for name in ("name", "is_pinned", "is_shared")}
    form = ViewForm(
        request.POST if request.method == "POST" else None,
        initial=initial,
        member=request.membership,
        auto_id="sheet_%s",
    )
    if request.method == "POST" and form.is_valid():
        saved_views.change(view, request.membership, **form.cleaned_data)
        view.is_shared = form.cleaned_data.get("is_shared", view.is_shared)
        return _to(request, view, "View changed.")
    return _form(request, form, "Edit view", {}, _address(request, view))


@require_POST
def save_view(request: PageRequest, view_id: uuid.UUID) -> HttpResponse:
    """Put what the list shows now into the view."""
    view = access_view(request.membership, view_id, need="change")
    query = QueryDict(request.POST.get("query", ""), mutable=True)
    query["view"] = str(view.pk)
    found = listing(request, timezone.now(), query)
    layout = "board" if request.POST.get("layout") == "board" else "table"
    if not found.valid:
        messages.error(request, "These filters make no sense: change them before you save.")
        return redirect(f"{home_of(request, is_board=layout == 'board')}?{query.urlencode()}")
    conditions = found.conditions.with_all(from_filters(query_of(query)))
    saved_views.save_again(view, conditions, sort=_sort(found, query), layout=layout)
    view.layout = layout
    return _to(request, view, "View saved.")


@require_POST
def do_with_view(request: PageRequest, view_id: uuid.UUID, do: str) -> HttpResponse:
    """Pin, share, delete a view, or have the list open with it."""
    member = request.membership
    view = access_view(member, view_id, need="see" if do in OWN else "change")
    if do in CHANGES:
        saved_views.change(view, member, **CHANGES[do])
        view.is_shared = CHANGES[do].get("is_shared", view.is_shared)
    elif do == "delete":
        saved_views.delete(view)
        messages.success(request, SAID[do])
        return redirect(f"{home_of(request, is_board=False)}?view={view.tab}")
    elif do == "no-default":
        saved_views.make_default(view, member, for_all=False, on=False)
    else:
        saved_views.make_default(view, member, for_all=do == "default-for-all")
    return _to(request, view, SAID[do])


def _save_new(
    request: PageRequest, form: ViewForm, query: QueryDict, *, is_board: bool
) -> SavedView | None:
    found = listing(request, timezone.now(), query)
    if not found.valid:
        form.add_error(None, "These filters make no sense: change them before you save.")
        return None
    try:
        return saved_views.save_new(
            request.membership,
            conditions=found.conditions.with_all(from_filters(query_of(query))),
            columns=found.saved.column_keys if found.saved else (),
            tab=found.tab.key,
            sort=_sort(found, query),
            layout="board" if is_board else "table",
            **form.cleaned_data,
        )
    except (TooManyViews, NotAllowed) as refusal:
        form.add_error(None, refusal.message)
        return None


def _sort(found: Listing, query: QueryDict) -> str:
    """The order that was asked for, or the view's own; none means that of its tab."""
    asked = query.get("sort", "") or (found.saved.sort if found.saved else "")
    return asked if asked in SORTS else ""


def _address(request: PageRequest, view: SavedView) -> str:
    """Where the view is shown; its tab, where it is another's and no longer shared."""
    if not view.is_shared and view.owner_id != request.membership.pk:
        return address_of(request, view.tab, is_board=False)
    return address_of(request, str(view.pk), is_board=view.layout == SavedView.Layout.BOARD)


def _to(request: PageRequest, view: SavedView, said: str) -> HttpResponse:
    messages.success(request, said)
    address = _address(request, view)
    if not wants_fragment(request):
        return redirect(address)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = address
    return response


def _form(
    request: PageRequest, form: ViewForm, title: str, sent: dict[str, str], home: str
) -> HttpResponse:
    in_sheet = sheet.is_asked_for(request)
    context = {"form": form, "title": title, "sent": sent, "home": home, "in_sheet": in_sheet}
    template = "leads/_view_form.html" if in_sheet else "leads/view_form.html"
    return show(request, template, context, status=422 if form.is_bound else 200)
