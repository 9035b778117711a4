"""Markup that is put together in Python, where a page has hundreds of pieces alike."""

from __future__ import annotations

from html import escape

from django.utils.safestring import SafeString


def fill(markup: str, *values: object) -> SafeString:
    """`markup` with the values in its places, escaped unless they are markup themselves.

    Django's format_html takes four times as long, for the lazy translations that it allows.
    """
    return SafeString(
        markup.format(*[v if isinstance(v, SafeString) else escape(str(v)) for v in values])
    )
