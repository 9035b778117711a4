"""The bell, the page of notifications and the choice of e-mails."""

from datetime import timedelta

import pytest
from django.utils import timezone

from leads.models import Notification
from leads.notifying import News, tell
from tests.factories import make_lead

pytestmark = pytest.mark.django_db


@pytest.fixture
def base(acme):
    return f"/w/{acme.slug}/notifications/"


@pytest.fixture
def web(sign_in, ben, acme):
    client = sign_in(ben)
    client.get(f"/w/{acme.slug}/notifications/")
    return client


def some(ben, lead, count, kind="reply"):
    now = timezone.now()
    for number in range(count):
        at = now - timedelta(minutes=count - number)
        tell([News(ben.pk, kind, f"{kind}{number}", lead.pk, f"n{number}")], at)


def test_the_bell_counts_what_is_unread_in_one_query_of_its_own(
    web, ben, lead, base, django_assert_num_queries
):
    assert web.get(f"{base}bell/").content.strip() == b""
    make_lead(owner=ben)
    lead = make_lead(owner=ben, display_name="Tom & Co")
    some(ben, lead, 3)
    with django_assert_num_queries(4):  # session, user, membership
        shown = web.get(f"{base}bell/").content.decode()
    assert '<span class="bell-count">3' in shown
    assert 'data-body="Tom &amp; Co, n2"' in shown
    assert shown.count("data-alert=") == 3
    some(ben, lead, 101, kind="reminder")
    assert ">99+" in web.get(f"{base}bell/").content.decode()


def test_the_page_is_paged_and_its_queries_are_few(web, ben, base, django_assert_max_num_queries):
    some(ben, make_lead(owner=ben), 60)
    with django_assert_max_num_queries(6):
        first = web.get(base)
    assert [row.notification.detail for row in first.context["rows"]][::49] == ["n59", "n10"]
    rest = web.get(base, {"after": first.context["next"]})
    assert len(rest.context["rows"]) == 10
    assert web.get(base, {"after": "nonsense"}).status_code == 404


def test_reading_one_and_all(web, ben, base):
    some(ben, make_lead(owner=ben), 3)
    one = Notification.objects.first()
    assert web.post(f"{base}{one.pk}/read/").status_code == 302
    answer = web.post(f"{base}read/", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert "notified" in answer["HX-Trigger"]
    assert not Notification.objects.filter(read_at=None).exists()
    assert "New</span>" not in web.get(base).content.decode()


def test_nobody_reads_for_somebody_else(web, ana, lead, base):
    tell([News(ana.pk, "reply", "x", lead.pk)], timezone.now())
    one = Notification.objects.get()
    assert web.post(f"{base}{one.pk}/read/").status_code == 404
    web.post(f"{base}read/")
    one.refresh_from_db()
    assert one.read_at is None
    assert "Maria" not in web.get(base).content.decode()


def test_choosing_what_comes_by_mail(web, acme, ben):
    page = f"/w/{acme.slug}/settings/notifications/"
    assert "checked" not in web.get(page).content.decode()
    web.post(page, {"email": ["late", "reply", "bogus"]})
    ben.refresh_from_db()
    assert ben.email_kinds == ["reply", "late"]
    assert web.get(page).content.decode().count("checked") == 2
    web.post(page, {})
    ben.refresh_from_db()
    assert ben.email_kinds == []
