"""What leads can be filtered by: one filter set for pages, the API and exports."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from leadcrm.workspaces.models import Membership
from leads import custom_fields, searching
from leads.custom_fields import Definitions
from leads.models import Lead, Pipeline, Stage
from leads.models.custom_field import is_custom
from leads.models.source import kind_named
from leads.pipelines import OUTCOMES, Outcome, status_named

MOST_VALUES = 50
LARGEST = 2**31 - 1
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
KEY = re.compile(r"^[-a-zA-Z0-9_]{1,50}$")
DAYS = re.compile(r"^(in)?(\d{1,4})d$")
Day = date | datetime | timedelta
COMPARISONS = {"": "is", "gt": "above", "gte": "at least", "lt": "below", "lte": "at most"}


# --- values ----------------------------------------------------------------------------------


def status_value(text: str) -> str:
    found = status_named(text)
    if found is None:
        raise ValidationError(f"There is no status “{text}”.")
    return found


def kind_value(text: str) -> str:
    found = kind_named(text)
    if found is None:
        raise ValidationError(f"There is no source kind “{text}”.")
    return found


def id_value(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ValidationError(f"“{text}” is not an id.") from None


def id_or_key(text: str) -> uuid.UUID | str:
    """The id of a stage or pipeline, or the key that its workspace gave it."""
    try:
        return uuid.UUID(text)
    except ValueError:
        if not KEY.match(text):
            raise ValidationError(f"“{text}” is neither an id nor a key.") from None
        return text.lower()


def id_or_kind(text: str) -> uuid.UUID | str:
    """The id of a source, or a source kind in any system's spelling."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return kind_value(text)


def whose(text: str) -> uuid.UUID | str:
    """The id of a member or team, `me` or `none`."""
    return text.lower() if text.lower() in ("me", "none") else id_value(text)


class ValuesInput(forms.TextInput):
    """Takes `a,b` as well as a parameter that is repeated."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> str | None:
        if hasattr(data, "getlist"):
            return ",".join(data.getlist(name)) or None
        value = data.get(name)
        return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value


class ValuesField(forms.CharField):
    """One value or several with commas between; each goes through `parse`."""

    widget = ValuesInput

    def __init__(self, *, parse: Callable[[str], Any], **kwargs: Any) -> None:
        super().__init__(**{"max_length": 4000, **kwargs})
        self.parse = parse

    def clean(self, value: Any) -> list[Any]:
        parts = [part.strip() for part in (super().clean(value) or "").split(",")]
        parts = [part for part in parts if part]
        if len(parts) > MOST_VALUES:
            raise ValidationError(f"Give at most {MOST_VALUES} values.")
        return [self.parse(part) for part in parts]


class MomentField(forms.CharField):
    """A date, which the workspace's time zone turns into a moment, or a date with a time.

    `7d` is the day seven days ago, `in7d` that in seven days, `0d` today: a number of days.
    """

    def clean(self, value: Any) -> date | datetime | timedelta | None:
        text = super().clean(value)
        if not text:
            return None
        if days := DAYS.match(text):
            return timedelta(days=int(days[2]) if days[1] else -int(days[2]))
        if "T" in text:  # a plus sign in a query string arrives as a space
            text = text.replace(" ", "+")
        try:
            found = parse_date(text) or parse_datetime(text)
        except ValueError:
            found = None
        if found is None:
            raise ValidationError("Use a date such as 2026-03-04, or 2026-03-04T10:00:00Z.")
        if not EARLIEST.year <= found.year < LATEST.year:
            raise ValidationError(f"Give a year from {EARLIEST.year} to {LATEST.year - 1}.")
        return found


# --- filters ---------------------------------------------------------------------------------


class ValuesFilter(filters.Filter):  # type: ignore[misc]
    field_class = ValuesField


class MomentFilter(filters.Filter):  # type: ignore[misc]
    field_class = MomentField


class WholeFilter(filters.Filter):  # type: ignore[misc]
    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"min_value": -LARGEST, "max_value": LARGEST, **kwargs})


class MoneyFilter(filters.Filter):  # type: ignore[misc]
    field_class = forms.DecimalField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_digits": 14, "decimal_places": 2, **kwargs})


class OwnFieldInput(forms.TextInput):
    """Takes a parameter that is repeated; commas may be part of a value."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        found = data.getlist(name) if hasattr(data, "getlist") else data.get(name)
        return found if isinstance(found, (list, tuple)) else [found]


