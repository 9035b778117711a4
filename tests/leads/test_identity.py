import string
import time
from collections.abc import Callable

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.identity import (
    FREE_MAIL_DOMAINS,
    canonical_domain,
    canonical_email,
    canonical_phone,
    display_name,
    split_name,
    weak_email,
)

# --- e-mail


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("jane@example.com", "jane@example.com"),
        ("  Jane.Doe+News@Example.COM \r\n", "jane.doe+news@example.com"),
        ("Jane Doe <Jane@Example.com>", "jane@example.com"),
        ('"Doe, Jane" <jane@example.com>;', "jane@example.com"),
        ("Jane\r\n <jane@example.com>", "jane@example.com"),
        ("<jane@example.com>", "jane@example.com"),
        ("'jane@example.com'", "jane@example.com"),
        ("Jane <'jane@example.com'>", "jane@example.com"),
        ("mailto:Jane@example.com", "jane@example.com"),
        ("MAILTO:jane%2Bnews@example.com?subject=Hi%20there", "jane+news@example.com"),
        ("<mailto:jane@example.com>", "jane@example.com"),
        ("jane@example.com.", "jane@example.com"),
        ("jane@example.com,", "jane@example.com"),
        ("\ufeffja\u200bne@exam\u00adple.com\u200e", "jane@example.com"),
        ("jane\x00@example.com\x07", "jane@example.com"),
        ("ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ", "jane@example.com"),
        ("jane@müller.de", "jane@xn--mller-kva.de"),
        ("JANE@MÜLLER.DE", "jane@xn--mller-kva.de"),
        ("jane@mu\u0308ller.de", "jane@xn--mller-kva.de"),
        ("jane@XN--MLLER-KVA.de", "jane@xn--mller-kva.de"),
        ("jane@straße.de", "jane@xn--strae-oqa.de"),
        ("почта@пример.рф", None),
        ("post@пример.рф", "post@xn--e1afmkfd.xn--p1ai"),
        ("o'hara/sales@example.com", "o'hara/sales@example.com"),
        ('"Jane Doe"@example.com', None),
        ("a" * 64 + "@" + "b" * 60 + ".com", "a" * 64 + "@" + "b" * 60 + ".com"),
        ("a" * 64 + "@" + ".".join(["b" * 60] * 4) + ".com", None),
    ],
)
def test_canonical_email(raw, expected):
    assert canonical_email(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "",
        "   ",
        "n/a",
        "jane",
        "jane@",
        "@example.com",
        "jane@example",
        "jane@@example.com",
        "jane doe@example.com",
        "jane@exa mple.com",
        "jane@example.com, john@example.com",
        "jane@example.com john@example.com",
        "Jane <jane@example.com>, John <john@example.com>",
        "jane@example.com\nBcc: john@example.com",
        "jane.@example.com",
        "jane..doe@example.com",
        "jane@-example.com",
        "jane@ex_ample.com",
        "jane@a..com",
        "jane@\ud800.com.invalid\ufffd",
        "jäne@example.com",
        "mailto:",
        "<>",
        "'",
        "=cmd|'/c calc'!A1",
    ],
)
def test_what_is_no_email(raw):
    assert canonical_email(raw) is None


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("jane.doe+news@gmail.com", "janedoe@gmail.com"),
        ("J.A.N.E@GoogleMail.com", "jane@gmail.com"),
        ("jane.doe+news@example.com", "jane.doe@example.com"),
        ("jane@example.com", "jane@example.com"),
        ("+1@example.com", "+1@example.com"),
        ("jane.+x@example.com", "jane@example.com"),
        ("jane.doe@notgmail.com", "jane.doe@notgmail.com"),
        ('"a+b"@example.com', '"a+b"@example.com'),
        ("nobody", ""),
    ],
)
def test_weak_email(email, expected):
    assert weak_email(email) == expected


# --- phone


