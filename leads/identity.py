"""Canonical e-mail, phone, domain and name: what tells whether two enquiries are one person.

Pure: the same text always gives the same key, whatever channel it came through. Nothing here
raises on any text; what isn't an e-mail, phone or domain gives None and its raw text is kept by
the caller, never matched.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

import idna
import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import DomainNameValidator, validate_email
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

EMAIL_LENGTH = 254
DOMAIN_LENGTH = 253
DISPLAY_NAME_LENGTH = 200
UNKNOWN = "Unknown"

# Longer text is no address, number or name; the limits keep hostile input cheap.
ADDRESS_INPUT = 2000
PHONE_INPUT = 200
NAME_INPUT = 1000

# Persian, Indic scripts and emoji are spelled with these.
JOINERS = "\u200c\u200d"

ONE_IN_BRACKETS = re.compile(r"[^<>]*<([^<>]*)>[\s,;.]*")
SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
PORT = re.compile(r":[0-9]*\Z")
WHOLE_FLOAT = re.compile(r"(\+?[0-9]+)\.0+")
SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
LEADING_00 = re.compile(r"[\s(]*00")

validate_domain = DomainNameValidator(accept_idna=False)

# Mailboxes for the public: sharing such a domain says nothing about sharing an employer.
# Free providers by region, then internet access providers, relays, throw-away addresses.
FREE_MAIL_DOMAINS = frozenset(
    """
    gmail.com googlemail.com outlook.com hotmail.com live.com msn.com passport.com windowslive.com
    yahoo.com ymail.com rocketmail.com myyahoo.com aol.com aim.com verizon.net icloud.com me.com
    mac.com proton.me protonmail.com protonmail.ch pm.me mail.com email.com usa.com post.com
    consultant.com engineer.com gmx.com gmx.us zoho.com zohomail.com zohomail.eu zohomail.in
    fastmail.com fastmail.fm hey.com hushmail.com tutanota.com tutanota.de tutamail.com tuta.com
    tuta.io keemail.me mailfence.com runbox.com posteo.de posteo.net mailbox.org disroot.org
    riseup.net startmail.com inbox.com lycos.com excite.com netscape.net juno.com netzero.net
    rediffmail.com mail2world.com lavabit.com pobox.com
    outlook.at outlook.be outlook.cl outlook.com.ar outlook.com.au outlook.com.br outlook.co.th
    outlook.co.id outlook.cz outlook.de outlook.dk outlook.es outlook.fr outlook.hu outlook.ie
    outlook.in outlook.it outlook.jp outlook.kr outlook.my outlook.ph outlook.pt outlook.sa
    outlook.sg hotmail.at hotmail.be hotmail.ca hotmail.ch hotmail.cl hotmail.co.il hotmail.co.jp
    hotmail.co.kr hotmail.co.nz hotmail.co.th hotmail.co.uk hotmail.co.za hotmail.com.ar
    hotmail.com.au hotmail.com.br hotmail.com.mx hotmail.com.tr hotmail.com.tw hotmail.de
    hotmail.dk hotmail.es hotmail.fi hotmail.fr hotmail.gr hotmail.hu hotmail.it hotmail.nl
    hotmail.no hotmail.se hotmail.sg live.at live.be live.ca live.cl live.cn live.co.uk live.co.za
    live.com.ar live.com.au live.com.mx live.com.my live.com.pt live.com.sg live.de live.dk
    live.fi live.fr live.ie live.in live.it live.jp live.nl live.no live.ru live.se
    yahoo.at yahoo.be yahoo.ca yahoo.cl yahoo.cn yahoo.co.id yahoo.co.in yahoo.co.jp yahoo.co.kr
    yahoo.co.nz yahoo.co.th yahoo.co.uk yahoo.co.za yahoo.com.ar yahoo.com.au yahoo.com.br
    yahoo.com.cn yahoo.com.co yahoo.com.hk yahoo.com.mx yahoo.com.my yahoo.com.pe yahoo.com.ph
    yahoo.com.sg yahoo.com.tr yahoo.com.tw yahoo.com.ve yahoo.com.vn yahoo.cz yahoo.de yahoo.dk
    yahoo.es yahoo.fi yahoo.fr yahoo.gr yahoo.hu yahoo.ie yahoo.in yahoo.it yahoo.nl yahoo.no
    yahoo.pl yahoo.pt yahoo.ro yahoo.se ymail.ne.jp aol.co.uk aol.de aol.fr aol.it
    gmx.de gmx.net gmx.at gmx.ch gmx.fr gmx.es gmx.co.uk gmx.it web.de freenet.de t-online.de
    magenta.de arcor.de online.de email.de mail.de vodafone.de kabelmail.de o2online.de
    unitybox.de chello.at aon.at a1.net bluewin.ch hispeed.ch sunrise.ch
    free.fr orange.fr wanadoo.fr laposte.net sfr.fr neuf.fr bbox.fr numericable.fr club-internet.fr
    aliceadsl.fr voila.fr cegetel.net 9online.fr skynet.be telenet.be proximus.be scarlet.be
    voo.be ziggo.nl kpnmail.nl kpnplanet.nl planet.nl hetnet.nl home.nl xs4all.nl upcmail.nl
    casema.nl chello.nl tele2.nl pt.lu
    btinternet.com btopenworld.com talktalk.net sky.com virginmedia.com virgin.net
    ntlworld.com blueyonder.co.uk tiscali.co.uk o2.co.uk plusnet.com plus.com freeserve.co.uk
    fsmail.net eircom.net
    libero.it virgilio.it alice.it tin.it tim.it tiscali.it fastwebnet.it inwind.it iol.it
    poste.it email.it blu.it vodafone.it telefonica.net terra.es ono.com movistar.es orange.es
    ya.com sapo.pt iol.pt clix.pt netcabo.pt
    telia.com spray.se bredband.net comhem.se online.no broadpark.no frisurf.no mail.dk
    jubii.dk stofanet.dk tdcadsl.dk pp.inet.fi luukku.com suomi24.fi elisanet.fi kolumbus.fi
    wp.pl o2.pl onet.pl onet.eu op.pl poczta.onet.pl vp.pl interia.pl interia.eu poczta.fm tlen.pl
    gazeta.pl seznam.cz email.cz post.cz centrum.cz atlas.cz volny.cz azet.sk centrum.sk zoznam.sk
    freemail.hu citromail.hu t-online.hu indamail.hu abv.bg mail.bg dir.bg siol.net inbox.lv
    apollo.lv mail.ee hot.ee one.lt otenet.gr forthnet.gr in.gr hol.gr
    mail.ru bk.ru inbox.ru list.ru internet.ru yandex.ru yandex.com yandex.by yandex.kz yandex.ua
    ya.ru rambler.ru lenta.ru autorambler.ru myrambler.ru ro.ru qip.ru ukr.net i.ua meta.ua
    bigmir.net tut.by
    walla.co.il walla.com netvision.net.il bezeqint.net 012.net.il mynet.com ttmail.com
    qq.com foxmail.com 163.com 126.com yeah.net vip.163.com sina.com sina.cn vip.sina.com
    sohu.com aliyun.com 139.com 189.cn wo.cn tom.com 21cn.com naver.com hanmail.net daum.net
    kakao.com nate.com docomo.ne.jp ezweb.ne.jp au.com softbank.ne.jp i.softbank.jp
    vodafone.ne.jp excite.co.jp nifty.com biglobe.ne.jp so-net.ne.jp ocn.ne.jp hinet.net
    pchome.com.tw netvigator.com singnet.com.sg indiatimes.com sify.com in.com
    uol.com.br bol.com.br terra.com.br ig.com.br globo.com globomail.com oi.com.br r7.com
    zipmail.com.br fibertel.com.ar arnet.com.ar speedy.com.ar ciudad.com.ar prodigy.net.mx
    telmex.com terra.cl terra.com vtr.net une.net.co cantv.net adinet.com.uy
    bigpond.com bigpond.net.au bigpond.com.au optusnet.com.au iinet.net.au tpg.com.au
    internode.on.net ozemail.com.au westnet.com.au dodo.com.au aapt.net.au xtra.co.nz
    slingshot.co.nz orcon.net.nz mweb.co.za telkomsa.net vodamail.co.za webmail.co.za iafrica.com
    comcast.net xfinity.com att.net sbcglobal.net bellsouth.net ameritech.net pacbell.net swbell.net
    snet.net prodigy.net charter.net spectrum.net rr.com roadrunner.com twc.com cox.net
    earthlink.net mindspring.com optonline.net optimum.net frontier.com frontiernet.net
    centurylink.net centurytel.net embarqmail.com q.com qwest.net windstream.net suddenlink.net
    mediacombb.net mchsi.com cableone.net sparklight.net wowway.com tds.net rcn.com hughes.net
    peoplepc.com compuserve.com cs.com netscape.com
    rogers.com bell.net sympatico.ca shaw.ca telus.net videotron.ca cogeco.ca eastlink.ca
    sasktel.net mts.net nb.sympatico.ca
    privaterelay.appleid.com duck.com mozmail.com relay.firefox.com users.noreply.github.com
    simplelogin.com simplelogin.co slmail.me aleeas.com anonaddy.com anonaddy.me addy.io
    passmail.net passinbox.com
    mailinator.com guerrillamail.com sharklasers.com grr.la yopmail.com yopmail.fr 10minutemail.com
    temp-mail.org tempmail.com trashmail.com getnada.com maildrop.cc dispostable.com mailnesia.com
    throwawaymail.com discard.email fakeinbox.com mintemail.com moakt.com emailondeck.com
    """.split()  # noqa: SIM905
)
GMAIL_DOMAINS = frozenset({"gmail.com", "googlemail.com"})

TITLES = frozenset("mr mrs ms miss mx dr prof sir herr frau".split())  # noqa: SIM905
SUFFIXES = frozenset("jr sr ii iii iv phd ph.d md m.d esq mba".split())  # noqa: SIM905
PARTICLES = frozenset(
    """
    van von der den de del della di da do dos das du la le ter ten zu zum zur af av bin ibn al el
    """.split()  # noqa: SIM905
)


def canonical_email(raw: str | None) -> str | None:
    """The key under which an e-mail address names a person.

    Args:
        raw: Any text: an address, `Name <a@b.com>` or `mailto:a@b.com`. Invisible characters and
            full-width forms are undone.

    Returns:
        The address in lower case with the domain in ASCII (punycode), at most 254 characters; None
        where it isn't exactly one valid address. Dots and plus signs count, see `weak_email`.

    Source: integrations.md, Matching norms; RFC 5321, 5891.
    """
    return None if raw is None or len(raw) > ADDRESS_INPUT else _email(raw)


@lru_cache(maxsize=1000)
def _email(raw: str) -> str | None:
    text = _unwrapped(raw)
    local, at, domain = text.rpartition("@")
    if not at or not local:
        return None
    email = f"{local}@{_ascii_domain(domain)}".lower()
    if len(email) > EMAIL_LENGTH:
        return None
    try:
        validate_email(email)
    except ValidationError:
        return None
    return email


def canonical_phone(raw: str | None, country: str) -> str | None:
    """The key under which a phone number names a person.

    Args:
        raw: Any text: a national or international number, `tel:`, a number that a spreadsheet
            turned into 4155552671.0. An extension is ignored.
        country: Two-letter code of the country in which it is read if it names none; may be empty,
            then only international numbers are understood.

    Returns:
        E.164, such as +14155552671; None where it isn't a valid number.

    Source: integrations.md, Matching norms; ITU-T E.164.
    """
    if raw is None or len(raw) > PHONE_INPUT:
        return None
    text = unicodedata.normalize("NFKC", _visible(raw)).strip()
    if text[:4].lower() == "tel:":
        text = unquote(text[4:])
    if not text.isascii():
        text = phonenumbers.normalize_digits_only(text, True)
    if SCIENTIFIC.fullmatch(text):
        return None
    if whole := WHOLE_FLOAT.fullmatch(text):
        text = whole[1]
    region = country.strip().upper()
    region = {"UK": "GB"}.get(region, region)
    number = _lost_plus(text, region) or _valid_number(text, region)
    if number is None and LEADING_00.match(text):
        number = _valid_number(LEADING_00.sub("+", text, count=1), region)
    if number is None:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def canonical_domain(raw: str | None, *, business_only: bool = False) -> str | None:
    """The domain by which a company is known.

    Args:
        raw: A URL, an e-mail address or a bare domain.
        business_only: Refuse domains of public mailboxes (`FREE_MAIL_DOMAINS`) and theirs below.

    Returns:
        The host in lower case and ASCII without `www.`, at most 253 characters; None where there
        is none, for an IP address or a single word.

    Source: integrations.md, Matching norms and Enrichment.
    """
    if raw is None or len(raw) > ADDRESS_INPUT:
        return None
    host = _host(raw)
    return None if host is not None and business_only and _is_free_mail(host) else host


@lru_cache(maxsize=1000)
def _host(raw: str) -> str | None:
    text = SCHEME.sub("", _unwrapped(raw), count=1)
    authority = re.split(r"[/?#\\]", text, maxsplit=1)[0]
    host = _ascii_domain(PORT.sub("", authority.rpartition("@")[2])).lower()
    while host.startswith("www.") and host.count(".") > 1:
        host = host.removeprefix("www.")
    if len(host) > DOMAIN_LENGTH:
        return None
    try:
        validate_domain(host)
    except ValidationError:
        return None
    return host


def split_name(display_name: str) -> tuple[str, str]:
    """First and last name of a person.

    The last word is the last name, together with the particles before it (van der) and a suffix
    behind it (Jr.); `Last, First` is turned round, a leading title (Dr.) left out.

    Args:
        display_name: The whole name; of more than 1,000 characters the rest is ignored.

    Returns:
        First and last name, either may be empty; both are where the text holds no letter or is an
        e-mail address. A single word is a first name, behind a title a last name.
    """
    name = _one_line(display_name[:NAME_INPUT])
    if "@" in name or not any(character.isalpha() for character in name):
        return "", ""
    parts = [words for part in name.split(",") if (words := part.split())]
    titled = _drop_titles(parts[0])
    suffix: list[str] = []
    while len(parts) > 1 and all(_bare(word) in SUFFIXES for word in parts[-1]):
        suffix = parts.pop() + suffix
    if len(parts) == 2:
        _drop_titles(parts[1])
        return " ".join(parts[1]), " ".join(parts[0] + suffix)
    words = [word for part in parts for word in part]
    start = 0 if titled and len(words) == 1 else _start_of_last_name(words)
    return " ".join(words[:start]), " ".join(words[start:] + suffix)


def display_name(
    first: str = "", last: str = "", company: str = "", email: str = "", phone: str = ""
) -> str:
    """What to call somebody in a list: the best of what is known.

    Args:
        first: First name.
        last: Last name.
        company: Name of the organisation.
        email: E-mail address.
        phone: Phone number, preferably E.164.

    Returns:
        The name, else company, e-mail, phone in international format, else `Unknown`; one line of
        at most 200 characters.
    """
    for text in (f"{first[:NAME_INPUT]} {last[:NAME_INPUT]}", company, email):
        if line := _one_line(text[: 2 * NAME_INPUT + 1]):
            return line[:DISPLAY_NAME_LENGTH].rstrip()
    number = _valid_number(phone, "") if len(phone) <= PHONE_INPUT else None
    if number:
        return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    return _one_line(phone[:NAME_INPUT])[:DISPLAY_NAME_LENGTH].rstrip() or UNKNOWN


def weak_email(email: str) -> str:
    """A second key that suggests duplicates. It never decides: two people can share it.

    Args:
        email: An e-mail address, canonical or not.

    Returns:
        The canonical address without what follows a plus sign, for Gmail also without dots and
        at gmail.com; empty where it isn't an address, which mustn't be compared.

    Source: integrations.md, Matching norms.
    """
    canonical = canonical_email(email)
    if canonical is None:
        return ""
    local, _, domain = canonical.rpartition("@")
    if local.startswith('"'):
        return canonical
    base = local.partition("+")[0].rstrip(".") or local
    if domain in GMAIL_DOMAINS:
        base, domain = base.replace(".", ""), "gmail.com"
    return f"{base}@{domain}"


def _visible(text: str, keep: str = "") -> str:
    """Without control and format characters and lone surrogates; white space stays."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        for character in text
        if character.isspace()
        or character in keep
        or unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
    )


