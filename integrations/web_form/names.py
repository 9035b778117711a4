"""What website builders and their users call the fields of a form, and which lead field each is.

A name is compared by its letters and digits only, in lower case: `your-email`, `Your E-mail` and
`form_fields[your_email]` are the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

SPELLINGS: dict[str, str] = {
    "display_name": """name fullname contactname customername clientname personname
        nameandsurname namesurname firstandlastname displayname leadname""",
    "first_name": "firstname fname first givenname forename vorname prenom",
    "last_name": "lastname lname last surname familyname secondname nachname",
    "email": """email mail emailaddress contactemail workemail
        businessemail emailid useremail customeremail mailadresse emailadresse correo""",
    "phone": """phone tel telephone mobile cell cellphone mobilephone phonenumber telephonenumber
        mobilenumber cellnumber contactnumber contactphone workphone businessphone telefon
        telefono telnumber""",
    "company_name": """company companyname organization organisation organizationname
        organisationname businessname employer firma firm""",
    "job_title": "jobtitle jobposition position jobrole",
    "message": """message comments comment inquiry enquiry question questions note notes
        howcanwehelp howcanwehelpyou details description body nachricht mensaje additionalinfo
        additionalinformation""",
    "budget": "budget budgetamount",
    "state": "state province stateprovince region",
    "country": "country countrycode",
    "timeline": "timeline timeframe",
    "time_zone": "timezone",
}
FIELD_OF: dict[str, str] = {
    spelling: field for field, spellings in SPELLINGS.items() for spelling in spellings.split()
}

PEOPLE = frozenset(
    """
    contact person customer client lead user visitor author data fields formfields
    payload submission answers values body you
    """.split()  # noqa: SIM905
)
VAGUE = frozenset({"id", "name", "value", "text", "type"})

BRACKETED = re.compile(r"\[([^\[\]]+)\](?:\[\])*\s*\Z")
CONSENT = re.compile(r"consent|gdpr|opt[-_]?in|newsletter|subscribe|privacy|agree", re.IGNORECASE)


LONGEST_NAME = 200


def field_named(name: str) -> str | None:
    """The lead field that a form field's name means, if any."""
    return _field_named(name) if len(name) <= LONGEST_NAME else None


@lru_cache(maxsize=2000)
def _field_named(name: str) -> str | None:
    parent, own = _parts(name)
    letters = _letters(own).removeprefix("your")
    if letters == "name" and parent:
        return _name_of(_letters(parent))
    return FIELD_OF.get(letters)


def _name_of(parent: str) -> str | None:
    """`person.name` is a person's, `company.name` a company's, `form.name` nobody's."""
    if FIELD_OF.get(parent) == "company_name":
        return "company_name"
    return "display_name" if parent in PEOPLE else None


def readable(name: str) -> str:
    """A label for a field that has none: `how-did_youHear` becomes “How did you hear”."""
    parent, own = _parts(name)
    told = f"{parent} {own}" if own in VAGUE else own
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", told)
    words = " ".join(re.sub(r"[_\-.\[\]]+", " ", spaced).split()).lower()
    return (words[:1].upper() + words[1:])[:200] or name[:200] or "Answer"


def _parts(name: str) -> tuple[str, str]:
    """What the innermost field is called and what it stands in: `contact.email`, `form[email]`."""
    bracketed = BRACKETED.search(name)
    if bracketed:
        return name[: bracketed.start()].rsplit("[", 1)[-1].rstrip("]"), bracketed[1]
    rest, _, own = name.rpartition(".")
    return rest.rpartition(".")[2], own


def is_consent(name: str) -> bool:
    return bool(CONSENT.search(name))


def meanings(names: Sequence[str]) -> dict[str, str]:
    """Which of these names stands for which lead field: the first of each wins."""
    found: dict[str, str] = {}
    for name in names:
        field = field_named(name)
        if field and field not in found.values():
            found[name] = field
    return found


def _letters(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