@pytest.mark.parametrize(
    ("raw", "country", "expected"),
    [
        ("(415) 555-2671", "US", "+14155552671"),
        ("415.555.2671", "us", "+14155552671"),
        ("1 415 555 2671", "US", "+14155552671"),
        ("+1 415 555 2671", "", "+14155552671"),
        ("+1 415 555 2671", "DE", "+14155552671"),
        ("415-555-2671 ext. 12", "US", "+14155552671"),
        ("+14155552671x12", "", "+14155552671"),
        ("tel:+1-415-555-2671;ext=12", "", "+14155552671"),
        ("TEL:%2B14155552671", "", "+14155552671"),
        ("tel:415-555-2671;phone-context=+1", "", "+14155552671"),
        ("4155552671.0", "US", "+14155552671"),
        ("14155552671.00", "US", "+14155552671"),
        ("+14155552671.0", "", "+14155552671"),
        ("15112345678.0", "DE", "+4915112345678"),
        ("0151 12345678", "DE", "+4915112345678"),
        ("0049 151 12345678", "DE", "+4915112345678"),
        ("0049 151 12345678", "US", "+4915112345678"),
        ("00 49 151 12345678", "", "+4915112345678"),
        ("(0049) 151/12345678", "", "+4915112345678"),
        ("011 49 151 12345678", "US", "+4915112345678"),
        ("+49 (0) 151 12345678", "US", "+4915112345678"),
        ("4915112345678", "DE", "+4915112345678"),
        ("4915112345678.0", "DE", "+4915112345678"),
        ("49 (30) 12345678", "DE", "+493012345678"),
        ("0491 12345678", "DE", "+4949112345678"),
        ("4366412345678", "AT", "+4366412345678"),
        ("919876543210", "IN", "+919876543210"),
        ("9112345678", "IN", "+919112345678"),
        ("5511991234567", "BR", "+5511991234567"),
        ("(55) 99123-4567", "BR", "+5555991234567"),
        ("+44 (0)20 7946 0958", "", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("020 7946 0958", "UK", "+442079460958"),
        ("06 698 12345", "IT", "+390669812345"),
        ("＋１（４１５）５５５－２６７１", "", "+14155552671"),
        ("٠١٥١١٢٣٤٥٦٧٨", "DE", "+4915112345678"),
        ("\u202a+1 415 555\u00a02671\u202c", "", "+14155552671"),
        ("\u200e+1\u2011415\u2011555\u20112671", "", "+14155552671"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("'+14155552671", "", "+14155552671"),
        ("Phone: +1 415 555 2671", "", "+14155552671"),
        ("+84 912 345 678", "", "+84912345678"),
        ("+7 916 123 4567", "", "+79161234567"),
        ("+971 50 123 4567", "", "+971501234567"),
    ],
)
def test_canonical_phone(raw, country, expected):
    assert canonical_phone(raw, country) == expected


@pytest.mark.parametrize(
    ("raw", "country"),
    [
        (None, "US"),
        ("", "US"),
        ("n/a", "US"),
        ("0", "US"),
        ("0.0", "US"),
        ("nan", "US"),
        ("911", "US"),
        ("555-0900", "US"),
        ("(415) 555-2671", ""),
        ("4155552671", "ZZ"),
        ("4155552671", "\ud800"),
        ("4155552671", "USA"),
        ("4915112345678", "US"),
        ("4.91511E+12", "DE"),
        ("4.915112345678E12", "DE"),
        ("+1 415 555 2671 267", ""),
        ("0000000000", "US"),
        ("+00000000000", "US"),
        ("jane@example.com", "US"),
        ("2026-11-21", "US"),
    ],
)
def test_what_is_no_valid_phone(raw, country):
    assert canonical_phone(raw, country) is None


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_countrys_numbers_are_read_as_they_are_written(region):
    number = phonenumbers.example_number(region)
    expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    international = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert canonical_phone(national, region) == expected
    assert canonical_phone(international, "") == expected
    assert canonical_phone(expected, "US") == expected
    assert canonical_phone("00" + expected[1:], "") == expected


# --- domain


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("example.com", "example.com"),
        ("  WWW.Example.com. ", "example.com"),
        ("https://www.example.com:8443/path?x=1#y", "example.com"),
        ("HTTP://user:secret@example.com/", "example.com"),
        ("//cdn.example.com/x", "cdn.example.com"),
        ("example.com/@jane.doe", "example.com"),
        ("example.com?utm=jane@other.com", "example.com"),
        ("jane@Example.com", "example.com"),
        ("Jane <jane@example.com>", "example.com"),
        ("mailto:jane@example.com?subject=x", "example.com"),
        ("www2.example.com", "www2.example.com"),
        ("www.com", "www.com"),
        ("www.www.example.com", "example.com"),
        ("müller.de", "xn--mller-kva.de"),
        ("https://пример.рф/", "xn--e1afmkfd.xn--p1ai"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("example.com\x00", "example.com"),
    ],
)
def test_canonical_domain(raw, expected):
    assert canonical_domain(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "",
        "localhost",
        "http://localhost:8000/",
        "http://",
        "Acme Inc.",
        "acme",
        "192.168.0.1",
        "http://[::1]:80/",
        "http://[broken",
        "my_company.com",
        "-a.com",
        "a..com",
        "a." * 200 + "com",
        "javascript:alert(1)",
        "\ud800.com.\ufffd",
    ],
)
def test_what_is_no_domain(raw):
    assert canonical_domain(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        "jane@gmail.com",
        "GoogleMail.com",
        "jane@hotmail.co.uk",
        "https://www.web.de/",
        "jane@somebody.free.fr",
        "x1y2@privaterelay.appleid.com",
    ],
)
def test_public_mailboxes_are_no_business(raw):
    assert canonical_domain(raw)
    assert canonical_domain(raw, business_only=True) is None


