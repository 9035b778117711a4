"""Which organisation is it? By business domain, else by name."""

from __future__ import annotations

from leads import matching
from leads.models import Company, Lead
from tests.factories import make_lead


def names() -> list[tuple[str, str]]:
    return sorted(Company.objects.values_list("name", "domain"))


def test_a_business_domain_and_a_name_make_a_company(acme):
    lead = make_lead(email="bo@acme.example", company_name=" Acme  Inc ")
    assert names() == [("Acme Inc", "acme.example")]
    assert lead.company.name == "Acme Inc"
    assert lead.contact.company_id == lead.company_id


def test_the_domain_decides_over_the_name(acme):
    first = make_lead(email="bo@acme.example", company_name="Acme")
    second = make_lead(email="cy@acme.example", company_name="ACME Incorporated")
    third = make_lead(email="di@acme.example")
    assert first.company_id == second.company_id == third.company_id
    assert names() == [("Acme", "acme.example")]


def test_two_domains_are_two_companies_of_one_name(acme):
    make_lead(email="bo@acme.example", company_name="Acme")
    make_lead(email="bo@acme2.example", company_name="Acme")
    assert names() == [("Acme", "acme.example"), ("Acme", "acme2.example")]


def test_a_public_mailbox_says_nothing_about_the_company(acme):
    lead = make_lead(email="bo@gmail.com")
    assert lead.company_id is None
    assert make_lead(email="cy@gmail.com", company_name="Acme").company.domain == ""


def test_a_name_is_compared_without_case_and_spaces(acme):
    first = make_lead(email="bo@gmail.com", company_name="Acme Inc")
    second = make_lead(email="cy@gmail.com", company_name="  acme   INC ")
    assert first.company_id == second.company_id


def test_a_company_without_a_domain_is_found_by_its_name(acme):
    first = make_lead(email="bo@gmail.com", company_name="Acme")
    second = make_lead(email="cy@acme.example", company_name="Acme")
    assert first.company_id == second.company_id


def test_a_domain_alone_makes_no_company(acme):
    assert make_lead(email="bo@acme.example").company_id is None
    assert not Company.objects.exists()


def test_an_enquiry_that_only_touches_a_lead_makes_no_company(acme):
    make_lead(email="bo@acme.example")
    make_lead(email="bo@acme.example", company_name="Acme")
    assert not Company.objects.exists()
    assert Lead.objects.get().company_name == "Acme"


def test_many_pairs_take_a_few_queries(acme, django_assert_max_num_queries):
    pairs = [(f"Company {n}", f"c{n}.example") for n in range(300)]
    with django_assert_max_num_queries(3):
        found = matching.resolve_companies(pairs)
    assert len(set(found.values())) == 300
