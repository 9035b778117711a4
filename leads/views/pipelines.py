"""Settings: pipelines and their stages."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leadcrm.workspaces.access import NOT_FOUND, require
from leadcrm.workspaces.forms import Styled
from leadcrm.workspaces.pages import PageRequest, show
from leads import custom_fields
from leads import pipeline_settings as verbs
from leads.models import Lead, Pipeline, SettingsJob, Stage
from leads.pipelines import TEMPLATES, Outcome
from leads.setting_lists import moved

SHOWN_JOBS = 5


class NewPipelineForm(Styled, forms.Form):
    label = forms.CharField(label="Name", max_length=100)
    template = forms.ChoiceField(
        label="Stages as in", choices=[(one.key, one.label) for one in TEMPLATES.values()]
    )


class NewStageForm(Styled, forms.Form):
    label = forms.CharField(label="Name", max_length=100)
    status = forms.ChoiceField(
        label="It means", help_text="What the stage counts as in numbers. It never changes."
    )

    def __init__(self, *args: Any, stages: list[Stage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = verbs.statuses_for([one for one in stages if not one.retired_at])
        self.fields["status"].choices = [(one.value, one.label) for one in offered]  # type: ignore[attr-defined]


class StageForm(Styled, forms.Form):
    """A stage's name, where it leads, what it asks for and when its leads close by themselves."""

    label = forms.CharField(label="Name", max_length=100)
    next_keys = forms.MultipleChoiceField(
        label="Leads to",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Every open lead can be closed besides.",
    )
    required_fields = forms.MultipleChoiceField(
        label="Needs before a lead gets here", required=False, widget=forms.CheckboxSelectMultiple
    )
    no_contact_days = forms.IntegerField(
        label="Closes when nobody reached them for (days)",
        required=False,
        min_value=1,
        max_value=verbs.LONGEST_TIMER,
        help_text="Empty means never.",
    )
    idle_days = forms.IntegerField(
        label="Closes when it was quiet for (days)",
        required=False,
        min_value=1,
        max_value=verbs.LONGEST_TIMER,
        help_text="Empty means never.",
    )

    def __init__(self, *args: Any, stage: Stage, others: list[Stage], **kwargs: Any) -> None:
        initial = {name: getattr(stage, name) for name in StageForm.base_fields}
        super().__init__(*args, initial=initial, **kwargs)
        fields: dict[str, Any] = self.fields
        onward = [one for one in others if one.outcome in (Outcome.OPEN, Outcome.WON)]
        fields["next_keys"].choices = [(one.key, one.label) for one in onward]
        fields["required_fields"].choices = _requirable()
        is_start = stage.status in ("new", "engaged")
        unused = [] if is_start else ["no_contact_days"]
        if stage.outcome != Outcome.OPEN:
            unused += ["idle_days", "next_keys"]
        for name in unused:
            del fields[name]


def _requirable() -> list[tuple[str, str]]:
    own = [(one.name, one.label) for one in custom_fields.definitions().in_use]
    names = [(name, Lead._meta.get_field(name)) for name in verbs.REQUIRABLE]
    usual = [(name, str(one.verbose_name).capitalize()) for name, one in names]  # type: ignore[union-attr]
    return [*usual, *own]


