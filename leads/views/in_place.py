"""What the pages of a person and of a company do alike: showing, and editing in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.pages import PageRequest, show, wants_fragment, with_toast
from leads.batch import Refused
from leads.people import Edited
from leads.people_forms import InPlaceForm
from leads.views.edit import BASE, changed_only, conflicts_shown, seen_values


@dataclass(frozen=True)
class RecordPage:
    """The page of one kind of record.

    `route` names its address, its variable in templates and the templates themselves. `access`
    finds the record for a member, `read` gives what the page shows, `older` the timeline alone,
    `edit` is the verb.
    """

    route: str
    form: type[InPlaceForm]
    access: Callable[..., Any]
    read: Callable[..., dict[str, Any]]
    older: Callable[..., Any]
    edit: Callable[..., Edited[Any]]

    def respond(self, request: PageRequest, row: Any) -> HttpResponse:
        """The page; older rows of the timeline alone where HTMX asks for them."""
        if not (wants_fragment(request) and request.htmx.target == "older"):
            return show(request, f"leads/{self.route}.html", self._context(request, row))
        found = self.older(row, request.membership, timezone.now(), *_shown(request))
        context = {"history": found, **self._fixed(request, row)}
        return show(request, "leads/_history_rows.html", context)

    def respond_edit(self, request: PageRequest, row: Any) -> HttpResponse:
        """The form of all fields; on POST those that it sends are saved, unless somebody else
        changed them since."""
        names = list(self.form.base_fields)
        if request.method != "POST":
            values = {name: getattr(row, name) for name in names}
            return self._form(request, row, self.form(initial=values, names=names))
        names = [name for name in names if name in request.POST]
        form = self.form(request.POST, names=names)
        base = self.form(request.POST, names=names, prefix=BASE)
        if not form.is_valid():
            return self._form(request, row, form, status=422)
        base.is_valid()  # what was seen is compared, not judged
        mine, seen = changed_only(form.cleaned_data, base.cleaned_data)
        try:
            edited = self.edit(row.pk, mine, by=request.actor, now=timezone.now(), base=seen)
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            return self._form(request, row, form, status=422)
        if edited.conflicts:
            conflicts = conflicts_shown(edited.conflicts, timezone.now())
            return self.whole(request, row, status=409, conflicts=conflicts)
        return self.done(request, row, "Saved.")

    def done(self, request: PageRequest, row: Any, said: str) -> HttpResponse:
        """After a verb: the page as it is now, and what was done announced."""
        if wants_fragment(request):
            return with_toast(self.whole(request, row), said)
        messages.success(request, said)
        return redirect(self.route, request.workspace.slug, row.pk)

    def whole(
        self, request: PageRequest, row: Any, *, status: int = 200, **extra: Any
    ) -> HttpResponse:
        """The page as it is now: alone for HTMX, else within its frame."""
        fresh = self.access(request.membership, row.pk)
        name = f"_{self.route}" if wants_fragment(request) else self.route
        context = self._context(request, fresh) | extra
        return show(request, f"leads/{name}.html", context, status=status)

    def _form(
        self, request: PageRequest, row: Any, form: InPlaceForm, *, status: int = 200
    ) -> HttpResponse:
        context = {"edit_form": form, "seen": seen_values(request, form)}
        if not wants_fragment(request):
            return self.whole(request, row, status=status, **context)
        context |= {self.route: row, **self._fixed(request, row)}
        response = show(request, "leads/_record_form.html", context, status=status)
        response["HX-Retarget"], response["HX-Reswap"] = "#details", "outerHTML"
        return response

    def _context(self, request: PageRequest, row: Any) -> dict[str, Any]:
        found = self.read(row, request.membership, timezone.now(), *_shown(request))
        return found | self._fixed(request, row)

    def _fixed(self, request: PageRequest, row: Any) -> dict[str, Any]:
        """The addresses of the record, and whether its timeline is that of several people."""
        keys = [request.workspace.slug, row.pk]
        return {
            "here": reverse(self.route, args=keys),
            "edit_url": reverse(f"{self.route}-edit", args=keys),
            "target": f"#{self.route}",
            "named_by_person": self.route == "company",
        }


def _shown(request: PageRequest) -> tuple[str, str]:
    return request.GET.get("show", "all"), request.GET.get("before", "")
