from django.db import migrations

# Two things may change the log: erasing a person, which blanks `data`, and deleting a whole
# workspace. Whoever does either says so for the transaction by `SET LOCAL leadcrm.erasing`.
GUARD = """
CREATE FUNCTION leads_activity_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('leadcrm.erasing', true) = 'on' THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        IF (to_jsonb(NEW) - 'data' - 'actor_id' - 'token_id' - 'deal_id' - 'from_stage_id' - 'to_stage_id')
         = (to_jsonb(OLD) - 'data' - 'actor_id' - 'token_id' - 'deal_id' - 'from_stage_id' - 'to_stage_id')
        THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION 'the log is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER leads_activity_guard BEFORE UPDATE OR DELETE ON leads_activity
    FOR EACH ROW EXECUTE FUNCTION leads_activity_guard();
"""
UNGUARD = """
DROP TRIGGER leads_activity_guard ON leads_activity;
DROP FUNCTION leads_activity_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("leads", "0002_initial")]

    operations = [
        migrations.RunSQL(GUARD, UNGUARD),
        # Room on each page for the updates that leave no indexed column changed.
        migrations.RunSQL(
            "ALTER TABLE leads_lead SET (fillfactor = 85)", "ALTER TABLE leads_lead RESET (fillfactor)"
        ),
    ]
