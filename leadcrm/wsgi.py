"""The web application, as gunicorn loads it."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from leadcrm import memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadcrm.settings")

application = get_wsgi_application()
_ = get_resolver().url_patterns  # loads all views
memory.settle()
