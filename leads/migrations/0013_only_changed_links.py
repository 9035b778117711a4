from django.db import migrations

from leadcrm.workspaces.wall import GuardLinks

# Those whose rows change: the wall looks only at links that do.
CHANGING = ("lead", "contact", "contactkey", "task", "appointment", "message", "deal")


class Migration(migrations.Migration):
    dependencies = [("leads", "0012_search_rows_wait")]

    operations = [GuardLinks(model) for model in CHANGING]
