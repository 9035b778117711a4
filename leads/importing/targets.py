"""What a column of a file may become: the registry of targets, and how each is recognised.

Another room adds its own with a line: `register(Target(…))`, or `register_source(function)` where
they differ by workspace, as custom fields do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from leads.importing import values
from leads.models.lead import CLICK_IDS

Read = Callable[[str], Any]


@dataclass(frozen=True)
class Target:
    """Something that a cell may be written to.

    `names` are other products' names of such a column, separated by commas. `read` turns the text
    of a cell into the value and raises ValueError, with a sentence for a person, for what isn't
    one. `place` is the part of a draft it goes to. Several columns may go to one that `gathers`.
    """

    key: str
    label: str
    group: str = "Lead"
    names: str = ""
    read: Read = str
    place: str = "values"
    gathers: bool = False

    @property
    def known_as(self) -> frozenset[str]:
        return frozenset(name.strip() for name in f"{self.label.lower()},{self.names}".split(","))


TARGETS: dict[str, Target] = {}
HISTORY: dict[str, Target] = {}
_sources: list[Callable[[], Iterable[Target]]] = []


def register(target: Target) -> None:
    """Add a target of leads for every workspace."""
    if target.key in TARGETS:
        raise ValueError(f"the target {target.key} is registered already")
    TARGETS[target.key] = target


def register_source(find: Callable[[], Iterable[Target]]) -> None:
    """Add targets that differ by workspace: `find` is called in the scope of one."""
    _sources.append(find)


def targets_of(kind: str) -> dict[str, Target]:
    """The targets for a kind of import in the workspace in scope, by key."""
    if kind == "history":
        return HISTORY
    return {**TARGETS, **{one.key: one for find in _sources for one in find()}}


UTM = ("source", "medium", "campaign", "term", "content")
PERSON, ORIGIN, LEAD, OTHER = "Person", "Where it came from", "Lead", "Anything else"

for _one in (
    Target("display_name", "Name", PERSON,
        "full name, lead name, contact name, person name, contact person, your name, nom, nom "
        "complet, nombre, nombre completo, name vorname, vollstandiger name, ansprechpartner, "
        "kontakt, naam, nome, имя, contact, person, lead, client, customer, customer name, kunde, "
        "deal contact person"),
    Target("first_name", "First name", PERSON,
        "given name, forename, firstname, fname, prenom, vorname, primer nombre, voornaam, "
        "cognome nome, person first name, contact first name, имя"),
    Target("last_name", "Last name", PERSON,
        "family name, surname, lastname, lname, nom de famille, nachname, apellido, apellidos, "
        "achternaam, cognome, person last name, contact last name, фамилия"),
    Target("email", "E-mail", PERSON,
        "email, e mail, email address, e mail address, mail, emailaddress, email1, email 1, "
        "primary email, work email, business email, personal email, person email, person email "
        "work, contact email, adresse e mail, courriel, correo, correo electronico, e mail "
        "adresse, emailadresse, email adresse, e mail 1 value, email work, mailadresse, user "
        "email, customer email, lead email, posta elettronica", values.text),
    Target("phone", "Phone", PERSON,
        "phone number, telephone, tel, mobile, mobile phone, mobile phone number, cell, cell "
        "phone, phone1, primary phone, work phone, business phone, home phone, contact phone, "
        "person phone, person phone work, telephone number, telefon, telefonnummer, handy, mobil, "
        "mobilnummer, telefono, movil, celular, telefoon, numero de telephone, tel no, phone no, "
        "contact number, whatsapp, whatsapp number, phone 1 value, phone work, lead phone, mobile "
        "number, number", values.phone),
    Target("company_name", "Company", PERSON,
        "company name, account, account name, organization, organisation, organization name, "
        "business name, business, associated company, associated company primary, employer, "
        "firma, firmenname, unternehmen, entreprise, societe, empresa, azienda, bedrijf, person "
        "organization, lead organization, company account, organization 1 name"),
    Target("job_title", "Job title", PERSON,
        "title, position, role, job, designation, function, poste, fonction, stelle, cargo, "
        "puesto, berufsbezeichnung, funktie, job position"),
    Target("state", "State", PERSON,
        "state region, region, province, state province, mailing state, mailing state province, "
        "bundesland, county, state code, departement, billing state province"),
    Target("country", "Country", PERSON,
        "country region, country code, mailing country, land, pays, pais, nation, billing "
        "country, paese, ip country", values.country),
    Target("time_zone", "Time zone", PERSON, "timezone,zeitzone", values.time_zone),
    Target("created_at", "Created", ORIGIN,
        "create date, created date, created at, created time, created, date created, creation "
        "date, lead created, lead created time, add time, date added, created on, created date "
        "time, submission date, submitted at, submitted on, submit date, timestamp, date, lead "
        "created date, lead date, date submitted, person created, lead created at, erstellt, "
        "erstellt am, erstelldatum, anlagedatum, date de creation, fecha de creacion, conversion "
        "time, lead submit time, signup date, inquiry date, enquiry date, datum", place="created_at"),
    Target("external_id", "Id in the other system", ORIGIN,
        "id, record id, lead id, contact id, hubspot id, hs object id, record id contact, "
        "salesforce id, case safe id, lead id 18, person id, zoho id, external id, leadid, google "
        "lead id, lead record id, person system id, lead system id, uuid", values.record_id,
        place="external"),
    Target("source", "Source", ORIGIN,
        "lead source, original source, original source type, original traffic source, channel, "
        "quelle, source name, origin, origen, herkunft, lead origin, source channel, lead "
        "channel, platform, how did you hear about us, source origin, latest source, latest "
        "traffic source", place="source"),
    Target("campaign", "Campaign", ORIGIN,
        "campaign name, kampagne, campana, campagne, last campaign", values.platform_text, place="campaign"),
    Target("source_detail", "Source in detail", ORIGIN,
        "source detail, source details, source description, original source drill down 1, "
        "original source data 1, lead source detail, form name, form, ad name, source subtype, "
        "source channel id, form id"),
    Target("source_url", "Landing page", ORIGIN,
        "landing page, landing page url, page url, url, first page seen, page, landing url"),
    Target("referrer", "Referrer", ORIGIN,
        "referring site, referrer url, first referring site, referer"),
    *(Target(f"utm_{one}", f"UTM {one}", ORIGIN, f"utm {one}") for one in UTM),
    *(Target(one, one, ORIGIN, one, place="platform_ref") for one in CLICK_IDS),
    Target("owner", "Owner (e-mail)", LEAD,
        "owner, contact owner, lead owner, owner email, owner name, assigned to, owner alias, "
        "record owner, account owner, person owner, sales rep, rep, assignee, assigned user, "
        "zustandig, verantwortlich, besitzer, bearbeiter, responsable, propietario, sales owner, "
        "salesperson, agent, user responsible", place="owner"),
    Target("stage", "Stage", LEAD,
        "status, lead status, lead stage, lifecycle stage, stage, statut, estado, phase, stato, "
        "pipeline stage, deal stage, lead state", place="stage"),
    Target("message", "Message", LEAD,
        "enquiry, inquiry, question, nachricht, mensaje, comment, message from lead, how can we "
        "help, your message"),
    Target("notes", "Notes", LEAD,
        "note, description, comments, remarks, notizen, bemerkung, bemerkungen, beschreibung, "
        "notas, remarques, kommentar, opmerkingen, other information, memo", gathers=True),
    Target("label", "Label", LEAD, "labels,rating,priority,lead label,lead rating,lead labels"),
    Target("budget", "Budget", LEAD,
        "amount, value, deal value, expected revenue, lead value, annual revenue budget, deal "
        "amount, budget range, wert, montant, importe, opportunity amount", values.amount),
    Target("budget_currency", "Currency", LEAD,
        "currency code, deal currency, value currency, wahrung, devise, lead currency", values.currency),
    Target("need", "Need", LEAD,
        "needs, requirement, requirements, interest, interested in, product interest, service, "
        "service interest, bedarf, besoin"),
    Target("authority", "Authority", LEAD, "decision maker,buying role"),
    Target("timeline", "Timeline", LEAD,
        "time frame, timeframe, purchase timeline, when do you want to start"),
    Target("enrollment", "Enrollment", LEAD,
        "number of students, students, enrolment", values.whole_positive),
    Target("external_score", "Score elsewhere", LEAD,
        "score, lead score, hubspot score, zoho score", values.whole),
    Target("answer", "Keep as an answer", OTHER, "", place="answers", gathers=True),
):  # fmt: skip
    register(_one)

for _one in (
    Target("external_id", "Id of the lead in the other system", "Which lead",
        "lead id, contact id, record id, associated contact id, associated contact ids, "
        "associated lead id, whoid, who id, name id, person id, parent id, related to id, "
        "external id, contact record id, related record id, deal contact id", values.record_id),
    Target("email", "E-mail of the lead", "Which lead",
        "email, e mail, contact email, lead email, person email, associated contact, associated "
        "contact email, email address, to address, related email"),
    Target("phone", "Phone of the lead", "Which lead",
        "phone number, contact phone, lead phone, from number, to number, telephone, mobile", values.phone),
    Target("event", "What it is", "What happened",
        "type, activity type, kind, record type, engagement type, event, task subtype, activity, "
        "event type, object type"),
    Target("at", "When", "What happened",
        "date, created, created at, created date, create date, activity date, timestamp, time, "
        "add time, created time, start date, start time, due date and time, call time, call start "
        "time, completed at, date time, when, last modified date, note date, done time, marked as "
        "done time, occurred at, created date time, activity created"),
    Target("text", "Text", "What happened",
        "body, note, note body, notes, description, comments, content, note content, call notes, "
        "call notes preview, comment, subject and description, task notes, details, message, call "
        "description, full comments, summary"),
    Target("title", "Subject", "What happened",
        "subject, title, task title, note title, name, task subject, task name, call title"),
    Target("outcome", "Outcome of the call", "What happened",
        "call outcome, outcome, call result, disposition, call disposition, result, call status"),
    Target("seconds", "Length of the call in seconds", "What happened",
        "duration, call duration, call duration in seconds, call duration seconds, duration "
        "seconds", values.whole_positive),
    Target("direction", "Direction", "What happened",
        "call direction, call type, direction in out, message direction"),
    Target("stage", "Stage it went to", "What happened",
        "stage, status, new status, new value, to stage, to status, new stage, stage name"),
    Target("due_at", "Due", "What happened", "due,due date,due at,deadline,task due date,due on"),
    Target("done", "Done", "What happened",
        "completed, is done, task status, is closed, done, closed, completed at, finished"),
    Target("author", "By whom (e-mail)", "What happened",
        "owner, author, created by, user, activity assigned to, assigned to, activity owner, "
        "assigned to user, creator, note owner, call owner, task owner, creator email, owner "
        "email, user email, assigned"),
    Target("event_id", "Id of the entry", "What happened",
        "id, record id, activity id, note id, call id, task id, engagement id, event id", values.record_id),
):  # fmt: skip
    HISTORY[_one.key] = _one
