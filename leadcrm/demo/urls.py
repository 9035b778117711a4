from django.urls import path

from leadcrm.demo import site

urlpatterns = [path("", site.demo_site, name="demo-site")]