@pytest.mark.parametrize(
    "raw", ["example.com", "notgmail.com", "gmail.com.example.org", "apple.com"]
)
def test_a_business_domain_stays(raw):
    assert canonical_domain(raw, business_only=True) == raw


def test_the_list_of_public_mailboxes_is_canonical():
    assert all(canonical_domain(domain) == domain for domain in FREE_MAIL_DOMAINS)
    assert len(FREE_MAIL_DOMAINS) > 400


# --- names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Jane Doe", ("Jane", "Doe")),
        ("  Jane \t\u3000 Doe\n", ("Jane", "Doe")),
        ("Jane", ("Jane", "")),
        ("John A. Smith", ("John A.", "Smith")),
        ("Mary Ann Smith", ("Mary Ann", "Smith")),
        ("Ludwig van Beethoven", ("Ludwig", "van Beethoven")),
        ("Anna von der Leyen", ("Anna", "von der Leyen")),
        ("Van Morrison", ("Van", "Morrison")),
        ("Jean-Luc O'Neill", ("Jean-Luc", "O'Neill")),
        ("John Smith Jr.", ("John", "Smith Jr.")),
        ("John Smith, Ph.D.", ("John", "Smith Ph.D.")),
        ("John van Smith III", ("John", "van Smith III")),
        ("Smith, John", ("John", "Smith")),
        ("van Beethoven, Ludwig", ("Ludwig", "van Beethoven")),
        ("Smith, Dr. John, MD", ("John", "Smith MD")),
        ("Smith,", ("Smith", "")),
        ("Prof. Dr. Anna Schmidt", ("Anna", "Schmidt")),
        ("Mr Smith", ("", "Smith")),
        ("Dr.", ("Dr.", "")),
        ("Nguyễn Thị Minh", ("Nguyễn Thị", "Minh")),
        ("Алексей Иванов", ("Алексей", "Иванов")),
        ("Jane\x00 \u200bDoe\ud800", ("Jane", "Doe")),
        ("a, b, c d", ("a b c", "d")),
        ("", ("", "")),
        ("jane@example.com", ("", "")),
        ("+1 415 555 2671", ("", "")),
        (" , , ", ("", "")),
    ],
)
def test_split_name(name, expected):
    assert split_name(name) == expected


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"first": " Jane ", "last": "Doe", "company": "Acme", "email": "j@x.com"}, "Jane Doe"),
        ({"last": "Doe", "company": "Acme"}, "Doe"),
        ({"company": " Acme\n Inc. ", "email": "jane@example.com"}, "Acme Inc."),
        ({"email": "jane@example.com", "phone": "+14155552671"}, "jane@example.com"),
        ({"phone": "+14155552671"}, "+1 415-555-2671"),
        ({"phone": "555-0900"}, "555-0900"),
        ({"first": "\u200b", "last": "\x00"}, "Unknown"),
        ({}, "Unknown"),
        ({"company": "x" * 300}, "x" * 200),
    ],
)
def test_display_name_is_the_best_of_what_is_known(known, expected):
    assert display_name(**known) == expected


def test_a_persian_name_keeps_its_joiner():
    assert split_name("علی\u200cرضا احمدی") == ("علی\u200cرضا", "احمدی")


# --- properties

