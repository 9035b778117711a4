import uuid

from leads.models import Lead
from tests.factories import make_lead


def test_leads_are_merged_and_the_merge_is_taken_back(api, acme):
    root, other = make_lead(email="bo@one.example"), make_lead(email="", phone="+14155552671")
    merged = api.post(f"leads/{root.pk}/merge", {"absorbed_ids": [str(other.pk)]})
    assert merged.status_code == 200, merged.content
    assert Lead.objects.get(pk=other.pk).merged_into_id == root.pk
    undone = api.post(f"merges/{merged.json()['id']}/undo", {})
    assert undone.json() == {"kept": []}
    assert Lead.objects.get(pk=other.pk).merged_into_id is None


def test_an_absorbed_lead_that_is_not_there_changes_nothing(api, acme):
    root = make_lead()
    answer = api.post(f"leads/{root.pk}/merge", {"absorbed_ids": [str(uuid.uuid4())]})
    assert answer.status_code == 404
    assert Lead.objects.get(pk=root.pk).version == root.version


def test_a_lead_cannot_be_merged_into_itself(api, acme):
    root = make_lead()
    answer = api.post(f"leads/{root.pk}/merge", {"absorbed_ids": [str(root.pk)]})
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "merge_refused"
