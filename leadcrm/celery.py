"""The Celery app. Only workers and beat import it: the web never touches the broker."""

import os
import warnings

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.signals import worker_process_init
from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep

from leadcrm import broker, memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadcrm.settings")

# When the broker's connection is lost, running tasks go on: their work is claimed in PostgreSQL.
warnings.filterwarnings("ignore", r"\s*In Celery 5.1 we introduced", CPendingDeprecationWarning)
if settings.DEV:
    warnings.filterwarnings("ignore", r"You're running the worker with superuser", SecurityWarning)

broker.install()
app = Celery("leadcrm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()


def leave_group(**kwargs: object) -> None:
    """Runners signal a whole process group, which would kill a task that the worker lets finish."""
    os.setpgrp()


def settle(**kwargs: object) -> None:
    memory.settle()


worker_process_init.connect(leave_group, weak=False)
worker_process_init.connect(settle, weak=False)