@require_safe
def pipelines(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    return _list_page(request, NewPipelineForm())


@require_POST
def add_pipeline(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    form = NewPipelineForm(request.POST)
    if form.is_valid():
        by, now = request.membership, timezone.now()
        values = form.cleaned_data
        try:
            made = verbs.new_pipeline(values["template"], label=values["label"], by=by, now=now)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"{made.label} is added.")
            return redirect("pipeline", request.workspace.slug, made.pk)
    return _list_page(request, form, status=422)


@require_safe
def pipeline(request: PageRequest, pipeline_id: uuid.UUID) -> HttpResponse:
    require(request.membership, "settings")
    found = _access_pipeline(pipeline_id)
    return _page(request, found)


@require_POST
def save_pipeline(request: PageRequest, pipeline_id: uuid.UUID) -> HttpResponse:
    """Rename a pipeline, make it the standard one, or put a stage a place further up or down."""
    require(request.membership, "settings")
    found, by, now = _access_pipeline(pipeline_id), request.membership, timezone.now()
    try:
        if "stage" in request.POST:
            _move_stage(request, found)
        elif "standard" in request.POST:
            verbs.change_pipeline(found, by=by, now=now, is_default=True)
            messages.success(request, f"New leads start in {found.label} from now on.")
        else:
            verbs.change_pipeline(found, by=by, now=now, label=request.POST.get("label", ""))
            messages.success(request, "Saved.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("pipeline", request.workspace.slug, found.pk)


def _move_stage(request: PageRequest, found: Pipeline) -> None:
    ids = [one.pk for one in verbs.stages_of(found)]
    stage = next((pk for pk in ids if str(pk) == request.POST["stage"]), None)
    if stage is None:
        raise Http404(NOT_FOUND)
    ids = moved(ids, stage, -1 if request.POST.get("to") == "up" else 1)
    verbs.order_stages(found, ids, by=request.membership, now=timezone.now())


@require_POST
def add_stage(request: PageRequest, pipeline_id: uuid.UUID) -> HttpResponse:
    require(request.membership, "settings")
    found = _access_pipeline(pipeline_id)
    form = NewStageForm(request.POST, stages=verbs.stages_of(found))
    if form.is_valid():
        try:
            made = verbs.add_stage(
                found, by=request.membership, now=timezone.now(), **form.cleaned_data
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"{made.label} is added.")
            return redirect("stage", request.workspace.slug, made.pk)
    return _page(request, found, form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
def stage(request: PageRequest, stage_id: uuid.UUID) -> HttpResponse:
    """Change a stage. A timer that closes leads says first how many wait for longer already."""
    require(request.membership, "settings")
    found = _access_stage(stage_id)
    rest = [one for one in verbs.stages_of(found.pipeline) if one.pk != found.pk]
    rest = [one for one in rest if not one.retired_at]
    form = StageForm(request.POST or None, stage=found, others=rest)
    if request.method != "POST" or not form.is_valid():
        return _stage_page(request, found, rest, form)
    closing = _closing(found, form.cleaned_data)
    if closing and "sure" not in request.POST:
        return _stage_page(request, found, rest, form, closing=closing, status=200)
    try:
        by, now = request.membership, timezone.now()
        _, job = verbs.change_stage(found, by=by, now=now, **form.cleaned_data)
    except ValidationError as error:
        form.add_error(None, error)
        return _stage_page(request, found, rest, form)
    said = f"Saved. The timers of {job.total} leads are set anew." if job else "Saved."
    messages.success(request, said)
    return redirect("pipeline", request.workspace.slug, found.pipeline_id)


def _closing(stage: Stage, values: dict[str, Any]) -> dict[str, Any] | None:
    """What a timer that is new or shorter means; None where none is."""
    timers = {name: values.get(name, getattr(stage, name)) for name in verbs.TIMERS}
    changed = [days for name, days in timers.items() if days and days != getattr(stage, name)]
    if not changed:
        return None
    now = timezone.now()
    count = verbs.would_close(stage, now=now, **timers)
    return {"count": count, "from": now + timedelta(days=min(changed))}


@require_POST
def retire_stage(request: PageRequest, stage_id: uuid.UUID) -> HttpResponse:
    require(request.membership, "settings")
    found = _access_stage(stage_id)
    wanted = request.POST.get("to", "")
    to = next(
        (one for one in verbs.stages_of(found.pipeline) if wanted and str(one.pk) == wanted), None
    )
    try:
        job = verbs.retire_stage(found, to=to, by=request.membership, now=timezone.now())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("stage", request.workspace.slug, found.pk)
    said = f"{found.label} is retired."
    if job is not None and to is not None:
        said += f" Its {job.total} leads go to {to.label}; this takes a moment."
    messages.success(request, said)
    return redirect("pipeline", request.workspace.slug, found.pipeline_id)


def _access_pipeline(pipeline_id: uuid.UUID) -> Pipeline:
    found: Pipeline | None = Pipeline.objects.filter(pk=pipeline_id).first()
    if found is None:
        raise Http404(NOT_FOUND)
    return found


def _access_stage(stage_id: uuid.UUID) -> Stage:
    stages = Stage.objects.select_related("pipeline").filter(retired_at=None)
    found: Stage | None = stages.filter(pk=stage_id).first()
    if found is None:
        raise Http404(NOT_FOUND)
    return found


def _list_page(request: PageRequest, form: NewPipelineForm, *, status: int = 200) -> HttpResponse:
    in_use = Count("stages", filter=Q(stages__retired_at=None))
    context = {"rows": Pipeline.objects.annotate(stage_count=in_use), "form": form}
    return show(request, "settings/pipelines.html", context, status=status)


def _page(
    request: PageRequest, found: Pipeline, form: NewStageForm | None = None, *, status: int = 200
) -> HttpResponse:
    stages = verbs.stages_of(found)
    names = {one.key: one.label for one in stages if not one.retired_at}
    rows = [(one, [names[key] for key in one.next_keys if key in names]) for one in stages]
    jobs = SettingsJob.objects.filter(stage__pipeline=found, finished_at=None)
    context = {
        "pipeline": found,
        "rows": [row for row in rows if not row[0].retired_at],
        "retired": [one for one in stages if one.retired_at],
        "jobs": jobs.select_related("stage", "to_stage").order_by("-created_at")[:SHOWN_JOBS],
        "form": form or NewStageForm(stages=stages),
    }
    return show(request, "settings/pipeline.html", context, status=status)


def _stage_page(
    request: PageRequest,
    found: Stage,
    rest: list[Stage],
    form: StageForm,
    *,
    closing: dict[str, Any] | None = None,
    status: int = 0,
) -> HttpResponse:
    leads = Lead.objects.filter(stage=found, status=found.status, merged_into=None)
    context = {
        "stage": found,
        "form": form,
        "closing": closing,
        "count": leads.count(),
        "destinations": verbs.destinations(found, rest),
    }
    status = status or (422 if form.is_bound else 200)
    return show(request, "settings/stage.html", context, status=status)
