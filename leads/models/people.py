from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from leadcrm.workspaces.scoping import WorkspaceModel, workspace_link


class Company(WorkspaceModel):
    """An organisation that people and leads belong to."""

    name = models.CharField(max_length=300)
    domain = models.CharField(
        max_length=253, blank=True, help_text="Registrable domain, without www."
    )
    phone = models.CharField(max_length=20, blank=True)
    state = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=2, blank=True)
    enrollment = models.PositiveIntegerField(null=True, blank=True)
    notes = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        verbose_name_plural = "companies"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "domain"],
                condition=~models.Q(domain=""),
                name="company_domain_unique",
            ),
            models.UniqueConstraint(
                "workspace",
                Lower("name"),
                condition=models.Q(domain=""),
                name="company_name_unique_without_domain",
            ),
        ]
        indexes: ClassVar = [
            models.Index("workspace", Lower("name"), "id", name="company_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Contact(WorkspaceModel):
    """A person: the current truth about them. Each attempt to sell to them is a Lead."""

    workspace = workspace_link(db_index=False)

    class Stage(models.TextChoices):
        LEAD = "lead", "Lead"
        QUALIFIED = "qualified", "Qualified"
        CUSTOMER = "customer", "Customer"

    display_name = models.CharField(max_length=200)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    company = models.ForeignKey(
        Company, models.SET_NULL, null=True, blank=True, related_name="contacts", db_index=False
    )
    company_name = models.CharField(max_length=300, blank=True)
    job_title = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=2, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    stage = models.CharField(max_length=9, choices=Stage.choices, default=Stage.LEAD)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta(WorkspaceModel.Meta):
        indexes: ClassVar = [
            models.Index("workspace", Lower("display_name"), "id", name="contact_name"),
            models.Index(fields=["company"], name="contact_company"),
            models.Index(
                fields=["merged_into"],
                name="contact_merged_into",
                condition=models.Q(merged_into__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.display_name


class ContactKey(WorkspaceModel):
    """An e-mail address or phone number and the one contact it names.

    The row is the lock of the person: capture inserts its keys in sorted order with
    ON CONFLICT DO UPDATE. Consent hangs on the key, so that it survives merges.
    """

    workspace = workspace_link(db_index=False)

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        PHONE = "phone", "Phone"

    kind = models.CharField(max_length=5, choices=Kind.choices)
    value = models.CharField(max_length=254)
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="keys")
    shared = models.BooleanField(
        default=False, help_text="Several people use it; it no longer tells who it is."
    )
    do_not_contact_at = models.DateTimeField(null=True, blank=True)
    do_not_contact_note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        verbose_name = "address or number"
        verbose_name_plural = "addresses and numbers"
        ordering: ClassVar = ["kind", "value"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "kind", "value"], name="contact_key_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.value
