from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    """Django admin with our site, which is imported only once the models are."""

    default_site = "leadcrm.admin_site.StaffSite"
