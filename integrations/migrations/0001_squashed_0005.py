"""What 0001 to 0005 come to; an installation from before has them all."""

import django.db.models.deletion
import django.utils.timezone
import leadcrm.workspaces.ids
from django.db import migrations, models

from leadcrm.workspaces.wall import GuardLinks



class Migration(migrations.Migration):

    replaces = [
        ('integrations', '0001_initial'),
        ('integrations', '0002_links_stay_inside'),
        ('integrations', '0003_failed_index'),
        ('integrations', '0004_only_changed_links'),
        ('integrations', '0005_no_index_twice'),
    ]

    initial = True

    dependencies = [
        ('leads', '0001_squashed_0028'),
    ]

    operations = [
        migrations.CreateModel(
            name='InboundEvent',
            fields=[
                ('id', models.UUIDField(default=leadcrm.workspaces.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('provider', models.CharField(max_length=20)),
                ('dedupe_key', models.CharField(max_length=255)),
                ('content_type', models.CharField(blank=True, max_length=255)),
                ('body', models.BinaryField()),
                ('headers', models.JSONField(default=dict)),
                ('received_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=7)),
                ('result', models.CharField(blank=True, choices=[('', 'Waiting'), ('new_lead', 'New lead'), ('added', 'Added to lead'), ('known', 'Already had it'), ('decision', 'Needs decision'), ('rejected', 'Rejected'), ('spam', 'Spam'), ('failed', 'Failed'), ('test', 'Test')], default='', max_length=8)),
                ('person', models.CharField(blank=True, help_text='Name as understood, for the list.', max_length=200)),
                ('note', models.CharField(blank=True, help_text='Why, in words for a person.', max_length=500)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('run_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('handled_at', models.DateTimeField(blank=True, null=True)),
                ('lead', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='leads.lead')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='inbound_events', to='leads.source')),
                ('workspace', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workspaces.workspace')),
            ],
            options={
                'verbose_name': 'received item',
                'ordering': ['-received_at'],
                'abstract': False,
                'base_manager_name': 'objects',
                'default_manager_name': 'objects',
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['workspace', 'run_at'], name='inbound_event_due'), models.Index(condition=models.Q(('state', 'failed')), fields=['workspace', '-received_at'], name='inbound_event_failed'), models.Index(fields=['workspace', '-received_at', 'id'], name='inbound_event_received'), models.Index(fields=['source', '-received_at'], name='inbound_event_source')],
                'constraints': [models.UniqueConstraint(fields=('source', 'dedupe_key'), name='inbound_event_unique')],
            },
        ),
        GuardLinks('inboundevent'),
    ]
