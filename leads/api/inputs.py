"""What the API takes about leads, people and settings: fields and their limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from leadcrm.workspaces.api.fields import (
    Address,
    Email,
    Link,
    LongText,
    Moment,
    Pattern,
    ScalarMap,
    StrictSerializer,
    Text,
    TextMap,
    Whole,
)
from leadcrm.workspaces.models import Location, Membership, Team
from leadcrm.workspaces.models.workspace import validate_time_zone
from leads.custom_field_settings import MOST_OPTIONS
from leads.models import Campaign, Lead, Pipeline, Source, SourceKind
from leads.models.lead import CLICK_IDS
from leads.models.source import kind_named


def text(name: str, model: Any = Lead) -> Text:
    """An optional text as long as a column."""
    longest = model._meta.get_field(name).max_length
    return Text(required=False, allow_blank=True, max_length=longest)


def long_text() -> LongText:
    return LongText(required=False, allow_blank=True)


class KindField(Text):
    """A source kind, in any system's spelling."""

    def to_internal_value(self, data: Any) -> str:
        found = kind_named(super().to_internal_value(data))
        if found is None:
            raise ValidationError(f"Choose one of {', '.join(SourceKind.values)}.")
        return found.value


class AnswersField(serializers.ListField):
    """Form answers: pairs of label and value."""

    child = serializers.ListField(
        child=LongText(allow_blank=True, max_length=5000), min_length=2, max_length=2
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 100, **kwargs})


class OwnFields(ScalarMap):
    """Values of the workspace's own fields by key or id; several values as a list, null clears."""

    def __init__(self, **kwargs: Any) -> None:
        help_text = "Values of the workspace's own fields, by their key or id. Null clears one."
        super().__init__(**{"help_text": help_text, **kwargs})

    def _check(self, name: str, value: Any) -> None:
        if not isinstance(value, list):
            super()._check(name, value)
            return
        if len(value) > MOST_OPTIONS or not all(isinstance(one, str) for one in value):
            raise ValidationError({name: [f"Give a list of at most {MOST_OPTIONS} texts."]})
        for one in value:
            super()._check(name, one)


