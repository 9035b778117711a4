from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("leadcrm.workspaces.urls")),
    path("", include("leads.urls")),
    path("", include("integrations.urls")),
    path("api/", include("leadcrm.api_urls")),
    path("admin/", admin.site.urls),
]

if settings.DEV:
    urlpatterns.append(path("demo/", include("leadcrm.demo.urls")))
