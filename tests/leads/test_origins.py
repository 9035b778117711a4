"""What people write for a site, and the origin that it means."""

from __future__ import annotations

import pytest

from leads.origins import NotASite, read_site, read_sites


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://www.example.com", "https://www.example.com"),
        (" WWW.Example.com/contact?x=1#y ", "https://www.example.com"),
        ("http://example.com:8080/", "http://example.com:8080"),
        ("https://example.com:443", "https://example.com"),
        ("example.com.", "https://example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("müller.de", "https://xn--mller-kva.de"),
    ],
)
def test_a_site_is_read_as_browsers_name_it(text: str, origin: str) -> None:
    assert read_site(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "*.example.com",
        "null",
        "example",
        "ftp://example.com",
        "javascript:alert(1)",
        "https://",
        "https://user:pw@example.com",
        "https://a.example; script-src *",
        "https://a.example x",
        "https://exa_mple.com",
        "https://-a.example",
        "https://a..example",
        "https://a.example:99999",
        "https://" + "a" * 64 + ".example",
        "https://[::1",
        "https://" + "ab." * 90 + "example",
    ],
)
def test_what_names_no_site_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(NotASite) as refusal:
        read_site(text)
    assert f"“{text:.80}”" in str(refusal.value)


def test_sites_are_read_line_by_line_once_each() -> None:
    lines = ["https://b.example", "", "  ", "HTTPS://B.example/", "a.example"]
    assert read_sites(lines) == ["https://b.example", "https://a.example"]
    with pytest.raises(NotASite, match="At most 50"):
        read_sites(f"s{number}.example" for number in range(51))
