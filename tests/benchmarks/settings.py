"""The product's settings, with the floor's views beside the product's."""

from leadcrm.settings import *  # noqa: F403
from leadcrm.settings import INSTALLED_APPS as PRODUCT_APPS

INSTALLED_APPS = [*PRODUCT_APPS, "tests.benchmarks.floor"]
ROOT_URLCONF = "tests.benchmarks.urls"
