from tests.factories import make_lead


def test_a_lead_comes_in(acme, now):
    lead = make_lead(email="bo@acme.example")
    assert lead.status == "new"
    assert lead.contact.email == "bo@acme.example"
