"""What goes onto a customer's site: the one-line snippet and the addresses behind it."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html

from integrations.web_form import stamp
from leads.models import Source

SCRIPT = Path(settings.BASE_DIR) / "static" / "embed" / "leadcrm-form.js"


def snippet(source: Source, base_url: str) -> str:
    """The line of HTML that puts the source's form where it stands on a page.

    Args:
        source: A source of kind website form.
        base_url: The address of this installation, such as https://crm.example.com.
    """
    return format_html(
        '<script src="{}" async></script>', _address("web-form-script", source, base_url)
    )


def attached_snippet(source: Source, base_url: str, form: str = "#contact-form") -> str:
    """The line that shows nothing and sends a copy of what a form of the page sends.

    Args:
        source: A source of kind website form.
        base_url: The address of this installation.
        form: CSS selector of the page's own form.
    """
    return format_html(
        '<script src="{}" data-form="{}" async></script>',
        _address("web-form-script", source, base_url),
        form,
    )


def endpoint_url(source: Source, base_url: str) -> str:
    """Where a website's own form or server posts submissions to."""
    return _address("web-form", source, base_url)


def hosted_url(source: Source, base_url: str) -> str:
    """The page with the form that we host; it works without a site of one's own."""
    return _address("web-form", source, base_url)


def preview_url(source: Source, base_url: str, now: datetime) -> str:
    """The hosted page for trying the form out: what is sent from it is a test lead."""
    token = stamp.sign(source.public_key, now, is_test=True)
    return base_url.rstrip("/") + preview_path(source, token)


def preview_path(source: Source, token: str) -> str:
    """The path of the preview that a token opens; nothing without one."""
    if not token:
        return ""
    return f"{reverse('web-form', args=[source.public_key])}?{urlencode({'preview': token})}"


@cache
def script() -> bytes:
    """The embed script; it learns its form from its own address."""
    return SCRIPT.read_bytes()


def _address(name: str, source: Source, base_url: str) -> str:
    return base_url.rstrip("/") + reverse(name, args=[source.public_key])
