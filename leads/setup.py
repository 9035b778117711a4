"""What a new workspace starts with: a pipeline, close reasons, call outcomes and a website form."""

from __future__ import annotations

from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import current_workspace_id
from leads.call_outcome_settings import default_outcomes
from leads.models import CallOutcome, CloseReason, Pipeline, Source, SourceKind, Stage
from leads.pipelines import TEMPLATES, Status

LOST, UNFIT = Status.LOST, Status.DISQUALIFIED

# code, label, outcome, unqualified code, further settings (product, section 5)
CLOSE_REASONS: tuple[tuple[str, str, Status, str, dict[str, object]], ...] = (
    ("no_contact", "No contact", LOST, "no_contact", {}),
    ("lost_contact", "Lost contact", LOST, "lost_contact", {}),
    ("competitor", "Chose a competitor", LOST, "chose_other", {}),
    ("price", "Price", LOST, "no_budget", {}),
    ("not_now", "Not now", LOST, "timing", {"follow_up_days": 90}),
    ("no_need", "No longer needed", LOST, "no_need", {}),
    ("no_authority", "Couldn't reach decision maker", LOST, "no_authority", {}),
    ("no_shows", "Repeated no-shows", LOST, "no_contact", {}),
    ("other", "Other", LOST, "other", {"note_length": 10}),
    ("wrong_contact", "Wrong or dead number/e-mail", UNFIT, "", {"returnable": True}),
    ("fake", "Never asked/fake", UNFIT, "", {"returnable": True}),
    ("outside_area", "Outside our area", UNFIT, "", {"returnable": True}),
    ("not_offered", "We don't offer this", UNFIT, "", {}),
    ("too_small", "Too small/below minimum", UNFIT, "", {}),
    ("not_a_buyer", "Job seeker, supplier, student", UNFIT, "", {}),
    ("existing_customer", "Existing customer/support", UNFIT, "", {}),
    ("do_not_contact", "Asked not to be contacted", UNFIT, "", {"forbids_contact": True}),
)

DEFAULT_FORM_FIELDS = [
    {"name": "name", "label": "Name", "type": "text", "required": True},
    {"name": "email", "label": "E-mail", "type": "email", "required": True},
    {"name": "phone", "label": "Phone", "type": "tel", "required": False},
    {"name": "message", "label": "How can we help?", "type": "textarea", "required": False},
]


def set_up_leads(workspace: Workspace) -> None:
    """Called in the scope and transaction that founds the workspace."""
    add_pipeline("standard", is_default=True)
    CloseReason.objects.bulk_create(
        CloseReason(
            code=code,
            label=label,
            outcome=outcome,
            unqualified_code=unqualified,
            position=position,
            **extra,
        )
        for position, (code, label, outcome, unqualified, extra) in enumerate(CLOSE_REASONS)
    )
    CallOutcome.objects.bulk_create(default_outcomes())
    Source.objects.create(
        name="Website",
        kind=SourceKind.WEBSITE_FORM,
        form_title="Get in touch",
        form_fields=DEFAULT_FORM_FIELDS,
    )


def add_pipeline(
    template_key: str, *, key: str = "", label: str = "", is_default: bool = False
) -> Pipeline:
    """Copy a template into the workspace in scope. From then on its own rows are the truth."""
    template = TEMPLATES[template_key]
    pipeline: Pipeline = Pipeline.objects.create(
        workspace_id=current_workspace_id(),
        key=key or template.key,
        label=label or template.label,
        template=template.key,
        creates_deal=template.creates_deal,
        is_default=is_default,
    )
    Stage.objects.bulk_create(
        Stage(
            pipeline=pipeline,
            key=spec.key,
            label=spec.label or spec.status.label,
            status=spec.status,
            outcome=spec.outcome,
            position=position,
            next_keys=list(spec.next),
            required_fields=list(spec.required),
            no_contact_days=spec.no_contact_days,
            idle_days=spec.idle_days,
        )
        for position, spec in enumerate(template.stages)
    )
    return pipeline
