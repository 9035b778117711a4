from django.db import migrations

DEFAULTS = (
    ("reached", "Reached"),
    ("call_back", "Reached – call back"),
    ("voicemail", "Left voicemail"),
    ("no_answer", "No answer"),
    ("busy", "Busy"),
    ("wrong_number", "Wrong number"),
    ("do_not_call", "Do not call"),
)


def give_defaults(apps, schema_editor):
    """Every workspace gets the outcomes that were the same for all."""
    outcomes = apps.get_model("leads", "CallOutcome")
    workspaces = apps.get_model("workspaces", "Workspace").objects.values_list("pk", flat=True)
    outcomes.objects.bulk_create(
        outcomes(workspace_id=pk, code=code, label=label, behaviour=code, position=position)
        for pk in workspaces.iterator()
        for position, (code, label) in enumerate(DEFAULTS)
    )


class Migration(migrations.Migration):

    dependencies = [("leads", "0024_call_outcomes")]

    operations = [migrations.RunPython(give_defaults, migrations.RunPython.noop)]
