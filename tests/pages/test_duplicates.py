"""Duplicates in the browser: the queue, merging side by side, taking it back, stubs, and the rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.actors import Actor
from leads import duplicate_rules, duplicate_scan, duplicates, editing, merging
from leads.models import Activity, DuplicatePair, Lead, MergeJournal, Task
from leads.models.duplicates import Action, Door, Match
from tests.factories import make_lead

SAME = {"display_name": "Maria Lopez", "company_name": "Blue Sky Dental"}


@pytest.fixture
def pair(acme, ben):
    """Two leads of Ben's that are one person, and found to be."""
    first = make_lead(email="maria.lopez@gmail.com", owner=ben, job_title="Owner", **SAME)
    second = make_lead(email="marialopez@gmail.com", owner=ben, phone="+14155552671", **SAME)
    scan()
    return first, second


def scan():
    now = timezone.now()
    duplicate_scan.start_again(now)
    duplicate_scan.scan_due(now)


def to(acme, name, *args, query=""):
    return reverse(name, args=[acme.slug, *args]) + query


def test_the_queue_shows_both_sides_and_why(acme, web, pair, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        page = web.get(to(acme, "duplicates")).content.decode()
    for lead in pair:
        assert lead.email in page
        assert to(acme, "lead-detail", lead.pk) in page
    assert "Same mailbox · Same name · Similar company" in page
    assert to(acme, "lead-merge", pair[0].pk, query=f"?with={pair[1].pk}") in page


def test_queries_of_the_queue_do_not_grow_and_pages_follow(
    acme, web, ben, django_assert_max_num_queries
):
    for number in range(30):
        for email in (f"ro.ok{number:02}@gmail.com", f"rook{number:02}@gmail.com"):
            make_lead(display_name=f"Ro Ok{number}", email=email, owner=ben)
    scan()
    with django_assert_max_num_queries(8):
        first = web.get(to(acme, "duplicates"))
    assert len(first.context["rows"]) == 25
    rest = web.get(to(acme, "duplicates", query=f"?after={first.context['next']}"))
    shown = [row.pair.pk for page in (first, rest) for row in page.context["rows"]]
    assert len(shown) == len(set(shown)) == DuplicatePair.objects.count()


def test_an_empty_queue_says_so(acme, web):
    assert "Looking for duplicates" in web.get(to(acme, "duplicates")).content.decode()
    scan()
    assert "No duplicates to decide" in web.get(to(acme, "duplicates")).content.decode()


def test_not_the_same_is_noted_for_good_and_can_be_taken_back(acme, web, pair):
    found = DuplicatePair.objects.get()
    answer = web.post(to(acme, "duplicate-not-same", found.pk), headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert "pairs-changed" in answer["HX-Trigger"]
    scan()
    found.refresh_from_db()
    assert found.state == "distinct"
    assert (
        "Not the same" in web.get(to(acme, "duplicates", query="?show=distinct")).content.decode()
    )
    again = web.post(to(acme, "duplicate-not-same", found.pk), follow=True)
    assert "decided about this meanwhile" in again.content.decode()
    web.post(to(acme, "duplicate-reconsider", found.pk))
    found.refresh_from_db()
    assert found.state == "open"


def test_leads_are_merged_by_choice_and_the_toast_takes_it_back(acme, web, pair, me):
    root, other = pair
    editing.edit([other.pk], {"job_title": "Manager"}, by=me, now=timezone.now())
    path = to(acme, "lead-merge", root.pk, query=f"?with={other.pk}")
    page = web.get(path)
    lines = {line.name: line for line in page.context["lines"]}
    (wins,) = [cell for cell in lines["job_title"].cells if cell.chosen]
    assert (wins.side, wins.why) == (other.pk, "a person set it")
    form = {"with": str(other.pk), "do": "merge", "keep-email": str(other.pk)}
    form |= {"keep-job_title": str(other.pk), f"version-{root.pk}": str(root.version)}
    done = web.post(to(acme, "lead-merge", root.pk), form, follow=True)
    merge = MergeJournal.objects.get()
    assert to(acme, "merge-undo", merge.pk) in done.content.decode()
    merged = Lead.objects.select_related("contact").get(pk=root.pk)
    assert (merged.email, merged.job_title) == ("marialopez@gmail.com", "Manager")
    assert (merged.contact.email, merged.contact.job_title) == ("marialopez@gmail.com", "Manager")
    assert DuplicatePair.objects.get().state == "merged"
    undone = web.post(to(acme, "merge-undo", merge.pk), headers={"HX-Request": "true"})
    assert "The merge is undone." in undone["HX-Trigger"]
    back = Lead.objects.select_related("contact").get(pk=root.pk)
    assert (back.email, back.job_title) == (root.email, "Owner")
    assert (back.contact.email, back.provenance) == (root.email, root.provenance)
    assert DuplicatePair.objects.get().state == "open"


def test_what_changed_after_a_merge_is_kept_and_listed(acme, web, pair, me):
    root, other = pair
    now = timezone.now()
    merge = merging.merge(root.pk, [other.pk], by=me, now=now)
    editing.edit([root.pk], {"phone": "+14155550100"}, by=me, now=now)
    later = now + timedelta(minutes=1)
    make_lead(email="marialopez@gmail.com", now=later, always_new=True)
    page = web.post(to(acme, "merge-undo", merge.pk), follow=True).content.decode()
    assert "phone: changed since" in page
    assert "1 lead that came in since stays with Maria Lopez" in page
    assert Lead.objects.get(pk=other.pk).archived_at is None


def test_after_thirty_days_a_merge_stands(acme, web, pair, me, max_, sign_in):
    root, other = pair
    merge = merging.merge(root.pk, [other.pk], by=me, now=timezone.now())
    page = web.get(to(acme, "merge", merge.pk)).content.decode()
    assert "Undo this merge" in page
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        client = sign_in(max_)
        late = client.get(to(acme, "merge", merge.pk)).content.decode()
        refused = client.post(to(acme, "merge-undo", merge.pk))
    assert "Undo this merge" not in late
    assert refused.status_code == 422
    assert "A merge can be undone for 30 days." in refused.content.decode()
    assert Lead.objects.get(pk=other.pk).merged_into == root


def test_people_are_merged_with_their_open_leads(acme, web, pair):
    first, second = pair
    path = to(acme, "contact-merge", first.contact_id)
    page = web.get(f"{path}?with={second.contact_id}")
    assert [lead.pk for lead in page.context["open_leads"]] == [first.pk, second.pk]
    form = {"with": str(second.contact_id), "root": str(second.pk)}
    web.post(path, form | {"keep-email": str(second.contact_id)})
    merge = MergeJournal.objects.get()
    kept = Lead.objects.select_related("contact").get(pk=second.pk)
    assert (merge.root_id, kept.contact_id) == (second.pk, first.contact_id)
    assert kept.contact.email == "marialopez@gmail.com"
    assert Lead.objects.get(pk=first.pk).merged_into_id == second.pk
    web.post(to(acme, "merge-undo", merge.pk))
    for lead in pair:
        now_ = Lead.objects.select_related("contact").get(pk=lead.pk)
        assert (now_.contact_id, now_.archived_at) == (lead.contact_id, None)
        assert now_.contact.email == lead.email


@pytest.mark.parametrize("what", ["itself", "twice", "changed", "foreign"])
def test_what_cannot_be_merged_is_refused_and_changes_nothing(acme, web, pair, me, rival, what):
    from leadcrm.workspaces.scoping import workspace_scope

    root, other = pair
    form = {"with": str(other.pk), "do": "merge"}
    if what == "itself":
        form["with"] = str(root.pk)
    if what == "twice":
        third = make_lead()
        merging.merge(third.pk, [other.pk], by=me, now=timezone.now())
    if what == "changed":
        form[f"version-{other.pk}"] = str(other.version)
        editing.edit([other.pk], {"job_title": "Cook"}, by=me, now=timezone.now())
    if what == "foreign":
        with workspace_scope(rival):
            form["with"] = str(make_lead().pk)
    before = Lead.objects.filter(merged_into=root.pk).count(), MergeJournal.objects.count()
    answer = web.post(to(acme, "lead-merge", root.pk), form)
    said = {
        "itself": "can’t be merged with itself".replace("’", "&#x27;"),
        "twice": "was merged already",
        "changed": "has changed meanwhile",
        "foreign": "",
    }[what]
    assert answer.status_code == (404 if what == "foreign" else 422)
    assert said in answer.content.decode()
    assert before == (
        Lead.objects.filter(merged_into=root.pk).count(),
        MergeJournal.objects.count(),
    )


def test_a_rep_suggests_and_a_manager_finds_it_first(acme, sign_in, ben, max_, pair):
    rep = sign_in(ben)
    path = to(acme, "lead-merge", pair[0].pk)
    page = rep.get(f"{path}?with={pair[1].pk}").content.decode()
    assert "Suggest merging" in page
    assert 'value="merge"' not in page
    assert rep.post(path, {"with": str(pair[1].pk), "do": "merge"}).status_code in (403, 404)
    rep.post(path, {"with": str(pair[1].pk), "do": "suggest"})
    assert not MergeJournal.objects.exists()
    shown = sign_in(max_).get(to(acme, "duplicates", query="?show=suggested")).content.decode()
    assert "Suggested by Ben" in shown
    assert Activity.objects.filter(kind="merge_suggested").count() == 2


def test_what_a_rep_may_not_see_is_a_stub_that_can_be_asked_for(acme, sign_in, ben, pair):
    from leadcrm.workspaces.models import Role
    from tests.factories import make_member

    cleo = make_member(acme, Role.REP, "Cleo")
    mine = make_lead(email="mari.alopez@gmail.com", owner=cleo, **SAME)
    scan()
    client = sign_in(cleo)
    for path in (to(acme, "duplicates"), to(acme, "lead-detail", mine.pk)):
        page = client.get(path).content.decode()
        assert "Ben" in page
        assert "Ask for it" in page
        for lead in pair:
            assert lead.email not in page
            for part in ("+1415", "(415)", "555-2671", "5552671"):
                assert part not in page
    answer = client.post(to(acme, "lead-ask", pair[0].pk), follow=True)
    assert "Ben was asked for it." in answer.content.decode()
    task = Task.objects.get(lead=pair[0])
    assert task.assignee == ben
    assert "Cleo asks for this lead" in task.title
    again = client.post(to(acme, "lead-ask", pair[0].pk), follow=True)
    assert "You have asked for it already" in again.content.decode()
    assert Task.objects.filter(lead=pair[0]).count() == 1


def add(client, acme, **values: Any):
    form = {"display_name": "", "email": "", "phone": "", "company_name": "", "message": ""}
    form |= {"source_kind": "manual", "owner": "", "key": "0198c0de-0000-7000-8000-000000000001"}
    return client.post(to(acme, "lead-add"), form | values)


def test_somebody_similar_is_warned_of_and_added_anyway(acme, web, pair):
    again = {
        "display_name": "Maria Lopez",
        "email": "m.lopez@web.de",
        "company_name": "BlueSky Dental",
    }
    warned = add(web, acme, **again)
    assert warned.status_code == 422
    assert "Somebody very similar has a lead already." in warned.content.decode()
    assert "Add anyway" in warned.content.decode()
    added = add(web, acme, **again, sure="new")
    assert added.status_code == 302
    assert Lead.objects.count() == 3


@pytest.mark.parametrize(
    ("action", "status", "leads"),
    [
        (Action.BLOCK, 422, 2),
        (Action.MERGE, 302, 2),
        (Action.REPORT, 302, 3),
        (Action.WARN, 422, 2),
    ],
)
def test_the_same_address_by_hand_goes_by_the_rule(acme, web, ana, pair, action, status, leads):
    duplicate_rules.change_rules({(Match.EMAIL, Door.HAND): action}, by=ana)
    answer = add(web, acme, display_name="Maria", email="maria.lopez@gmail.com")
    assert answer.status_code == status
    assert Lead.objects.count() == leads
    if action == Action.REPORT:
        scan()
        assert DuplicatePair.objects.filter(about="leads").exists()


def test_a_form_never_loses_an_enquiry(acme, ana, pair):
    with pytest.raises(duplicate_rules.Refused):
        duplicate_rules.change_rules({(Match.EMAIL, Door.CAPTURE): Action.BLOCK}, by=ana)
    duplicate_rules.change_rules({(Match.EMAIL, Door.CAPTURE): Action.REPORT}, by=ana)
    make_lead(email="maria.lopez@gmail.com")
    assert Lead.objects.count() == 3


def test_the_api_refuses_by_rule_with_a_problem_that_names_the_field(acme, web, ana, pair):
    duplicate_rules.change_rules({(Match.EMAIL, Door.API): Action.BLOCK}, by=ana)
    body = {"display_name": "Maria", "email": "maria.lopez@gmail.com"}
    answer = web.post(
        "/api/leads", body, content_type="application/json", headers={"X-Workspace": acme.slug}
    )
    assert answer.status_code == 409, answer.content
    assert answer.json()["error"]["code"] == "duplicate"
    assert "email" in answer.json()["error"]["fields"]
    assert Lead.objects.count() == 2


def test_rules_are_set_on_their_page(acme, web, ana):
    form = {f"{m}-{d}": offered[0] for (m, d), offered in duplicate_rules.OFFERED.items()}
    web.post(to(acme, "matching-rules"), form | {"phone-api": "block"})
    rules = duplicate_rules.read_rules()
    assert rules[Match.PHONE, Door.API] == Action.BLOCK
    assert rules[Match.EMAIL, Door.API] == Action.MERGE
    refused = web.post(to(acme, "matching-rules"), form | {"email-capture": "block"})
    assert refused.status_code == 422


def test_a_suggestion_survives_the_finder_and_a_decision_stops_it(acme, pair, ben, me):
    third = make_lead(display_name="Somebody Else")
    now = timezone.now()
    duplicates.suggest(pair[0], third, by=Actor.member(ben), now=now)
    scan()
    suggested = DuplicatePair.objects.get(suggested_at__isnull=False)
    duplicates.dismiss(suggested, by=me, now=now)
    with pytest.raises(duplicates.PairDecided):
        duplicates.suggest(pair[0], third, by=Actor.member(ben), now=now)
