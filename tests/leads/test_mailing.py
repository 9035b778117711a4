"""Notifications by e-mail: leased, sent once, tried again."""

from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from leadcrm.workspaces.models import Membership
from leads import mailing
from leads.models import Notification
from leads.notifying import News, mark_read, set_email_kinds, tell
from tests.factories import make_lead

MINUTE = timedelta(minutes=1)


@pytest.fixture
def lead(acme, ben, now):
    """Ben wants replies by e-mail, and has two of one lead."""
    set_email_kinds(ben, ["reply", "nonsense"])
    lead = make_lead(owner=ben, display_name="Maria Lopez", phone="+14155552671")
    tell([News(ben.pk, kind, kind, lead.pk, "Hi") for kind in ("reply", "late")], now)
    return lead


def test_what_is_wished_is_sent_once_and_says_nothing_about_the_person(
    acme, ben, lead, now, settings
):
    settings.SITE_URL = "https://crm.example.com"
    assert mailing.send_due(now) == 1
    assert mailing.send_due(now + 60 * MINUTE) == 0
    (sent,) = mail.outbox
    assert sent.to == [ben.user.email]
    assert sent.subject == "Reply · Acme"
    assert f"https://crm.example.com/w/{acme.slug}/leads/{lead.pk}/" in sent.body
    text = str(sent.message())
    assert "Maria" not in text
    assert lead.phone not in text
    assert "555-2671" not in text
    assert Notification.objects.get(kind="reply").emailed_at == now


def test_what_was_read_or_is_no_longer_wished_is_not_sent(acme, ben, lead, now):
    mark_read(ben, now)
    assert mailing.send_due(now) == 0
    tell([News(ben.pk, "reply", "another", lead.pk)], now)
    set_email_kinds(ben, [])
    assert mailing.send_due(now) == 0
    tell([News(ben.pk, "reply", "a third", lead.pk)], now)
    Membership.objects.filter(pk=ben.pk).update(is_active=False)
    assert mailing.send_due(now) == 0
    assert mail.outbox == []
    assert not Notification.objects.filter(email_at__isnull=False).exists()


def test_a_worker_that_dies_on_the_way_is_made_good_when_its_lease_ends(lead, now, monkeypatch):
    def die(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "send_messages", die)
        with pytest.raises(KeyboardInterrupt):
            mailing.send_due(now)
    assert mailing.send_due(now + MINUTE) == 0  # somebody may be sending it
    assert mailing.send_due(now + 6 * MINUTE) == 1


def test_one_that_dies_after_sending_sends_the_same_message_again(lead, now, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(mailing, "_settle", lambda *args, **values: None)
        mailing.send_due(now)
    mailing.send_due(now + 6 * MINUTE)
    first, second = (one.extra_headers["Message-ID"] for one in mail.outbox)
    assert first == second


def test_a_lease_that_ran_out_settles_nothing_any_more(lead, now):
    (held,) = mailing._lease(now)
    (again,) = mailing._lease(now + 6 * MINUTE)
    mailing._settle(held, email_at=None, emailed_at=now)
    assert Notification.objects.get(pk=held.pk).email_lease == again.email_lease


@pytest.mark.parametrize("error", [OSError("no route"), SMTPRecipientsRefused({})])
def test_what_fails_is_tried_again_and_given_up_in_the_end(lead, now, monkeypatch, error):
    def fail(*args):
        raise error

    monkeypatch.setattr(EmailBackend, "send_messages", fail)
    at = now
    for tries in range(1, mailing.MOST_TRIES + 1):
        mailing.send_due(at)
        row = Notification.objects.get(kind="reply")
        assert row.email_tries == tries
        at = row.email_at or at
    assert row.email_at is None
    assert row.emailed_at is None
    assert at - now > timedelta(hours=1)


def test_one_address_that_is_refused_holds_up_no_other(acme, ben, max_, lead, now, monkeypatch):
    set_email_kinds(max_, ["reply"])
    tell([News(max_.pk, "reply", "x", lead.pk)], now)
    send = EmailBackend.send_messages

    def refuse(self, messages):
        if messages[0].to == [ben.user.email]:
            raise SMTPRecipientsRefused({})
        return send(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    mailing.send_due(now)
    assert [one.to for one in mail.outbox] == [[max_.user.email]]