class ClickIdsField(TextMap):
    """Click ids by name."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        unknown = set(data) - {*CLICK_IDS, "meta_lead_id"} if isinstance(data, Mapping) else set()
        if unknown:
            raise ValidationError({str(name): ["There is no such id."] for name in unknown})
        return super().to_internal_value(data)


ORIGIN = RegexValidator(
    r"\Ahttps?://[A-Za-z0-9.-]+(:\d{1,5})?\Z", "Give a site's address, such as https://example.com."
)


class PersonSerializer(StrictSerializer):
    """What is said about a person; an empty text clears a field."""

    display_name = text("display_name")
    first_name = text("first_name")
    last_name = text("last_name")
    email = Email(required=False, allow_blank=True, max_length=254)
    phone = Text(required=False, allow_blank=True, max_length=64)
    company_name = text("company_name")
    job_title = text("job_title")
    state = text("state")
    country = Pattern(r"^[A-Z]{2}$", required=False, allow_blank=True, max_length=2)
    time_zone = Text(
        required=False, allow_blank=True, max_length=64, validators=[validate_time_zone]
    )


class ContactEditSerializer(PersonSerializer):
    """A change of a person."""


class LeadEditSerializer(PersonSerializer):
    """A change of a lead: only what is sent is written."""

    message = long_text()
    notes = long_text()
    label = text("label")  # type: ignore[assignment]
    enrollment = Whole(required=False, allow_null=True, min_value=0)
    source_kind = KindField(required=False)
    source_id = Link(
        source="source", queryset=Source.objects.all(), required=False, allow_null=True
    )
    source_detail = text("source_detail")
    campaign_id = Link(
        source="campaign", queryset=Campaign.objects.all(), required=False, allow_null=True
    )
    location_id = Link(
        source="location", queryset=Location.objects.all(), required=False, allow_null=True
    )
    budget = serializers.DecimalField(14, 2, required=False, allow_null=True, min_value=0)
    budget_currency = Pattern(r"^[A-Z]{3}$", required=False, allow_blank=True, max_length=3)
    authority = text("authority")
    need = long_text()
    timeline = text("timeline")
    external_score = Whole(required=False, allow_null=True)
    attributes = OwnFields(required=False)
    is_test = serializers.BooleanField(required=False)


class LeadCreateSerializer(LeadEditSerializer):
    """A new enquiry, or (with both external fields) a lead kept in step with another system."""

    created_at = Moment(required=False, help_text="When the person enquired; now by default.")
    answers = AnswersField(required=False)
    source_url = text("source_url")
    referrer = text("referrer")
    utm_source = text("utm_source")
    utm_medium = text("utm_medium")
    utm_campaign = text("utm_campaign")
    utm_term = text("utm_term")
    utm_content = text("utm_content")
    first_touch = TextMap(required=False)
    last_touch = TextMap(required=False)
    platform_ref = ClickIdsField(required=False)
    pipeline_id = Link(
        source="pipeline",
        queryset=Pipeline.objects.filter(retired_at=None),
        required=False,
        allow_null=True,
    )
    owner_id = Link(
        source="owner",
        queryset=Membership.objects.select_related("team").filter(is_active=True),
        required=False,
        allow_null=True,
    )
    team_id = Link(source="team", queryset=Team.objects.all(), required=False, allow_null=True)
    external_system = Text(required=False, max_length=50)
    external_id = Text(required=False, max_length=255)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        pair = ("external_system", "external_id")
        missing = [name for name in pair if not attrs.get(name)]
        if len(missing) == 1:
            raise ValidationError({missing[0]: ["Give both external_system and external_id."]})
        return attrs


class LeadUpsertSerializer(LeadCreateSerializer):
    """A lead as another system has it; the address names the system and its id."""

    external_system = None  # type: ignore[assignment]
    external_id = None  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return attrs


class CompanyEditSerializer(StrictSerializer):
    name = Text(required=False, max_length=300)
    domain = Text(required=False, allow_blank=True, max_length=253)
    phone = Text(required=False, allow_blank=True, max_length=20)
    state = Text(required=False, allow_blank=True, max_length=100)
    country = Pattern(r"^[A-Z]{2}$", required=False, allow_blank=True)
    enrollment = Whole(required=False, allow_null=True, min_value=0)
    notes = long_text()


class CompanyCreateSerializer(CompanyEditSerializer):
    name = Text(max_length=300)


class CampaignCreateSerializer(StrictSerializer):
    name = Text(max_length=255)
    channel = text("channel", Campaign)
    external_id = text("external_id", Campaign)


class SourceEditSerializer(StrictSerializer):
    name = Text(required=False, max_length=100)
    is_active = serializers.BooleanField(required=False)
    pipeline_id = Link(
        source="pipeline", queryset=Pipeline.objects.all(), required=False, allow_null=True
    )
    owner_id = Link(
        source="owner",
        queryset=Membership.objects.filter(is_active=True),
        required=False,
        allow_null=True,
    )
    team_id = Link(source="team", queryset=Team.objects.all(), required=False, allow_null=True)
    location_id = Link(
        source="location", queryset=Location.objects.all(), required=False, allow_null=True
    )
    campaign_id = Link(
        source="campaign", queryset=Campaign.objects.all(), required=False, allow_null=True
    )
    answer_minutes = Whole(required=False, allow_null=True, min_value=0)
    allowed_origins = serializers.ListField(
        child=Text(max_length=253, validators=[ORIGIN]), required=False, max_length=50
    )
    form_title = text("form_title", Source)
    thanks_message = text("thanks_message", Source)
    thanks_url = Address(required=False, allow_blank=True, max_length=1000)


class SourceCreateSerializer(SourceEditSerializer):
    name = Text(max_length=100)
    kind = KindField()
