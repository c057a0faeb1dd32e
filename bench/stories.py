"""A small grammar that writes plausible British news: the same seed gives the same stories.

Places, people and figures are invented. A story is a kind (its own paragraphs) filled up with
paragraphs from the pools of its paper; facts are drawn once per story, so that one story says one thing.
The text is the truth against which the demo and the tests compare what comes out of the archive.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

COUNCILS = (
    "Calderwick", "Eastmarsh", "Harrowmere", "Lynthorpe", "Marrowdale", "Oakhaven", "Penhallow", "Stourleigh",
    "Wexcombe", "Ashdenbury", "Brackenfold", "Cranmouth", "Dunsmoor", "Elverstone", "Fenwick Vale", "Gorsedale",
)  # fmt: skip
WARDS = (
    "Abbey Road", "Bridge End", "Castle Hill", "Docklands", "Furnace Green", "Highfield", "Kingsmead", "Lower Mill",
    "Northgate", "Priory Park", "St Anne's", "Tanner's Row", "Upper Weir", "Victoria", "Westbrook",
)  # fmt: skip
FIRST = (
    "Amina", "Bethan", "Callum", "Deborah", "Ewan", "Fiona", "Gareth", "Harpreet", "Imogen", "Jerome", "Kwame",
    "Lorraine", "Miriam", "Neil", "Oluwaseun", "Priya", "Rhodri", "Siobhan", "Tomasz", "Yasmin",
)  # fmt: skip
LAST = (
    "Achebe", "Bellweather", "Craddock", "Dhillon", "Eastwick", "Farrant", "Gormley", "Haldane", "Ibbotson",
    "Jessop", "Kirkbride", "Llewellyn", "Mistry", "Nwosu", "Ormerod", "Pargeter", "Rahman", "Sedgwick", "Thackray",
    "Wolstenholme",
)  # fmt: skip
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "September", "October", "November")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of story: headlines to choose from, and its paragraphs, each with alternatives."""

    section: str
    titles: tuple[str, ...]
    paragraphs: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Story:
    """What a reporter filed."""

    title: str
    section: str
    authors: tuple[str, ...]
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The true body: paragraphs separated by one line break."""
        return "\n".join(self.paragraphs)


TRADE_KINDS = (
    Kind(
        section="Finance",
        titles=(
            "{council} faces £{m1}m budget gap after reserves fall",
            "{council} asks for exceptional support over £{m1}m shortfall",
        ),
        paragraphs=(
            (
                "{council} council must find savings of £{m1}m by {month} after auditors warned that its usable "
                "reserves would otherwise be spent within {small} years.",
                "Councillors in {council} have been told that a gap of £{m1}m has opened in next year's budget, and "
                "that reserves can cover less than {pct}% of it.",
            ),
            (
                "The largest pressures are home-to-school transport, which has overspent by £{m2}m, and temporary "
                "accommodation, where the number of households has risen to {hundreds} from {tens} two years ago.",
                "A report to the cabinet blames a rise of {pct}% in the cost of placements for children in care and "
                "a £{m2}m shortfall in income from planning fees and car parks.",
            ),
            (
                "Among the proposals are the sale of {small} offices, fortnightly street cleaning outside the town "
                "centre and a review of grants to {tens} voluntary groups.",
            ),
        ),
    ),
    Kind(
        section="Children",
        titles=(
            "Inspectors praise {council} children's services after three-year turnaround",
            "{council} children's services no longer inadequate, inspectors find",
        ),
        paragraphs=(
            (
                "Children's services in {council} have been judged good {small} years after they were rated "
                "inadequate, with inspectors crediting stable leadership and smaller caseloads.",
            ),
            (
                "Social workers now hold an average of {teens} cases, down from {twenties} at the last full "
                "inspection, and the share of agency staff has fallen to {pct}%.",
                "The council has recruited {tens} permanent social workers since {month} and closed its emergency "
                "hub in {ward}, where managed teams had once covered a third of all referrals.",
            ),
            (
                "Inspectors asked the council to improve the timeliness of health checks for {hundreds} children in "
                "care and the support that young people receive in the year after they turn 18.",
            ),
        ),
    ),
    Kind(
        section="Housing",
        titles=(
            "Regulator finds serious failings in {council} housing repairs",
            "{hundreds} {council} homes without an electrical safety check, regulator says",
        ),
        paragraphs=(
            (
                "The housing regulator has told {council} to put right serious failings after it found that "
                "{hundreds} council homes had no valid electrical safety certificate.",
            ),
            (
                "More than {thousands} repairs were overdue at the end of {month}, of which {tens} concerned damp or "
                "mould in homes with children under five.",
                "The inspection found {thousands} overdue repairs and records so incomplete that the landlord could "
                "not say how many of its blocks in {ward} had working fire doors.",
            ),
            (
                "The council has set aside £{m1}m for a {small}-year programme and will publish its progress to "
                "tenants every quarter.",
            ),
        ),
    ),
    Kind(
        section="Environment",
        titles=(
            "Bin strike in {council} ends after {weeks}-week dispute over rounds",
            "{council} refuse crews vote to end {weeks}-week strike",
        ),
        paragraphs=(
            (
                "Refuse crews in {council} will go back to work on Monday after {weeks} weeks of strikes over a plan "
                "to cut {small} collection rounds.",
            ),
            (
                "Members of the {union} union voted by {seventies}% to accept an offer that protects pay for "
                "{teens} months and creates {tens} apprenticeships.",
                "The deal was backed by {seventies}% of the {hundreds} workers who voted and includes a one-off "
                "payment of £{hundreds2} for drivers.",
            ),
            (
                "At its height the dispute left an estimated {thousands} tonnes of waste uncollected, and the council "
                "spent £{m2}m on temporary tips in {ward} and two other wards.",
            ),
        ),
    ),
    Kind(
        section="Highways",
        titles=(
            "{council} turns to sensors on buses to find potholes sooner",
            "Pothole claims in {council} fall by {pct}% after buses map the roads",
        ),
        paragraphs=(
            (
                "Cameras and sensors fitted to {tens} buses are helping {council} to find potholes before residents "
                "report them, according to a paper for its transport committee.",
            ),
            (
                "Since {month} the scheme has logged {thousands} defects across {hundreds} miles of road, and the "
                "average time to a repair has fallen from {twenties} days to {small}.",
            ),
            (
                "The authority paid £{m2}m in compensation to motorists last year; claims in the first six months of "
                "this one are down by {pct}%.",
                "The equipment costs £{hundreds} a vehicle a month, which the council says is recovered by sending "
                "crews to {ward} and other worn routes in planned visits.",
            ),
        ),
    ),
    Kind(
        section="Reorganisation",
        titles=(
            "Districts around {council} back plan for {small} unitary authorities",
            "{council} leaders split over map of {small} new councils",
        ),
        paragraphs=(
            (
                "Leaders of the districts around {council} have submitted a plan to replace every council in the "
                "county with {small} unitary authorities.",
            ),
            (
                "Their business case puts the cost of change at £{m1}m and promises savings of £{m2}m a year once "
                "the new councils are {small} years old.",
                "Consultants estimate that the transition would cost £{m1}m and take {teens} months, with elections "
                "to the shadow authorities in {month}.",
            ),
            (
                "The county council prefers a single authority for all {hundreds},000 residents and says that smaller "
                "councils could not carry the risk of social care.",
            ),
        ),
    ),
    Kind(
        section="Social care",
        titles=(
            "Waiting list for care assessments in {council} cut by {pct}%",
            "{council} brings home care teams back in house",
        ),
        paragraphs=(
            (
                "The number of people who wait for a care assessment in {council} has fallen by {pct}% since the "
                "council brought {small} teams back in house.",
            ),
            (
                "Some {hundreds} adults were waiting at the end of {month}, compared with {thousands} a year before, "
                "and the longest wait has come down to {twenties} weeks.",
            ),
            (
                "A pilot in {ward} pairs occupational therapists with housing officers, so that a ramp or a stairlift "
                "is ordered at the first visit rather than after a second assessment.",
                "Care workers who moved to the council now earn {pct}% more than under the old contract, and sickness "
                "absence has dropped by {small} days a year.",
            ),
        ),
    ),
    Kind(
        section="People",
        titles=(
            "{council} names {officer} as chief executive",
            "{officer} to lead {council} after {small} months of interim cover",
        ),
        paragraphs=(
            (
                "{officer} has been chosen as the next chief executive of {council} and will take up the post in "
                "{month} on a salary of £{salary},000.",
            ),
            (
                "The appointment, which {tens} councillors approved with {small} against, ends {teens} months in "
                "which {small} people have held the job on an interim basis.",
            ),
            (
                "{officer} began in environmental health {twenties} years ago and most recently ran the place "
                "directorate at a neighbouring authority, where a £{m1}m market hall opened in {month}.",
                "In earlier posts {officer} led the response to the floods in {ward} and set up a shared legal "
                "service that now works for {small} councils.",
            ),
        ),
    ),
    Kind(
        section="Planning",
        titles=(
            "{council} approves {thousands}-home garden village at {ward}",
            "Inspector backs {thousands} homes at {ward} over {council} objections",
        ),
        paragraphs=(
            (
                "A garden village of {thousands} homes can be built at {ward} on the edge of {council}, after a "
                "planning decision that took {small} years to reach.",
            ),
            (
                "The scheme includes {small} schools, a health centre and £{m2}m for a new junction, and {pct}% of "
                "the homes are to be affordable.",
            ),
            (
                "More than {hundreds} people objected, most of them over traffic on the old turnpike and the loss of "
                "{tens} hectares of farmland.",
                "Planning officers had recommended refusal because the nearest railway station is {small} miles away "
                "and buses run only once in {tens} minutes.",
            ),
        ),
    ),
    Kind(
        section="Digital",
        titles=(
            "Cyber attack cost {council} £{m2}m, review finds",
            "{council} still rebuilding systems {teens} months after cyber attack",
        ),
        paragraphs=(
            (
                "A cyber attack that shut down the computers of {council} last {month} cost the council £{m2}m and "
                "could have been stopped by a security update that was {tens} days late.",
            ),
            (
                "Land searches were halted for {weeks} weeks, {thousands} benefit claims were processed by hand and "
                "staff in {ward} shared {small} laptops that had not been connected to the network.",
            ),
            (
                "The independent review makes {teens} recommendations, among them a register of every supplier with "
                "access and a rehearsal of paper procedures twice a year.",
                "Reviewers found that backups existed for {seventies}% of systems but that nobody had tried to "
                "restore the housing register from them since {month}.",
            ),
        ),
    ),
    Kind(
        section="Education",
        titles=(
            "School transport costs {council} £{m2}m more than planned",
            "{council} offers parents fuel payments to cut £{m2}m taxi bill",
        ),
        paragraphs=(
            (
                "Parents in {council} will be offered a mileage payment to drive children with special needs to "
                "school, as the council tries to cut a taxi bill that ran £{m2}m over budget.",
            ),
            (
                "The authority arranges transport for {thousands} pupils on {hundreds} routes, and the average "
                "journey costs £{tens} a day.",
            ),
            (
                "Independent travel training, which {tens} teenagers in {ward} completed this year, is to be offered "
                "to every pupil over 14 from {month}.",
                "Officials say that one journey in {small} carries a single child, often because the nearest suitable "
                "school is {twenties} miles away.",
            ),
        ),
    ),
    Kind(
        section="Culture",
        titles=(
            "{council} libraries to stay open under community trust",
            "Trust takes on {small} {council} libraries threatened with closure",
        ),
        paragraphs=(
            (
                "{small_cap} libraries in {council} that were to close in {month} will be run by a community trust "
                "with a grant of £{hundreds},000 over {small} years.",
            ),
            (
                "Volunteers have signed up for {hundreds} hours a week, and {teens} paid librarians will transfer to "
                "the trust on their existing terms.",
            ),
            (
                "Visits to the branch in {ward} have risen by {pct}% since it began to lend tools, sewing machines "
                "and a set of {tens} ukuleles.",
                "The council keeps the buildings and the book fund, and may take the service back if opening hours "
                "fall below {twenties} a week.",
            ),
        ),
    ),
)

NATIONAL_KINDS = (
    Kind(
        section="Environment",
        titles=(
            "River defences held back flood in {council} by {small} centimetres",
            "Thousands return home to {council} after flood warning is lifted",
        ),
        paragraphs=(
            (
                "About {thousands} people who were told to leave their homes in {council} have been allowed back after "
                "the river peaked {small} centimetres below the top of its new defences.",
            ),
            (
                "Engineers worked through the night to raise a wall of {hundreds} sandbags at {ward}, where water had "
                "reached the steps of the primary school by {small} o'clock in the morning.",
            ),
            (
                "The £{m1}m scheme was finished only in {month}, {small} years later than planned, after a dispute "
                "over who should pay for the pumps.",
            ),
        ),
    ),
    Kind(
        section="Health",
        titles=(
            "Walk-in scans bring down cancer waits in {council}",
            "Scanner in a shopping centre cuts {council} waiting list by {pct}%",
        ),
        paragraphs=(
            (
                "A scanner in a former shoe shop has cut the wait for a first test in {council} from {twenties} days "
                "to {small}, according to figures from the hospital trust.",
            ),
            (
                "Since {month} the centre has seen {thousands} patients, {pct}% of whom had put off an appointment at "
                "the hospital because of the cost of parking.",
            ),
            (
                "Radiographers there work in {small}-hour shifts until late in the evening, and results from "
                "{seventies}% of scans are sent to a family doctor within {tens} hours.",
            ),
        ),
    ),
    Kind(
        section="Transport",
        titles=(
            "Rail line to {council} to reopen after {tens} years",
            "First train in {tens} years is booked for {council}",
        ),
        paragraphs=(
            (
                "Passenger trains will run to {council} for the first time in {tens} years when a {teens}-mile branch "
                "line opens in {month}.",
            ),
            (
                "The line cost £{m1}m, about {pct}% over its first estimate, and will have {small} stations, one of "
                "them beside the football ground at {ward}.",
            ),
            (
                "An hourly service is planned at first; the operator expects {hundreds},000 journeys in a year and "
                "says that a half-hourly timetable would need another {small} carriages.",
            ),
        ),
    ),
    Kind(
        section="Politics",
        titles=(
            "Ministers to give {council} control of skills and buses",
            "{council} signs devolution deal worth £{m1}m a year",
        ),
        paragraphs=(
            (
                "A devolution deal worth £{m1}m a year will hand {council} control of adult education, buses and part "
                "of the housing budget from {month}.",
            ),
            (
                "Voters will choose a mayor in {month2}, {small} years after a first attempt to create the post was "
                "voted down by {small} councillors.",
            ),
            (
                "The agreement runs for {twenties} years with a review every {small}, and it allows a levy on "
                "overnight stays of up to £{weeks2} a room.",
            ),
        ),
    ),
    Kind(
        section="Business",
        titles=(
            "Battery plant brings {hundreds} jobs to {council}",
            "{council} dock to become battery plant with {hundreds} jobs",
        ),
        paragraphs=(
            (
                "A battery plant that will employ {hundreds} people is to be built on the disused dock at {council}, "
                "with the first cells due in {month}.",
            ),
            (
                "The company will spend £{m1}m and has been promised £{m2}m in public money, which must be paid back "
                "if fewer than {tens} jobs are created within {small} years.",
            ),
            (
                "A training centre in {ward} opened its doors to {tens} apprentices this autumn, and a further "
                "{teens} places are reserved for people who worked at the old steel mill.",
            ),
        ),
    ),
    Kind(
        section="Science",
        titles=(
            "Beavers near {council} slow the river by {pct}%, study says",
            "Beaver dams cut flood peak near {council}, researchers find",
        ),
        paragraphs=(
            (
                "Dams built by {small} families of beavers near {council} have reduced the peak flow of the river by "
                "{pct}%, a study of {small} winters has found.",
            ),
            (
                "The researchers placed {tens} gauges along {teens} miles of stream and compared the storms of last "
                "{month} with records from before the animals were released.",
            ),
            (
                "Farmers at {ward} lost {small} fields to standing water, for which they were paid £{hundreds} a "
                "hectare, while the number of species of dragonfly rose to {teens}.",
            ),
        ),
    ),
    Kind(
        section="Education",
        titles=(
            "School meals made in {council} hospital kitchen win over pupils",
            "Pupils in {council} eat {pct}% more vegetables after kitchen swap",
        ),
        paragraphs=(
            (
                "Pupils in {council} are eating {pct}% more vegetables since a hospital kitchen began to cook for "
                "{teens} schools, a trial has shown.",
            ),
            (
                "Each meal costs £2.{tens}, and {seventies}% of families who are entitled to free meals now "
                "take them, against {pct}% at the start of the trial in {month}.",
            ),
            (
                "At {ward} primary the most popular dish is a lentil pie, of which {hundreds} portions were served in "
                "a single week.",
            ),
        ),
    ),
    Kind(
        section="Society",
        titles=(
            "Post office on wheels returns to {small} villages near {council}",
            "Villages near {council} get their post office back, on wheels",
        ),
        paragraphs=(
            (
                "A van with a counter, a cash machine and {small} stools has brought the post office back to villages "
                "near {council} that had been without one for {teens} years.",
            ),
            (
                "It stops for {tens} minutes in each place and served {hundreds} customers in its first week; at "
                "{ward} the queue reached as far as the bus shelter.",
            ),
            (
                "The service costs £{hundreds},000 a year, of which the parish councils pay {pct}%, and it will be "
                "judged by the number of visits in {month}.",
            ),
        ),
    ),
    Kind(
        section="Culture",
        titles=(
            "Lost mural found behind cinema screen in {council}",
            "Builders uncover {tens}-foot mural in {council} cinema",
        ),
        paragraphs=(
            (
                "Builders who took down the screen of a cinema in {council} have found a mural {tens} feet wide that "
                "had not been seen for {seventies} years.",
            ),
            (
                "It shows {teens} trades of the town, from net makers to a chimney sweep, and is signed by a painter "
                "who taught evening classes in {ward}.",
            ),
            (
                "Conservators need £{hundreds},000 to clean it and hope to open the hall to visitors in {month}, with "
                "{small} guided tours a day.",
            ),
        ),
    ),
    Kind(
        section="Sport",
        titles=(
            "{council} volunteers rebuild running track in {weeks} weeks",
            "Running track rebuilt by {tens} volunteers opens in {council}",
        ),
        paragraphs=(
            (
                "A running track in {council} that was condemned {small} years ago opens again on Saturday after "
                "{tens} volunteers rebuilt it in {weeks} weeks.",
            ),
            (
                "They laid {hundreds} tonnes of stone, most of it given by a quarry at {ward}, and saved about £{m2}m "
                "against the lowest quotation.",
            ),
            (
                "The club has {hundreds2} members, the oldest of them aged {seventies}, and expects to host its first "
                "county meeting since {month}.",
            ),
        ),
    ),
)

TRADE_POOL = (
    "{leader}, the leader of {council}, said: ‘Nobody came into local government to do this, but we owe residents a "
    "plan that adds up and we will answer for it in the chamber.’",
    "‘We have been honest about the mistakes that were made,’ said {leader}, who leads the council. ‘What matters to "
    "people in {ward} is what happens between now and {month2}.’",
    "{opposition}, who leads the opposition group, called the decision ‘a bill for {small} years of putting things "
    "off’ and asked for a vote of the full council.",
    "‘The figures were on the table in {month2} and nobody looked at them,’ said opposition leader {opposition}, who "
    "wants an independent review to report before the spring.",
    "The {union} union, which represents about {hundreds2} of the staff concerned, said that it had been told of the "
    "details only {small} days before the papers were published.",
    "A spokesperson for the ministry said that funding for the area had risen by {pct2}% and that officials were in "
    "regular contact with the council's finance director.",
    "{expert} of the University of Westmarch, who studies council finances, said that {teens2} other authorities were "
    "in much the same position and that ‘the timing is bad luck, the trend is not’.",
    "The scrutiny committee will take evidence on the {day}th of {month2}, and the cabinet is expected to make its "
    "decision {weeks2} weeks later.",
    "A consultation with residents, parish councils and {tens2} community groups runs until the end of {month2}; an "
    "equality assessment has been published with the papers.",
    "Neighbouring authorities are watching closely: {small2} of them buy services through the same framework, which is "
    "worth £{m3}m a year.",
    "Last year's peer review praised the council's officers but warned that {small2} directorates relied on agency "
    "managers and that decisions were ‘often recorded after they had been taken’.",
    "Papers for the meeting put the one-off cost at £{m3}m and the yearly benefit at a third of that, with the money "
    "earned back within {small2} years.",
)

NATIONAL_POOL = (
    "‘I had to read it twice,’ said {resident}, who has lived in {ward} for {tens2} years. ‘You stop believing that "
    "anything will change, and then one morning it has.’",
    "{expert}, of the University of Westmarch, said that the findings were ‘encouraging, but from one place and one "
    "year’, and that a larger study with {small2} regions would begin in {month2}.",
    "Not everyone is convinced. {chair}, who chairs the residents' association, said that {tens2} households had "
    "written to object and that ‘nobody has answered a single letter’.",
    "A government spokesperson said that £{m3}m had been set aside for similar projects and that bids from {teens2} "
    "areas were being considered.",
    "The cost has been criticised by the public spending watchdog, which noted in {month2} that {small2} of the first "
    "ten schemes had gone over budget.",
    "{leader}, who oversaw the work, said that the hardest part had been the {weeks2} weeks in which it rained every "
    "day. ‘We had planned for {small2} days of that, not for a whole season.’",
    "Polling for the area suggests that {pct2}% of adults support the plan, while a quarter say that they have never "
    "heard of it.",
    "A decision on the next stage is due on the {day}th of {month2}, when the papers will be published in full.",
    "Similar attempts elsewhere have had mixed results: one was abandoned after {small2} months, another grew to serve "
    "{hundreds2} people.",
    "{opposition}, the area's member of parliament, said that the credit belonged to ‘{tens2} people who kept turning "
    "up to meetings when there was nothing to show for it’.",
)


def _draw_facts(rng: random.Random) -> dict[str, str]:
    def some(*, low: int, high: int, step: int = 1) -> str:
        return str(rng.randrange(low, high + 1, step))

    people = rng.sample([f"{first} {last}" for first in FIRST for last in LAST], 6)
    months = rng.sample(MONTHS, 2)
    words = ("three", "four", "five", "six", "seven", "eight", "nine")
    small, small2 = rng.sample(words, 2)
    return {
        "council": rng.choice(COUNCILS),
        "ward": rng.choice(WARDS),
        "leader": people[0],
        "opposition": people[1],
        "officer": people[2],
        "expert": people[3],
        "resident": people[4],
        "chair": people[5],
        "union": rng.choice(("Public Service Workers", "General Trades", "Civic and Municipal")),
        "month": months[0],
        "month2": months[1],
        "small": small,
        "small2": small2,
        "small_cap": small.capitalize(),
        "m1": some(low=14, high=96),
        "m2": f"{rng.randrange(11, 99) / 10:.1f}",
        "m3": f"{rng.randrange(11, 99) / 10:.1f}",
        "pct": some(low=11, high=48),
        "pct2": some(low=51, high=69),
        "teens": some(low=12, high=19),
        "teens2": some(low=12, high=19),
        "twenties": some(low=21, high=29),
        "tens": some(low=31, high=89),
        "tens2": some(low=31, high=89),
        "seventies": some(low=71, high=88),
        "hundreds": some(low=120, high=980, step=10),
        "hundreds2": some(low=125, high=985, step=10),
        "thousands": f"{rng.randrange(1100, 9900, 50):,}",
        "salary": some(low=158, high=212),
        "weeks": some(low=5, high=13),
        "weeks2": some(low=2, high=4),
        "day": rng.choice(("4", "6", "7", "8", "9", "14", "16", "17", "24", "26", "27", "28")),
    }


def write_stories(paper: str, number: int, seed: int) -> tuple[Story, ...]:
    """Write a paper's stories.

    Args:
        paper: ``trade`` or ``national``.
        number: how many; kinds come round again with other facts.
        seed: the same seed gives the same stories.

    Returns:
        Stories of 150 to 500 words with distinct headlines.
    """
    rng = random.Random(f"{paper}-{seed}")
    kinds, pool = (TRADE_KINDS, TRADE_POOL) if paper == "trade" else (NATIONAL_KINDS, NATIONAL_POOL)
    stories: dict[str, Story] = {}
    while len(stories) < number:
        kind = kinds[len(stories) % len(kinds)]
        facts = _draw_facts(rng)
        own = [rng.choice(alternatives) for alternatives in kind.paragraphs]
        extra = rng.sample(range(len(pool)), rng.randrange(4, 8))
        paragraphs = [*own[:2], *(pool[i] for i in extra[:2]), *own[2:], *(pool[i] for i in extra[2:])]
        title = rng.choice(kind.titles).format(**facts)
        authors = rng.sample([f"{first} {last}" for first in FIRST for last in LAST], 1 if rng.random() < 0.8 else 2)
        stories.setdefault(
            title,
            Story(
                title=title,
                section=kind.section,
                authors=tuple(authors),
                paragraphs=tuple(paragraph.format(**facts) for paragraph in paragraphs),
            ),
        )
    return tuple(stories.values())


_FIGURE = re.compile(r"£\d+(?:\.\d+)?m")


def rewrite_in_substance(story: Story) -> Story:
    """The story as a reporter would correct it: a figure changes, and a paragraph says why."""
    lead = story.paragraphs[0]
    figure = _FIGURE.search(lead)
    corrected = (
        lead.replace(figure.group(), f"£{float(figure.group()[1:-1]) + 3:g}m", 1)
        if figure
        else lead.rstrip(".") + ", it was confirmed last night."
    )
    added = (
        "After this article was first published the press office wrote to say that an earlier table had left out one "
        "of the contracts; the figure above has been corrected."
    )
    return Story(
        title=story.title,
        section=story.section,
        authors=story.authors,
        paragraphs=(corrected, *story.paragraphs[1:], added),
    )
