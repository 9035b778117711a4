"""Texts that a spreadsheet could take for a formula: made safe on the way out, plain on the way in."""

from __future__ import annotations

import re

# A cell that begins so may be taken for a formula (OWASP, CSV injection); a number is none.
FORMULA = re.compile(r"^[\s\0]*[=+\-@%|＝＋－＠％｜]|^[\t\r\n\0]")
NUMBER = re.compile(r"^[+-]?\d[\d .,]*$")


def formula_safe(text: str) -> str:
    """The text with a quote before it where a spreadsheet could take it for a formula."""
    return f"'{text}" if FORMULA.match(text) and not NUMBER.match(text) else text


def unquoted(text: str) -> str:
    """The text without such a quote."""
    return text[1:] if text.startswith("'") and FORMULA.match(text[1:]) else text
