import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel

KEY = RegexValidator(
    r"\A[a-z][a-z0-9_]*\Z", "Use small letters, digits and _, beginning with a letter."
)
PREFIX = "cf_"  # before a custom field's id where it stands among a lead's own fields


class CustomField(WorkspaceModel):
    """A field that a workspace adds to its leads. Its values stand in `Lead.attributes`, by its id.

    What it holds never changes its kind; a field that is no longer wanted is archived.
    """

    class Kind(models.TextChoices):
        TEXT = "text", "Text"
        NUMBER = "number", "Number"
        DATE = "date", "Date"
        CHOICE = "choice", "One of a list"
        CHOICES = "choices", "Several of a list"
        BOOLEAN = "boolean", "Yes or no"
        URL = "url", "Web address"

    key = models.CharField(max_length=40, validators=[KEY], help_text="Its name in the API.")
    label = models.CharField(max_length=60)
    kind = models.CharField("what it holds", max_length=10, choices=Kind.choices)
    help = models.CharField(max_length=200, blank=True)
    options = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    required = models.BooleanField("required by hand", default=False)
    position = models.PositiveSmallIntegerField(default=0)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        ordering: ClassVar = ["position", "label"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "key"], name="custom_field_key_unique"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def name(self) -> str:
        """What it is called among the fields of a lead."""
        return name_of(self.pk)

    @property
    def has_options(self) -> bool:
        return self.kind in (self.Kind.CHOICE, self.Kind.CHOICES)


def name_of(field_id: uuid.UUID) -> str:
    """What a custom field is called among the fields of a lead, such as in a form."""
    return PREFIX + field_id.hex


def is_custom(name: str) -> bool:
    return name.startswith(PREFIX)


def attribute_of(name: str) -> str:
    """The key in `Lead.attributes` of a custom field's name. Raises ValueError for no such name."""
    return str(uuid.UUID(name.removeprefix(PREFIX)))
