from django.db import migrations

from leadcrm.workspaces.wall import GuardLinks

OF_WORKSPACES = ("team", "location", "membership", "apitoken", "invitation", "idempotencykey")
OF_LEADS = (
    "pipeline", "stage", "closereason", "campaign", "source", "sourceday", "company", "contact",
    "contactkey", "lead", "leadsearch", "externalid", "fieldsuggestion", "deal", "appointment",
    "task", "message", "mergejournal", "activity", "parking",
)

GUARD = """
CREATE OR REPLACE FUNCTION leads_activity_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('leadcrm.erasing', true) = 'on' THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        IF to_jsonb(NEW) - '{data,actor_id,token_id,deal_id,from_stage_id,to_stage_id}'::text[]
         = to_jsonb(OLD) - '{data,actor_id,token_id,deal_id,from_stage_id,to_stage_id}'::text[]
        AND (NEW.actor_id IS NULL OR NEW.actor_id = OLD.actor_id)
        AND (NEW.token_id IS NULL OR NEW.token_id = OLD.token_id)
        AND (NEW.deal_id IS NULL OR NEW.deal_id = OLD.deal_id)
        AND (NEW.from_stage_id IS NULL OR NEW.from_stage_id = OLD.from_stage_id)
        AND (NEW.to_stage_id IS NULL OR NEW.to_stage_id = OLD.to_stage_id)
        THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION 'the log is append-only' USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("leads", "0004_merge_journal"), ("workspaces", "0001_initial")]

    operations = [
        *(GuardLinks(model, app="workspaces") for model in OF_WORKSPACES),
        *(GuardLinks(model) for model in OF_LEADS),
        # While a person or a workspace is erased, what a row points at may go, but not change.
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
    ]
