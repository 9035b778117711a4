"""What people say in the story: enquiries, notes of calls, mails, texts."""

from __future__ import annotations

from leadcrm.demo.cast import FAIR, HOTLINE, LIST, MAILBOX, META, REFERRALS, SEARCH, WEBSITE

# --- enquiries -------------------------------------------------------------------------------

MESSAGES: dict[str, tuple[str, ...]] = {
    WEBSITE: (
        "We'd like a quote for about 30 panels. The roof faces south-west and is 8 years old.",
        "Our electricity bill has doubled. What can you do for a family of four?",
        "How long does it take from order to installation?",
        "Do you also install batteries? We have had panels since 2019.",
        "Please call me after 4 pm, I work during the day.",
        "Is there still a tax credit this year, and do you help with the papers?",
        "We are getting a new roof in spring and would like to do both at once.",
        "I'd like to charge two electric cars at home. Is 10 kW enough?",
        "Can you come and have a look at our barn? It is about 200 feet from the house.",
        "",
        "",
    ),
    META: ("", "", "", "Saw your ad. What does it cost roughly?", "Please text me first."),
    SEARCH: (
        "Comparing offers for a battery with backup.",
        "Do you finance with no money down?",
        "Looking for somebody before summer.",
        "",
        "",
    ),
    HOTLINE: (
        "Called in: wants to know what a system for a three-bedroom house costs.",
        "Called in: neighbor had panels installed by us and is very happy.",
        "Called in: power went out twice this month, asks about batteries.",
        "Called in: bought a house, closing next month, wants an estimate.",
    ),
    REFERRALS: (
        "You did my sister's roof last year. We'd like the same.",
        "Recommended by a colleague. We have a flat roof and lots of sun.",
        "My neighbor says you were on time and tidy. Could you make us an offer?",
    ),
    FAIR: (
        "Talked at our stand: townhouse, wants panels on the garage as well.",
        "Talked at our stand: interested in a heat pump together with panels.",
        "Took part in the prize draw and ticked “call me”.",
        "Talked at our stand: builds a house, needs everything planned by autumn.",
    ),
    LIST: ("", "", "Asked for an estimate on a comparison page."),
    MAILBOX: (
        "Hello,\nwe run a small business and our roof is empty. Who can we talk to?\nThanks",
        "Good morning,\ncould you send me your price list for batteries?\nBest regards",
        "Hi, I asked for a quote from two companies already. What is your lead time?",
    ),
}
AT_WORK = (
    "We have about 6,000 square feet of roof and use most of our power during the day.",
    "Our landlord agreed to panels. We need an offer for the board meeting.",
    "We'd like to cover the parking lot. Is that something you do?",
    "Our cold store runs day and night. What would panels save us?",
)
AGAIN = (
    "I wrote a while ago and would like to go ahead now.",
    "Following up on my request: is the appointment still possible this month?",
    "Sorry, I missed your calls. Please try again tomorrow morning.",
)
NEXT_PROJECT = (
    "You installed our panels. Now we'd like a battery.",
    "Very happy with the panels. Could you do my parents' house as well?",
)
# What the forms of others ask, and the answers they offer; our own forms say it themselves.
ANSWERS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    META: (
        ("Do you own your home?", ("Yes", "Yes", "Yes", "No")),
        ("Average monthly bill", ("$100–200", "$200–300", "Over $300")),
    ),
    SEARCH: (
        ("ZIP code", ("97201", "98101", "94107", "85004", "89101", "92101")),
        ("Interested in", ("Solar panels", "Battery", "Panels and battery")),
    ),
    LIST: (
        ("Roof age", ("0–10 years", "10–20 years", "Over 20 years")),
        ("Credit score", ("Good", "Excellent", "Fair")),
    ),
}

# --- calls and notes -------------------------------------------------------------------------

