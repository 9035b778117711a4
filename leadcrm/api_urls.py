"""Everything under /api/."""

from typing import Any

from django.urls import include, path, re_path
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from leadcrm.workspaces.api.base import NotFoundView

app_name = "api"

PUBLIC: dict[str, Any] = {
    "authentication_classes": [],
    "permission_classes": [],
    "throttle_classes": [],
}

urlpatterns = [
    path("", include("leadcrm.workspaces.api.urls")),
    path("", include("leads.api.urls")),
    path("schema/", SpectacularAPIView.as_view(**PUBLIC), name="schema"),
    path(
        "docs/",
        # Its HTML renderer has no template for an error, such as a method not allowed.
        require_safe(
            SpectacularSwaggerSplitView.as_view(
                **PUBLIC, url_name="api:schema", template_name="api/docs.html"
            )
        ),
        name="docs",
    ),
    re_path(r"", NotFoundView.as_view(), name="nowhere"),
]
