from django.db import migrations

from leadcrm.workspaces.wall import GuardLinks


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial"), ("leads", "0005_links_stay_inside")]

    operations = [GuardLinks("inboundevent")]