# Everything that Python's str can hold, with the characters that parsers trip over made common.
any_text = st.text(
    st.characters()
    | st.sampled_from("\x00\ud800\udfff\u200b\ufeff@.<>\"'+:/?#%[]\\;, \r\n０٣。xnmailto-")
)
wild_addresses = st.builds(
    "{}{}@{}{}".format,
    st.sampled_from(["", "mailto:", "Jane <", "<", '"', "tel:", "http://"]),
    any_text | st.text(string.ascii_letters + ".+-'\"%", max_size=20),
    st.sampled_from(["gmail.com", "GoogleMail.com", "bücher.example", "EXAMPLE.com", "[::1]"])
    | any_text,
    st.sampled_from(["", ">", ".", "?subject=x", '"']),
)
wild_numbers = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "+", "00", "tel:", "(0049)", "+1", "+39", "+52", "+54"]),
    st.text("0123456789 ()-./x;=eE#*٣０", max_size=40),
    st.sampled_from(["", ".0", "ext 5", ";phone-context=+1", ";phone-context=example.com"]),
)
texts = any_text | wild_addresses | wild_numbers
countries = st.sampled_from(["", "US", "DE", "GB", "IT", "AR", "MX", "BR", "JP"]) | any_text


@given(texts)
def test_an_email_key_is_its_own_key(raw):
    key = canonical_email(raw)
    if key is not None:
        assert canonical_email(key) == key
        assert key.isascii()
        assert key == key.lower()
        assert len(key) <= 254


@given(texts)
def test_a_weak_email_is_its_own_weak_email(raw):
    weak = weak_email(raw)
    assert weak_email(weak) == weak
    assert bool(weak) == (canonical_email(raw) is not None)
    assert weak == (canonical_email(weak) or "")


@given(texts, countries)
def test_a_phone_key_is_its_own_key_in_any_country(raw, country):
    key = canonical_phone(raw, country)
    if key is not None:
        assert canonical_phone(key, "") == key
        assert canonical_phone(key, country) == key
        assert canonical_phone(key, "US") == key
        assert len(key) <= 16


@given(texts)
def test_a_domain_is_its_own_domain(raw):
    domain = canonical_domain(raw)
    if domain is not None:
        assert canonical_domain(domain) == domain
        assert canonical_domain(f"https://www.{domain}/x") == domain
        assert domain.isascii()
        assert len(domain) <= 253
    assert canonical_domain(raw, business_only=True) in {domain, None}


local_parts = st.text(string.ascii_letters + string.digits, min_size=1, max_size=20)


@given(local_parts, st.sampled_from(["example.com", "gmail.com", "bücher.example"]))
def test_spellings_of_one_address_share_its_key(local, domain):
    key = canonical_email(f"{local}@{domain}")
    assert key
    assert canonical_email(f" Jane Doe <{local.upper()}@{domain.upper()}> ") == key
    assert canonical_email(f"mailto:{local}@{domain}?subject=a@b.com") == key
    assert canonical_domain(key) == canonical_domain(domain)


@given(texts)
def test_names_hold_the_words_of_the_text_and_nothing_invisible(text):
    first, last = split_name(text)
    for name in (first, last):
        assert name == " ".join(name.split())
        assert not set(name) & set("\x00\ud800\u200b\ufeff")
    assert set(first) | set(last) <= set(text) | {" "}


@given(texts, texts, texts, texts, texts)
def test_there_is_always_a_display_name(first, last, company, email, phone):
    name = display_name(first, last, company, email, phone)
    assert 1 <= len(name) <= 200
    assert name == " ".join(name.split())
    name.encode()


HUGE = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(pattern * (HUGE // len(pattern)), id=repr(pattern))
        for pattern in [
            "a",
            "0",
            "+",
            "@",
            "<",
            "a@",
            "a.",
            " ",
            "\x00",
            "\ud800",
            "ü",
            "(0",
            "﷽",
            ",",
        ]
    ],
)
@pytest.mark.parametrize("length", [HUGE, 2000, 200])
def test_huge_texts_are_answered_at_once(text, length):
    calls: list[Callable[[str], object]] = [
        canonical_email,
        canonical_domain,
        weak_email,
        split_name,
        display_name,
        lambda text: canonical_phone(text, "US"),
        lambda text: display_name(phone=text),
        lambda text: canonical_email(f"{text}@example.com"),
        lambda text: canonical_email(f"jane@{text}.com"),
    ]
    begun = time.perf_counter()
    for call in calls:
        call(text[:length])
    assert time.perf_counter() - begun < 1