def _one_line(text: str) -> str:
    return " ".join(_visible(text, keep=JOINERS).split())


def _unwrapped(raw: str) -> str:
    """The address inside brackets, quotes and `mailto:`."""
    text = unicodedata.normalize("NFKC", _visible(raw)).strip()
    text = _without_mailto(text)
    if bracketed := ONE_IN_BRACKETS.fullmatch(text):
        text = _without_mailto(bracketed[1].strip())
    text = text.strip().rstrip(",;. ")
    if len(text) > 2 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1].strip()
    return text


def _without_mailto(text: str) -> str:
    if text[:7].lower() != "mailto:":
        return text
    return _visible(unquote(text[7:].partition("?")[0])).strip()


def _ascii_domain(domain: str) -> str:
    """The domain in punycode; unchanged, so not valid, where it can't be encoded."""
    domain = domain.strip().rstrip(".")
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:
        return domain


def _is_free_mail(host: str) -> bool:
    labels = host.split(".")
    return any(".".join(labels[n:]) in FREE_MAIL_DOMAINS for n in range(len(labels) - 1))


def _lost_plus(text: str, region: str) -> PhoneNumber | None:
    """An international number of the region whose + got lost, as in 4915112345678.

    Where numbers vary in length the parser would take it for a long national one, but those are
    written with a 0.
    """
    if phonenumbers.ndd_prefix_for_region(region, True) != "0":
        return None
    code = str(phonenumbers.country_code_for_region(region))
    if not phonenumbers.normalize_digits_only(text).startswith(code):
        return None
    return _valid_number(f"+{text}", region)


def _valid_number(text: str, region: str) -> PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, region or None)
    except NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _bare(word: str) -> str:
    return word.lower().strip(".,")


def _drop_titles(words: list[str]) -> bool:
    titled = False
    while len(words) > 1 and _bare(words[0]) in TITLES:
        del words[0]
        titled = True
    return titled


def _start_of_last_name(words: list[str]) -> int:
    start = max(len(words) - 1, 1)
    while start > 1 and _bare(words[start]) in SUFFIXES:
        start -= 1
    while start > 1 and _bare(words[start - 1]) in PARTICLES:
        start -= 1
    return start
