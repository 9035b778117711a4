from django.db import migrations
from django.utils import timezone


def go_on_as_runs(apps, schema_editor):
    """What is still to be handed over goes on as a bulk run; what was, stands in the leads' log."""
    jobs = apps.get_model("leads", "SettingsJob").objects.filter(kind="hand_over")
    leads = apps.get_model("leads", "Lead").objects
    runs = apps.get_model("leads", "BulkRun").objects
    unfinished = jobs.filter(finished_at=None).select_related("member", "to_member", "to_team")
    for job in unfinished.order_by("created_at"):
        mine = leads.filter(archived_at=None, outcome="open", owner=job.member_id)
        ids = list(mine.order_by("-created_at").values_list("pk", flat=True))
        if ids:
            to = job.to_member or job.to_team
            runs.create(
                workspace_id=job.workspace_id,
                verb="hand-over",
                values={
                    "member": str(job.member_id),
                    "owner": str(job.to_member_id) if job.to_member_id else None,
                    "team": str(job.to_team_id) if job.to_team_id else None,
                },
                said=f"handed over from {job.member.name} to {to.name}",
                leads=ids,
                total=len(ids),
                started_by_id=job.asked_by_id,
                started_at=timezone.now(),
            )
    jobs.delete()


class Migration(migrations.Migration):

    dependencies = [("leads", "0025_default_call_outcomes")]

    operations = [migrations.RunPython(go_on_as_runs, migrations.RunPython.noop)]
