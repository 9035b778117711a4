from django.db import migrations

from leadcrm.workspaces.wall import GuardLinks


class Migration(migrations.Migration):
    dependencies = [("integrations", "0003_failed_index")]

    operations = [GuardLinks("inboundevent")]
