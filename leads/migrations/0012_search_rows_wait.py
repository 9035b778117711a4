import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("leads", "0011_outcome_and_indexes")]

    operations = [
        # Setting the parameters needs no new index, which would take minutes on a large table.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER INDEX lead_search_text SET (fastupdate = on, gin_pending_list_limit = 1024)",
                    "ALTER INDEX lead_search_text SET (fastupdate = off)",
                )
            ],
            state_operations=[
                migrations.RemoveIndex("leadsearch", "lead_search_text"),
                migrations.AddIndex(
                    "leadsearch",
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass("workspace_id", "uuid_ops"),
                        django.contrib.postgres.indexes.OpClass("text", "gin_trgm_ops"),
                        fastupdate=True,
                        gin_pending_list_limit=1024,
                        name="lead_search_text",
                    ),
                ),
            ],
        )
    ]