class OwnFieldValues(forms.Field):
    """Values of a workspace's own field, as pieces of `Lead.attributes` that hold them."""

    widget = OwnFieldInput

    def __init__(self, *, known: Definitions, name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.known, self.name = known, name

    def clean(self, value: Any) -> list[dict[str, Any]]:
        given = [one for one in value or () if one not in (None, "")]
        if len(given) > MOST_VALUES:
            raise ValidationError(f"Give at most {MOST_VALUES} values.")
        if not given:
            return []
        try:
            field = self.known.get(self.name)
            if field.has_options:
                given = [part for one in given for part in custom_fields.options_in(field, one)]
            return [{str(field.pk): custom_fields.parse(field, one)} for one in given]
        except custom_fields.Unfit as error:
            raise ValidationError(f"{error.message} This filter can't be used.") from error


class OwnFieldFilter(filters.Filter):  # type: ignore[misc]
    field_class = OwnFieldValues


def own_filters(data: Mapping[str, Any], known: Definitions | None = None) -> dict[str, Any]:
    """The filters by the workspace's own fields that the parameters name."""
    names = [name for name in data if is_custom(name)][:MOST_VALUES]
    if not names:
        return {}
    known = known or custom_fields.definitions()
    return {name: OwnFieldFilter(method="by_own_field", known=known, name=name) for name in names}


def _compared(name: str, column: str, kind: type[Any], label: str) -> dict[str, Any]:
    """`name`, `name__gt`, `name__gte`, `name__lt` and `name__lte`, each on a column."""
    made = {}
    for suffix, words in COMPARISONS.items():
        key = f"{name}__{suffix}" if suffix else name
        made[key] = kind(
            field_name=column, lookup_expr=suffix or "exact", help_text=f"{label} {words}."
        )
    return made


def _moments(name: str, label: str) -> dict[str, Any]:
    """The comparisons of a moment; a bare date counts as its start in the workspace's time zone."""
    return {
        f"{name}__{suffix}": MomentFilter(
            field_name=f"{name}__{suffix}",
            method="compare_moment",
            label=f"{label} {words}",
            help_text=f"{label} {words}.",
        )
        for suffix, words in (("gte", "from"), ("gt", "after"), ("lte", "until"), ("lt", "before"))
    }


def _choice(help_text: str, choices: Iterable[tuple[str, str]], **kwargs: Any) -> Any:
    return filters.ChoiceFilter(choices=list(choices), help_text=help_text, **kwargs)


YES_NO = (("true", "Yes"), ("false", "No"))


class LeadFilterSet(filters.FilterSet):  # type: ignore[misc]
    """Filters over leads. Give it `membership` (or a request that has one) for `me` and dates.

    Removed leads are left out unless `archived` asks for them.
    """

    base_filters: dict[str, Any]

    q = filters.CharFilter(
        method="search", max_length=200, help_text="Text in name, e-mail, phone or company."
    )
    status = ValuesFilter(
        parse=status_value, method="any_of", help_text="Statuses; `sql`, `deal` and such are known."
    )
    outcome = ValuesFilter(
        parse=lambda text: _one_of(text, Outcome.values),
        method="by_outcome",
        help_text="Outcomes of the stage: open, won, lost, resting.",
    )
    stage = ValuesFilter(parse=id_or_key, method="by_stage", help_text="Stages, by id or key.")
    pipeline = ValuesFilter(
        parse=id_or_key, method="by_pipeline", help_text="Pipelines, by id or key."
    )
    source = ValuesFilter(
        parse=id_or_kind, method="by_source", help_text="Sources by id, or source kinds by name."
    )
    source_kind = ValuesFilter(
        parse=kind_value,
        method="any_of",
        help_text="Source kinds; `web`, `csv` and such are known.",
    )
    campaign = ValuesFilter(parse=id_value, method="any_of", help_text="Campaigns, by id.")
    contact = ValuesFilter(parse=id_value, method="any_of", help_text="Contacts, by id.")
    company = ValuesFilter(parse=id_value, method="any_of", help_text="Companies, by id.")
    location = ValuesFilter(parse=id_value, method="any_of", help_text="Locations, by id.")
    owner = ValuesFilter(parse=whose, method="by_owner", help_text="Members by id, `me` or `none`.")
    team = ValuesFilter(parse=whose, method="by_team", help_text="Teams by id, `me` or `none`.")
    band = ValuesFilter(
        parse=lambda text: _one_of(text, Lead.Band.values),
        method="any_of",
        field_name="score_band",
        help_text="Score bands: cold, warm, hot.",
    )
    archived = _choice(
        "Removed leads: false leaves them out, true shows only them, any shows all.",
        (*YES_NO, ("any", "Any")),
        method="by_archived",
    )
    has_phone = _choice("Whether there is a number.", YES_NO, method="by_text")
    has_email = _choice("Whether there is an e-mail address.", YES_NO, method="by_text")
    needs_review = _choice("Whether two people may be meant.", YES_NO, method="by_flag")
    is_test = _choice("Whether it is a test lead.", YES_NO, method="by_flag")

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        """The declared filters, and those whose names Python can't or shouldn't spell out."""
        return {
            **super().get_filters(),
            "from": MomentFilter(method="since", help_text="Enquired on or after this date."),
            "to": MomentFilter(method="until", help_text="Enquired on or before this date."),
            **_compared("score", "score_total", WholeFilter, "Score"),
            **_compared("external_score", "external_score", WholeFilter, "External score"),
            **_compared("tries", "attempt_count", WholeFilter, "Tries"),
            **_compared("budget", "budget", MoneyFilter, "Budget"),
            **_moments("created_at", "Enquired"),
            **_moments("last_activity_at", "Last activity"),
            **_moments("work_due_at", "Next work due"),
        }

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        queryset: QuerySet[Lead] | None = None,
        *,
        request: Any = None,
        membership: Membership | None = None,
        custom: Definitions | None = None,
    ) -> None:
        data = data or {}
        # FilterSet copies the instance's `base_filters`, and each makes a form field: a request
        # pays for those it names alone. The class's own stay whole.
        self.base_filters = {
            name: one for name, one in type(self).base_filters.items() if name in data
        }
        self.base_filters |= own_filters(data, custom)
        super().__init__(data, queryset, request=request)
        self.membership = membership or getattr(request, "membership", None)

    @classmethod
    def unknown(cls, names: Iterable[str]) -> list[str]:
        """Those of the parameter names that are no filter."""
        return sorted(name for name in set(names) - set(cls.base_filters) if not is_custom(name))

    def filter_queryset(self, queryset: QuerySet[Lead]) -> QuerySet[Lead]:
        if not self.form.cleaned_data.get("archived"):
            queryset = queryset.filter(archived_at=None)
        filtered: QuerySet[Lead] = super().filter_queryset(queryset)
        return filtered

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.membership.workspace.time_zone if self.membership else "UTC")

    def search(self, leads: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        return searching.search(leads, value)

    def any_of(self, leads: QuerySet[Lead], name: str, values: list[Any]) -> QuerySet[Lead]:
        return leads.filter(**{f"{name}__in": values}) if values else leads

    def by_outcome(self, leads: QuerySet[Lead], name: str, values: list[Any]) -> QuerySet[Lead]:
        """With the statuses that can have the outcome: the index is by status."""
        if not values:
            return leads
        statuses = [status for status, can in OUTCOMES.items() if set(can) & set(values)]
        return leads.filter(outcome__in=values, status__in=statuses)

    def by_stage(self, leads: QuerySet[Lead], name: str, values: list[Any]) -> QuerySet[Lead]:
        """By the stages' ids and their status: the index is by status, not by stage."""
        if not values:
            return leads
        stages = dict(_named(Stage, values).values_list("pk", "status"))
        return leads.filter(stage__in=stages, status__in=set(stages.values()))

    def by_pipeline(self, leads: QuerySet[Lead], name: str, values: list[Any]) -> QuerySet[Lead]:
        if not values:
            return leads
        return leads.filter(
            pipeline__in=list(_named(Pipeline, values).values_list("pk", flat=True))
        )

    def by_source(self, leads: QuerySet[Lead], name: str, values: list[Any]) -> QuerySet[Lead]:
        ids = [value for value in values if isinstance(value, uuid.UUID)]
        kinds = [value for value in values if isinstance(value, str)]
        return leads.filter(Q(source__in=ids) | Q(source_kind__in=kinds)) if values else leads

    def by_owner(self, leads: QuerySet[Lead], name: str, values: list[Any]) -> QuerySet[Lead]:
        return self._whose(leads, "owner", values, self.membership.pk if self.membership else None)

    def by_team(self, leads: QuerySet[Lead], name: str, values: list[Any]) -> QuerySet[Lead]:
        mine = self.membership.team_id if self.membership else None
        return self._whose(leads, "team", values, mine)

    def by_archived(self, leads: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        return leads if value == "any" else leads.filter(archived_at__isnull=value == "false")

    def by_own_field(self, leads: QuerySet[Lead], name: str, values: list[Any]) -> QuerySet[Lead]:
        """By containment, which one index serves whatever fields there are; it knows no empty ones."""
        if not values:
            return leads
        found = Q()
        for held in values:
            found |= Q(attributes__contains=held)
        return leads.filter(found, ~Q(attributes={}))

    def by_flag(self, leads: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        return leads.filter(**{name: value == "true"})

    def by_text(self, leads: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        missing = Q(**{name.removeprefix("has_"): ""})
        return leads.filter(~missing if value == "true" else missing)

    def since(self, leads: QuerySet[Lead], name: str, value: Day) -> QuerySet[Lead]:
        return leads.filter(created_at__gte=self._moment(value))

    def until(self, leads: QuerySet[Lead], name: str, value: Day) -> QuerySet[Lead]:
        value = self._day(value)
        if isinstance(value, datetime):
            return leads.filter(created_at__lte=self._moment(value))
        return leads.filter(created_at__lt=self._moment(value + timedelta(days=1)))

    def compare_moment(self, leads: QuerySet[Lead], name: str, value: Day) -> QuerySet[Lead]:
        moment = self._moment(value)
        if name.startswith("last_activity_at__lt"):
            # Nothing happened before it came in (`lead_active_since_created`): saying so spares
            # the newest from being read.
            leads = leads.filter(created_at__lte=moment)
        return leads.filter(**{name: moment})

    def _whose(
        self, leads: QuerySet[Lead], name: str, values: list[Any], mine: uuid.UUID | None
    ) -> QuerySet[Lead]:
        if not values:
            return leads
        ids = [mine if value == "me" else value for value in values if value != "none"]
        found = Q(**{f"{name}__in": [value for value in ids if value is not None]})
        return leads.filter(found | Q(**{name: None}) if "none" in values else found)

    def _day(self, value: Day) -> date:
        """The date of a number of days from today."""
        if isinstance(value, timedelta):
            return timezone.localtime(timezone.now(), self.zone).date() + value
        return value

    def _moment(self, value: Day) -> datetime:
        value = self._day(value)
        if not isinstance(value, datetime):
            value = datetime.combine(value, time.min)
        return value if value.tzinfo else value.replace(tzinfo=self.zone)


def _named(model: Any, values: Iterable[uuid.UUID | str]) -> QuerySet[Any]:
    """The rows of these ids or keys."""
    ids = [value for value in values if isinstance(value, uuid.UUID)]
    keys = [value for value in values if isinstance(value, str)]
    found: QuerySet[Any] = model.objects.filter(Q(pk__in=ids) | Q(key__in=keys))
    return found


def _one_of(text: str, values: Iterable[str]) -> str:
    if text.lower() not in values:
        raise ValidationError(f"“{text}” is none of {', '.join(values)}.")
    return text.lower()
