"""What names, places and sentences are made of. The first of each list are the most common ones."""

from __future__ import annotations

FIRST_NAMES = """
Maria James Jennifer Michael David Jessica Robert Linda John Sarah José Emily William Ashley Daniel
Karen Christopher Lisa Matthew Nancy Anthony Sandra Mark Emma Carlos Olivia Steven Sofia Paul Laura
Andrew Michelle Joshua Amanda Kevin Melissa Brian Deborah Juan Stephanie Luis Rebecca Ahmed Priya
Jorge Anna Wei Fatima Mohammed Nicole Eric Helen Ryan Samantha Jacob Katherine Gary Christine
Nicholas Angela Jonathan Heather Stephen Diana Larry Ana Justin Julia Scott Grace Brandon Amber
Benjamin Denise Samuel Marilyn Gregory Danielle Frank Brittany Raymond Isabella Alexander Theresa
Patrick Natalie Jack Alice Dennis Marie Jerry Doris Tyler Julie Aaron Rosa Chloé François Zoë
Søren Łukasz Agnieszka Björn Ólafur Jürgen Žaneta Renée Inès Thi Nguyệt Siobhán Müge Çağla Dvořák
Ayşe Nikos Елена Иван 伟 芳 Aiko Kenji Amara Chidi Kwame Zainab Yusuf Thandi Sipho Arjun Deepa
Ravi Anjali Min-jun Seo-yeon Mateo Valentina Thiago Camila Beatriz João Ángel Lucía Íñigo Begoña
Gwendolyn Thaddeus Ottilie Leopold Persephone Bartholomew Ignatius Clementine Evangeline Octavia
""".split()  # noqa: SIM905
LAST_NAMES = """
Smith Garcia Johnson Rodriguez Williams Martinez Brown Hernandez Jones Lopez Miller Gonzalez Davis
Wilson Anderson Thomas Taylor Moore Perez Jackson Martin Lee Sanchez Thompson White Harris Clark
Ramirez Lewis Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams
Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts Gomez Phillips Evans Turner Diaz Parker
Cruz Edwards Collins Reyes Stewart Morris Morales Murphy Cook Rogers Gutierrez Ortiz Morgan Cooper
Peterson Bailey Reed Kelly Howard Ramos Kim Cox Ward Richardson Watson Brooks Chavez Wood James
Bennett Gray Mendoza Ruiz Hughes Price Alvarez Castillo Sanders Patel Myers Long Ross Foster Jimenez
Powell Jenkins Perry Russell Sullivan Bell Coleman Butler Henderson Barnes Fisher Vasquez Simmons
O'Brien O'Connor García Müller Nuñez Peña Muñoz Jørgensen Åkesson Wójcik Nowak Kowalczyk Šimić Đorđević
Dvořák Schröder Weiß Lefèvre Gagné Côté Gonçalves Araújo Öztürk Yılmaz Tanaka Sato Suzuki Chen Wang
Zhang Liu Singh Kumar Sharma Khan Hussain Ali Okafor Adeyemi Mensah Diallo Mbeki Petrova Иванов Νίκου
王 李 van-Dijk McAllister MacDonald Fitzgerald Montgomery Featherstone Abernathy Quackenbush
""".split()  # noqa: SIM905
# Rarer last names are put together from these.
LAST_STARTS = """
Ash Black Brad Bran Brook Burn Carl Chad Clay Cran Dun East Elling Fair Farn Glad Gold Grim Hal Hart
Haw Heath Hol Hunt Kirk Lang Lind Lock Mar May Mel Nor Oak Pem Pin Rad Red Ridge Rose Rut Sand Shel
Sil Stan Stock Sut Thorn Tre Wal War West Whit Win Wood Wyn Yard Zell
""".split()  # noqa: SIM905
LAST_ENDS = """
acre berg borne bridge brook burn bury by combe cott croft dale den don feld field ford gate ham
hurst ingham ington land leigh ley low man mere mond more mouth rick sen shaw sky stead stein ster
stone thorpe ton vale wald ware wick wood worth
""".split()  # noqa: SIM905
SYLLABLES = "ba be bo da de di fa fi ga go ka ki ko la li lo ma mi mo na ni no ra ri ro sa si so ta ti va ve za zo".split()  # noqa: SIM905, E501
# Reserved for documentation (RFC 2606): nobody real is ever written to.
MAILBOXES = (
    "mail.example", "inbox.example", "post.example", "webmail.example", "home.example",
    "letters.example", "example.com", "example.net", "example.org",
)  # fmt: skip
STATES = {
    "CA": "209 213 310 323 408 415 510 530 559 562 619 626 650 661 707 714 760 805 818 858 909 916 925 949",
    "TX": "210 214 254 281 361 409 512 713 806 817 832 915 936 956 972 979",
    "FL": "239 305 321 352 386 407 561 727 754 772 786 813 850 863 904 941 954",
    "NY": "212 315 347 516 518 585 607 631 646 716 718 845 914 917",
    "PA": "215 267 412 484 570 610 717 724 814",
    "IL": "217 309 312 618 630 708 773 815 847",
    "OH": "216 330 419 440 513 614 740 937",
    "GA": "229 404 478 678 706 770 912",
    "NC": "252 336 704 828 910 919 980",
    "MI": "231 248 269 313 517 586 616 734",
    "NJ": "201 609 732 856 908 973",
    "VA": "276 434 540 703 757 804",
    "WA": "206 253 360 425 509",
    "AZ": "480 520 602 623 928",
    "MA": "413 508 617 781 978",
    "CO": "303 719 720 970",
    "NV": "702 775",
    "OR": "503 541 971",
    "MN": "218 507 612 651 763",
    "WI": "262 414 608 715 920",
}
# No exchange of the United States gives these out (the service codes) or hardly ever did (555).
EXCHANGES = ("555", "211", "311", "411", "511", "611", "711", "811", "911")
# Numbers that the authorities keep for fiction: country, code, area, first of eight digits.
FICTION = (
    ("AU", "61", "2", "5550"), ("AU", "61", "3", "5550"), ("AU", "61", "7", "5550"),
    ("AU", "61", "8", "5550"), ("AU", "61", "2", "7010"), ("AU", "61", "3", "7010"),
    ("FR", "33", "1", "9900"), ("FR", "33", "2", "6191"), ("FR", "33", "3", "5301"),
    ("FR", "33", "4", "6571"), ("FR", "33", "5", "3649"),
)  # fmt: skip
TITLES = (
    "Owner", "Office manager", "Operations manager", "Director", "Buyer", "Head of IT", "CEO",
    "Principal", "Facilities manager", "Controller", "Assistant", "Founder", "Head of marketing",
)  # fmt: skip
COMPANY_FIRST = """
Harbor Cedar Redwood Summit Blue Copper Golden Silver Northern Southern Pacific Atlantic Evergreen
Granite Liberty Pioneer Heritage Sunrise Maple Willow Falcon Eagle Beacon Keystone Crescent Sterling
Madison Lincoln Franklin Jefferson Monroe Riverside Lakeside Hillside Valley Prairie Mesa Canyon Delta
Alpine Coastal Metro Union Central Premier Apex Vertex Zenith Orion Polaris Aurora Phoenix Titan Nova
Quantum Cobalt Amber Crimson Emerald Ivory Onyx Sapphire Juniper Sequoia Magnolia Hawthorn Birch
Cypress Aspen Laurel Clover Thistle Heron Osprey Sparrow Kestrel Badger Otter Bison Stallion Anchor
Compass Lantern Forge Mill Quarry Bridge Tower Castle Garden Orchard Meadow Brook Spring Stone Iron
""".split()  # noqa: SIM905
COMPANY_SECOND = """
Street Bay Ridge Creek Point Hollow Park Grove Field Oak Pine Rock River Lake Hill Coast Crest Gate
Peak Star Sky Wind Rain Snow Fire Light Shadow Path Road Trail Line Port Dock Yard House Hall Court
Square Cross Circle Arch Wave Shore Cove Glen Dale Ford Haven Landing Station Junction Corner
""".split()  # noqa: SIM905
COMPANY_KIND = (
    "Dental", "Logistics", "Foods", "Partners", "Construction", "Clinic", "School", "Consulting",
    "Brewing", "Motors", "Storage", "Packaging", "Software", "Insurance", "Properties", "Bakery",
)  # fmt: skip
LABELS = (
    "Priority", "Callback", "Financing", "Spring promo", "VIP", "Spanish", "Second home", "Battery",
    "Referral bonus", "Trade show", "Seasonal", "Wholesale", "Upgrade", "Price list sent", "Pilot",
)  # fmt: skip
CAMPAIGN_THEMES = (
    "Spring sale", "Free check", "Cut your bill", "Winter offer", "New customer", "Refer a friend",
    "Black Friday", "Back to school", "Webinar", "Buyer's guide", "Retargeting", "Lookalike",
    "Brand search", "Competitor search", "Newsletter", "Local radio", "Summer upgrade", "Trade-in",
    "Early bird", "Year-end", "Home show", "Case studies", "Demo week", "Price calculator", "Open house",
)  # fmt: skip
OPENINGS = (
    "I'd like a quote.", "Please call me back.", "What does it cost?", "We are comparing offers.",
    "Is there an appointment this week?", "A friend recommended you.", "Saw your ad.",
    "We talked at the fair.", "Do you work in our area?", "Could you send me some information?",
    "Hello, we need help with a project.", "I tried to call but nobody answered.",
)  # fmt: skip
MIDDLES = (
    "We would like to start next month.", "Our budget is limited.", "It is for a family of four.",
    "The old one is fifteen years old.", "We have two locations.", "My partner decides with me.",
    "We had bad luck with another company.", "Timing is flexible.", "It has to be done before winter.",
    "We rent the building.", "Financing would help.", "There are about forty employees.",
)  # fmt: skip
ENDINGS = (
    "", "Thanks!", "Best after 4 pm.", "Mornings are best.", "Please text first.", "Kind regards",
    "Please only by e-mail.", "Any day but Friday.", "Looking forward to hearing from you.",
)  # fmt: skip
NOTES = (
    "Wants an offer by the end of the month.", "Two people decide; call evenings.",
    "Compares with two other companies, price matters.", "Very friendly, needs time.",
    "Budget approved, waits for the landlord.", "Sent the data sheet, follow up next week.",
    "Has an offer already that expires soon.", "Asked a lot about the warranty.",
    "Decides alone, wants it this year.", "Left a message with my number.",
    "Said to call back after the holidays.", "Number was busy twice.",
    "Interested in the larger package. Needs a structural check first, then the offer.",
)  # fmt: skip
MAILS = (
    ("Your request", "Hello,\n\nthank you for your request. When is a good time to talk?\n\nBest regards"),
    ("What we talked about", "Hello,\n\nhere is our guide. Do reply with questions.\n\nBest regards"),
    ("Your offer", "Hello,\n\nhere is your offer with all details. It is valid for 30 days.\n\nBest regards"),
    ("Still thinking about it?", "Hello,\n\njust checking whether you had time for it.\n\nBest regards"),
)  # fmt: skip
REPLIES = (
    "Thanks! Does the price include delivery?", "Tomorrow after 5 works for me.",
    "Could you also give us a price without installation?", "Please call me on Monday.",
    "We are talking about it this weekend.", "Looks good. What is the next step?",
)  # fmt: skip
STEPS = (
    "Send offer", "Call back", "Follow up on offer", "Send price list", "Ask about financing",
    "Agree on a date", "Check the budget", "Confirm appointment",
)  # fmt: skip
NEEDS = ("Replacement", "New building", "Expansion", "Lower running costs", "Compliance")
TIMELINES = ("This month", "1–3 months", "3–6 months", "This year", "Just looking")
AUTHORITIES = ("Decides alone", "Decides with partner", "Recommends", "Committee")
QUESTIONS = (
    ("Do you own the building?", ("Yes", "No, we rent", "We are buying it")),
    ("When would you like to start?", ("As soon as possible", "In 1 to 3 months", "Just looking")),
    ("How did you hear of us?", ("Search", "Friends", "Advertisement", "Event")),
)
