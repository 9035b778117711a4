from django.urls import path

from tests.benchmarks.floor import views

urlpatterns = [
    path("empty/", views.empty),
    path("<uuid:tenant>/list/", views.lead_list),
    path("<uuid:tenant>/search/", views.search),
    path("<uuid:tenant>/capture/", views.capture),
    path("<uuid:tenant>/store/", views.store),
    path("<uuid:tenant>/api/", views.api_list),
    path("<uuid:tenant>/api/<uuid:lead>/", views.api_update),
    path("detail/<uuid:lead>/", views.detail),
    path("contact/<uuid:contact>/", views.contact),
    path("api/<uuid:lead>/", views.api_retrieve),
]
