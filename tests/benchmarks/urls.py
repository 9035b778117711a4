from django.urls import include, path

urlpatterns = [
    path("floor/", include("tests.benchmarks.floor.urls")),
    path("", include("leadcrm.urls")),
]
