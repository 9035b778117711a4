"""The channels that payloads come in through. A new one is a folder and a line here."""

from __future__ import annotations

from integrations.provider import Provider
from integrations.web_form import parse as web_form

PROVIDERS: dict[str, Provider] = {
    provider.key: provider
    for provider in (
        Provider(key="web_form", label="Website form", via="form", parse=web_form.parse),
    )
}