REACHED = (
    "Roof is 12 years old, no shading. Wants financing.",
    "Two people decide; she collects the offers. Call evenings.",
    "Comparing with two other companies, price matters.",
    "Flat roof, needs a structural check first.",
    "Very friendly. Wants to be done before summer.",
    "Bill is about $280 a month, two electric cars. Good fit.",
    "Wants a battery mainly for outages. Panels would be a bonus.",
    "Has an offer already that expires at the end of the month.",
    "HOA must approve the panels. Sends me the rules.",
    "Asked a lot about the warranty. Sent the data sheet.",
)
QUALIFIED = (
    "Owns the house, 28 panels fit, budget about $25,000. Wants to see it on site.",
    "South-facing, no trees. Financing over 15 years is fine.",
    "Good roof, realistic idea of the price, wants it this year.",
    "Decides alone. Needs the offer by the end of the month.",
    "Both were on the phone. Agreed on panels plus battery.",
)
VOICEMAILS = ("Left a message with my number.", "Left a message, will text as well.", "")
MET = (
    "Measured everything. 26 panels, 10.4 kW, plus battery. Offer to follow.",
    "Roof is fine, main panel must be replaced. They understood.",
    "Good visit, they had all the bills ready. Very likely.",
    "Looked at barn and house; the barn is the better place.",
    "Showed the savings. He wants to talk to the bank first.",
)
NO_SHOW_NOTE = ("Nobody at home, phone off.", "Stood in front of a closed door. Left a card.")
BACK_LATER = (
    "Building starts next year. Call again then.",
    "Waits for the new roof in spring.",
    "Has just changed jobs and wants three more months.",
    "On a long trip, back after the holidays.",
)

# --- mails and texts -------------------------------------------------------------------------

TEXT_TRIED = (
    "Hi {first}, this is {rep} from Sunny Roofs. I tried to reach you about your request. "
    "When is a good time?",
    "Hello {first}, {rep} from Sunny Roofs here. Just call me back whenever it suits you.",
)
TEXT_CALL_ME = ("Tomorrow after 5 works", "Can you call Saturday morning?", "Now is fine, thanks")
TEXT_REMINDER = ("Hi {first}, see you {day}. {rep}, Sunny Roofs",)
TEXT_OK = ("Great, see you then!", "Perfect, thanks", "Yes. The gate is open, please ring twice.")
INFORMATION = (
    "What we talked about",
    "Hello {first},\n\nthank you for the call. I attach our short guide: what to expect of the "
    "visit, what it costs and which papers help. You can simply reply with questions.\n\n"
    "Best regards\n{rep}",
)
OFFER = (
    "Your offer from Sunny Roofs",
    "Hello {first},\n\nas promised, here is your offer with drawings and the savings over 20 years. "
    "It is valid for 30 days. I'll call you in a few days to go through it.\n\nBest regards\n{rep}",
)
CHECKING_IN = (
    "Still thinking about it?",
    "Hello {first},\n\njust checking whether you had time to look at the offer. "
    "Happy to change anything.\n\nBest regards\n{rep}",
)
QUESTIONS = (
    "Thanks! Does the price include the permit, and how long is the warranty on the inverter?",
    "Looks good. Could you also give us a price without the battery?",
    "We are talking about it this weekend. Is there a discount if our neighbor joins?",
    "Thank you for the visit. Which of the two inverters would you take yourself?",
    "Can you start before the end of next month?",
)
ANSWER = (
    "Re: Your offer from Sunny Roofs",
    "Hello {first},\n\ngood question. Yes, that is included; I marked it on page 2. "
    "Shall we talk tomorrow?\n\nBest regards\n{rep}",
)

# --- endings ---------------------------------------------------------------------------------

LOST_AFTER_OFFER = (
    ("price", "Has an offer that is $3,000 lower."),
    ("price", "Too expensive with the battery, not interested without it."),
    ("competitor", "Signed with the company of a cousin."),
    ("competitor", "Went with a bigger company because of the warranty."),
    ("no_authority", "Husband never came to the phone, offer stays in the drawer."),
    ("no_need", "They are moving."),
    ("no_need", "Sells the house."),
    ("other", "Bank declined the loan; no other way to pay for it."),
)
LOST_EARLY = (
    ("no_need", "Only wanted to know the price."),
    ("price", "Expected it to be free with the tax credit."),
    ("competitor", "Had signed elsewhere when I called."),
    ("no_authority", "Rents; the owner doesn't want panels."),
)
NOT_NOW = (
    "Wants to wait for the new tax rules.",
    "New roof first, then panels.",
    "Baby on the way. Ask again in autumn.",
)
UNFIT = (
    ("outside_area", "Lives four hours from our nearest crew."),
    ("too_small", "Garden shed, two panels."),
    ("not_offered", "Asked for pool heating only."),
    ("not_a_buyer", "Looking for a job as an installer."),
    ("not_a_buyer", "Student with questions for a paper."),
    ("existing_customer", "App shows no data. Gave it to service."),
    ("fake", "Never asked for anything, was angry."),
)
UNFIT_FROM_LIST = (
    ("fake", "Says he never filled in a form."),
    ("fake", "Number belongs to somebody else."),
    ("outside_area", "Moved out of state."),
    ("wrong_contact", "Number not in service, mail bounced."),
)
