"""The product's settings, with the floor's views beside the product's."""

from leadcrm.settings import *  # noqa: F403
from leadcrm.settings import INSTALLED_APPS as PRODUCT_APPS
from leadcrm.settings import MIDDLEWARE as PRODUCT_MIDDLEWARE
from leadcrm.settings import env

INSTALLED_APPS = [*PRODUCT_APPS, "tests.benchmarks.floor"]
ROOT_URLCONF = "tests.benchmarks.urls"

# What `startproject` sets up: how much of a page's time our own middleware takes.
STANDARD_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
MIDDLEWARE = STANDARD_MIDDLEWARE if env.bool("STANDARD_MIDDLEWARE", False) else PRODUCT_MIDDLEWARE
