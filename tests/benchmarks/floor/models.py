"""The product's tables as a bare application of thirty columns would have them."""

from typing import ClassVar

from django.db import models


class BareContact(models.Model):
    id = models.UUIDField(primary_key=True)
    display_name = models.CharField(max_length=200)
    email = models.CharField(max_length=254)
    phone = models.CharField(max_length=20)
    company_name = models.CharField(max_length=300)
    job_title = models.CharField(max_length=200)
    state = models.CharField(max_length=100)
    country = models.CharField(max_length=2)
    created_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "leads_contact"

    def __str__(self) -> str:
        return self.display_name


class BareKey(models.Model):
    id = models.UUIDField(primary_key=True)
    contact = models.ForeignKey(BareContact, models.DO_NOTHING, related_name="keys")
    kind = models.CharField(max_length=5)
    value = models.CharField(max_length=254)

    class Meta:
        managed = False
        db_table = "leads_contactkey"

    def __str__(self) -> str:
        return self.value


class BareLead(models.Model):
    id = models.UUIDField(primary_key=True)
    tenant = models.UUIDField(db_column="workspace_id")
    display_name = models.CharField(max_length=200)
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100)
    email = models.CharField(max_length=254)
    phone = models.CharField(max_length=20)
    company_name = models.CharField(max_length=300)
    job_title = models.CharField(max_length=200)
    state = models.CharField(max_length=100)
    country = models.CharField(max_length=2)
    message = models.TextField()
    notes = models.TextField()
    label = models.CharField(max_length=100)
    source_kind = models.CharField(max_length=16)
    contact = models.ForeignKey(BareContact, models.DO_NOTHING, null=True, related_name="leads")
    source_url = models.CharField(max_length=2000)
    utm_source = models.CharField(max_length=255)
    utm_campaign = models.CharField(max_length=255)
    budget = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    need = models.TextField()
    status = models.CharField(max_length=12)
    attempt_count = models.PositiveIntegerField()
    contacted_at = models.DateTimeField(null=True)
    qualified_at = models.DateTimeField(null=True)
    score_total = models.SmallIntegerField(null=True)
    work_due_at = models.DateTimeField(null=True)
    last_activity_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    version = models.PositiveIntegerField()
    owner_id = models.UUIDField(null=True)

    class Meta:
        managed = False
        db_table = "leads_lead"

    def __str__(self) -> str:
        return self.display_name


class BareSearch(models.Model):
    lead = models.OneToOneField(BareLead, models.DO_NOTHING, primary_key=True)
    tenant = models.UUIDField(db_column="workspace_id")
    created_at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        managed = False
        db_table = "leads_leadsearch"

    def __str__(self) -> str:
        return self.text


class BareActivity(models.Model):
    id = models.BigIntegerField(primary_key=True)
    lead = models.ForeignKey(BareLead, models.DO_NOTHING, related_name="activities")
    kind = models.CharField(max_length=32)
    occurred_at = models.DateTimeField()
    via = models.CharField(max_length=32)
    reason = models.CharField(max_length=50)
    data = models.JSONField()

    class Meta:
        managed = False
        db_table = "leads_activity"
        ordering: ClassVar = ["-occurred_at"]

    def __str__(self) -> str:
        return self.kind
