"""Celery's way in: each task calls one function. Beat rings them; a lost ring is made good by the next."""

from celery import shared_task
from django.utils import timezone

from integrations import inbox


@shared_task(name="integrations.drain_inbox")
def drain_inbox() -> None:
    inbox.drain(timezone.now())
