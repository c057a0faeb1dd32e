"""Simulated homes on loopback: web sites of CMS families, and hand-made ones that nothing was built for.

Each home has a front page, service pages, section fronts and a known set of articles, announced as such sites do:
by feeds, sitemaps and listings, with the markup and the addresses of the CMS. ``bench.probe`` asks what
``muniment sites probe`` makes of them. The markup is written after public descriptions, not taken from real sites;
the homes without a family were written before the probe was first run on them.
"""

from __future__ import annotations

import json
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from html import escape
from typing import Literal

from bench.web import Page, WebSite

NEWEST = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ATOM = "http://www.w3.org/2005/Atom"

# ------------------------------------------------------------------ words

_TOWNS = (
    "Calderwick", "Eastmarsh", "Harrowmere", "Lynthorpe", "Marrowdale", "Oakhaven", "Penhallow", "Stourleigh",
    "Wexcombe", "Ashdenbury", "Brackenfold", "Cranmouth", "Dunsmoor", "Elverstone", "Fenwick", "Gorsedale",
)  # fmt: skip

_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    # heads of headlines, their ends, sentences
    "en": (
        ("Council agrees plan for", "Residents asked about", "New library opens in", "Road works begin near",
         "School places grow in", "Funding won for"),
        ("after long debate", "before the winter", "with help from volunteers", "despite rising costs", "this spring"),
        ("The decision was taken on Tuesday after a debate that lasted more than three hours in the town hall.",
         "Work is expected to begin in the spring and to be finished before the end of the following year.",
         "Residents who live near the site will be told by letter when the road has to be closed.",
         "The leader of the council said that the plan had been changed after people raised concerns.",
         "It will cost about two million pounds, most of which comes from a grant of the government.",
         "Opposition members voted against it because they think the money is needed elsewhere.",
         "A report to the committee says that the old building can no longer be repaired at a fair price."),
    ),
    "de": (
        ("Stadtrat beschließt Plan für", "Bürger fragen nach", "Neue Bücherei öffnet in", "Bauarbeiten beginnen bei"),
        ("nach langer Debatte", "vor dem Winter", "mit Hilfe von Freiwilligen", "trotz steigender Kosten"),
        ("Der Beschluss fiel am Dienstag nach einer Debatte, die mehr als drei Stunden im Rathaus dauerte.",
         "Die Arbeiten sollen im Frühjahr beginnen und vor dem Ende des folgenden Jahres fertig sein.",
         "Anwohner werden mit einem Brief unterrichtet, wenn die Straße gesperrt werden muss.",
         "Die Bürgermeisterin sagte, der Plan sei geändert worden, nachdem viele Menschen Bedenken hatten.",
         "Die Kosten liegen bei etwa zwei Millionen Euro, von denen das Land den größten Teil trägt."),
    ),
    "fr": (
        ("Le conseil adopte un plan pour", "Une bibliothèque ouvre à", "Les travaux commencent près de"),
        ("après un long débat", "avant cet hiver", "avec des bénévoles", "malgré la hausse des prix"),
        ("La décision a été prise mardi après un débat de plus de trois heures à la mairie de la commune.",
         "Les travaux doivent commencer au printemps et se terminer avant la fin de l'année suivante.",
         "Les habitants du quartier seront prévenus par courrier lorsque la rue devra être fermée.",
         "Le maire a déclaré que le projet avait été modifié après les remarques de nombreux riverains.",
         "Le coût est estimé à deux millions d'euros, dont la plus grande partie est payée par la région."),
    ),
    "es": (
        ("El pleno aprueba el plan de", "Una biblioteca abre en", "Las obras empiezan cerca de"),
        ("tras un largo debate", "antes del invierno", "con ayuda de voluntarios", "pese a los costes"),
        ("La decisión se tomó el martes después de un debate de más de tres horas en el ayuntamiento.",
         "Las obras empezarán en primavera y deberían terminar antes del final del próximo año.",
         "Los vecinos recibirán una carta cuando sea necesario cortar la calle durante los trabajos.",
         "La alcaldesa explicó que el plan se cambió porque muchas personas expresaron sus dudas.",
         "El coste es de unos dos millones de euros, y la mayor parte la paga el gobierno regional."),
    ),
    "it": (
        ("Il consiglio approva il piano per", "Apre una biblioteca a", "Al via i lavori presso"),
        ("dopo un lungo dibattito", "prima dell'inverno", "con i volontari", "nonostante i costi"),
        ("La decisione è stata presa martedì dopo un dibattito di oltre tre ore nel palazzo comunale.",
         "I lavori cominceranno in primavera e dovrebbero finire prima della fine del prossimo anno.",
         "I residenti della zona saranno avvisati con una lettera quando la strada dovrà essere chiusa.",
         "Il sindaco ha detto che il progetto è stato cambiato dopo le osservazioni di molti cittadini.",
         "Il costo è di circa due milioni di euro, in gran parte pagati con i fondi della regione."),
    ),
    "nl": (
        ("Gemeenteraad stemt in met plan voor", "Nieuwe bibliotheek opent in", "Werk begint bij"),
        ("na een lang debat", "voor de winter", "met hulp van vrijwilligers", "ondanks hogere kosten"),
        ("Het besluit viel dinsdag na een debat dat langer dan drie uur duurde in het gemeentehuis.",
         "Het werk begint in het voorjaar en moet voor het einde van het volgende jaar klaar zijn.",
         "Bewoners krijgen een brief wanneer de straat voor de werkzaamheden moet worden afgesloten.",
         "De burgemeester zei dat het plan is veranderd omdat veel mensen hun zorgen hebben gedeeld.",
         "De kosten zijn ongeveer twee miljoen euro, waarvan de provincie het grootste deel betaalt."),
    ),
    "pl": (
        ("Rada przyjmuje plan dla", "Nowa biblioteka w", "Rusza remont drogi koło"),
        ("po długiej debacie", "jeszcze przed zimą", "z pomocą wolontariuszy", "mimo rosnących kosztów"),
        ("Decyzja zapadła we wtorek po debacie, która trwała w ratuszu ponad trzy godziny bez przerwy.",
         "Prace mają się rozpocząć wiosną i zakończyć przed końcem następnego roku kalendarzowego.",
         "Mieszkańcy dostaną list, kiedy droga będzie musiała zostać zamknięta na czas budowy.",
         "Burmistrz powiedział, że plan został zmieniony, ponieważ wiele osób zgłosiło swoje uwagi.",
         "Koszt wynosi około dwóch milionów, a większą część pieniędzy daje województwo."),
    ),
    "sv": (
        ("Fullmäktige antar plan för", "Nytt bibliotek öppnar i", "Vägarbete börjar vid"),
        ("efter lång debatt", "före vintern", "med hjälp av frivilliga", "trots ökade kostnader"),
        ("Beslutet fattades på tisdagen efter en debatt som varade i mer än tre timmar i stadshuset.",
         "Arbetet väntas börja under våren och ska vara klart före slutet av det kommande året.",
         "De boende får ett brev när vägen måste stängas av medan arbetet pågår i området.",
         "Kommunstyrelsens ordförande sade att planen har ändrats sedan många hade lämnat synpunkter.",
         "Kostnaden är omkring två miljoner kronor, och den största delen betalas av staten."),
    ),
    "cy": (
        ("Y cyngor yn cytuno ar gynllun ar gyfer", "Llyfrgell newydd yn agor yn", "Gwaith ffordd yn dechrau ger"),
        ("ar ôl dadl hir", "cyn y gaeaf", "gyda chymorth gwirfoddolwyr", "er gwaethaf y costau"),
        ("Gwnaed y penderfyniad ddydd Mawrth ar ôl dadl a barhaodd am fwy na thair awr yn neuadd y dref.",
         "Disgwylir i'r gwaith ddechrau yn y gwanwyn a gorffen cyn diwedd y flwyddyn ganlynol.",
         "Bydd trigolion sy'n byw gerllaw yn cael llythyr pan fydd yn rhaid cau'r ffordd.",
         "Dywedodd arweinydd y cyngor fod y cynllun wedi newid ar ôl i bobl fynegi pryderon.",
         "Bydd yn costio tua dwy filiwn o bunnoedd, a daw'r rhan fwyaf ohono gan y llywodraeth."),
    ),
}  # fmt: skip

_SERVICES = {
    "en": ("Bins and recycling", "Council tax and benefits", "Contact us", "Privacy notice", "Jobs", "Planning"),
    "de": ("Müll und Abfall", "Bürgerservice", "Kontakt", "Impressum", "Stellenangebote", "Bauen und Wohnen"),
    "fr": ("Déchets et tri", "Démarches en ligne", "Contact", "Mentions légales", "Emplois", "Urbanisme"),
    "es": ("Basuras y reciclaje", "Trámites", "Contacto", "Aviso legal", "Empleo", "Urbanismo"),
    "it": ("Rifiuti e raccolta", "Servizi online", "Contatti", "Note legali", "Concorsi", "Urbanistica"),
    "nl": ("Afval en recycling", "Paspoort aanvragen", "Contact", "Privacy", "Vacatures", "Bouwen"),
    "pl": ("Odpady i recykling", "Sprawy urzędowe", "Kontakt", "Polityka prywatności", "Praca", "Budownictwo"),
    "sv": ("Avfall och återvinning", "E-tjänster", "Kontakt", "Om webbplatsen", "Lediga jobb", "Bygga och bo"),
    "cy": ("Biniau ac ailgylchu", "Treth y cyngor", "Cysylltu", "Preifatrwydd", "Swyddi", "Cynllunio"),
}


@dataclass(frozen=True, kw_only=True)
class Story:
    """One seeded article."""

    number: int
    title: str
    paragraphs: tuple[str, ...]
    published: datetime

    @property
    def slug(self) -> str:
        """The title as a part of an address."""
        return slug_of(self.title)


def slug_of(text: str) -> str:
    """A title as a part of an address: small letters, hyphens."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ł", "l")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def write_stories(home: str, language: str, count: int) -> tuple[Story, ...]:
    """So many stories, newest first; the same for the same arguments."""
    rng = random.Random(f"{home}:{language}")
    heads, ends, sentences = _WORDS[language]
    stories: list[Story] = []
    titles: set[str] = set()
    when = NEWEST
    while len(stories) < count:
        town = rng.choice(_TOWNS)
        title = f"{rng.choice(heads)} {town} {rng.choice(ends)}"
        if title in titles:
            continue
        titles.add(title)
        paragraphs = tuple(
            f"{' '.join(rng.sample(sentences, 3))} ({town}, {rng.randrange(100, 9999)})" for _ in range(4)
        )
        stories.append(Story(number=480000 + 37 * (count - len(stories)), title=title, paragraphs=paragraphs,
                             published=when))  # fmt: skip
        when -= timedelta(hours=rng.randrange(7, 40))
    return tuple(stories)


# ------------------------------------------------------------------ what a home is


@dataclass(frozen=True, kw_only=True)
class Home:
    """How one simulated site is built; paths are of its own host unless they begin with ``{news}``."""

    id: str
    family: str | None = None
    language: str = "en"
    country: str = "gb"
    count: int = 30
    path: Callable[[Story], str]
    head: str = ""  # into every page's head
    foot: str = ""  # before every page's end
    newsroom: str | None = "/news"
    newsroom_name: str = "News"
    turn: Callable[[int], str] | None = None  # address of the n-th listing page, from 2
    link_next: bool = True  # listing pages link to the next one
    per_page: int = 10
    feed: str | None = None
    feed_kind: Literal["rss", "atom", "json", "rdf"] = "rss"
    feed_count: int = 15
    feed_shown: Literal["link", "newsroom", "anchor", "hidden"] = "link"
    feed_relative: bool = False
    feed_offsite: int = 0
    sitemaps: Callable[[Built], dict[str, str]] | None = None
    robots: str = "User-agent: *\nDisallow: /admin/\n"
    dates: Literal["time", "json-ld", "meta", "text"] = "time"
    services: Callable[[str], str] = lambda name: f"/{slug_of(name)}"
    service_count: int = 6
    front: int = 5  # articles that the home page links to
    start: str = "/"  # path of the page that is probed
    two_hosts: bool = False
    broken: bool = False
    menu_link: str | None = None  # where the menu's news link leads, when not to the listing itself
    menu_tag: str = "nav"
    empty_listing: bool = False  # the listing is filled by script
    feed_suffix: str = ""  # at the end of the feed's links
    catch_all: bool = False  # unknown paths answer 200
    more: Callable[[Built], dict[str, str]] | None = None  # further HTML pages: path to body
    five_lines: dict[str, str] = field(default_factory=dict)  # further lines of a site file that names the family


@dataclass(kw_only=True)
class Built:
    """One home at its addresses."""

    home: Home
    origin: str
    news_origin: str
    stories: tuple[Story, ...]
    pages: dict[str, Page] = field(default_factory=dict)
    news_pages: dict[str, Page] = field(default_factory=dict)

    def url(self, path: str) -> str:
        """A path of the home as a URL."""
        return path.replace("{news}", self.news_origin) if path.startswith("{news}") else self.origin + path

    @property
    def start(self) -> str:
        """The URL that the probe is given."""
        return self.url(self.home.start)

    @property
    def articles(self) -> dict[str, Story]:
        """Every seeded article by its URL."""
        return {self.url(self.home.path(story)): story for story in self.stories}

    @property
    def services(self) -> dict[str, str]:
        """Service pages: URL to name."""
        names = _SERVICES[self.home.language][: self.home.service_count]
        return {self.url(self.home.services(name)): name for name in names}

    def put(self, url: str, page: Page) -> None:
        """Serve a page under a URL of one of the two hosts."""
        for origin, pages in ((self.news_origin, self.news_pages), (self.origin, self.pages)):
            if url.startswith(origin):
                pages[url[len(origin) :]] = page
                return
        raise ValueError(f"{url} is on neither host")


# ------------------------------------------------------------------ building


def build(home: Home, origin: str, news_origin: str) -> Built:
    """Everything that a home serves."""
    built = Built(
        home=home, origin=origin, news_origin=news_origin, stories=write_stories(home.id, home.language, home.count)
    )
    for url, story in built.articles.items():
        built.put(url, _html(built, story.title, _article_body(home, story), story))
    for url, name in built.services.items():
        built.put(url, _html(built, name, _service_body(home, name)))
    if home.newsroom is not None:
        _build_listing(built)
    built.put(built.start, _html(built, "Home", _front_body(built), front=True))
    if home.start != "/" and "/" not in built.pages:
        built.put(built.url("/"), _html(built, "Home", _front_body(built)))
    if home.feed is not None:
        built.put(built.url(home.feed), _feed(built))
    for path, body in (home.more(built) if home.more else {}).items():
        built.put(built.url(path), _html(built, path, body))
    robots = home.robots
    for path, text in (home.sitemaps(built) if home.sitemaps else {}).items():
        built.put(built.url(path), Page(plain=text.encode(), media_type="application/xml"))
    built.put(f"{origin}/robots.txt", Page(plain=robots.replace("{origin}", origin).encode(), media_type="text/plain"))
    if home.two_hosts:
        built.put(f"{news_origin}/robots.txt", Page(plain=b"User-agent: *\nDisallow:\n", media_type="text/plain"))
    return built


def _html(built: Built, title: str, body: str, story: Story | None = None, *, front: bool = False) -> Page:
    home = built.home
    head = f"<title>{escape(title)} | Anytown</title>" + home.head
    if story is not None:
        head += f'<meta property="og:type" content="article"><meta property="og:title" content="{escape(title)}">'
        if home.dates == "meta":
            head += f'<meta property="article:published_time" content="{story.published.isoformat()}">'
        if home.dates == "json-ld":
            about = {
                "@context": "https://schema.org", "@type": "NewsArticle", "headline": title,
                "datePublished": story.published.isoformat(), "author": {"@type": "Person", "name": "Amina Haldane"},
            }  # fmt: skip
            head += f'<script type="application/ld+json">{json.dumps(about)}</script>'
    shown = home.feed_shown == "link" or (home.feed_shown == "newsroom" and title == home.newsroom_name)
    if home.feed is not None and shown:
        kind = {"json": "application/feed+json", "atom": "application/atom+xml"}.get(
            home.feed_kind, "application/rss+xml"
        )
        address = home.feed.replace("{news}", built.news_origin)
        head += f'<link rel="alternate" type="{kind}" title="Feed" href="{address}">'
    links = [("Home", "/")]
    if home.newsroom is not None:
        links.append((home.newsroom_name, built.url(home.menu_link or home.newsroom)))
    links += [(name, url) for url, name in built.services.items()]
    menu = "".join(f'<li><a href="{escape(url)}">{escape(name)}</a></li>' for name, url in links)
    anchor = ""
    if home.feed is not None and home.feed_shown == "anchor":
        anchor = f'<p><a href="{home.feed}">Subscribe (RSS)</a></p>'
    if home.broken and front:
        text = (
            f"<html><head>{head}<body><div><nav><ul>{menu.replace('</li>', '')}<table><tr><td>{body}<p><b>"
            f"</div></i></td><a href='broken<<div class=\"x'>{anchor}<!-- never closed"
        )
        return Page(plain=text.encode())
    text = (
        f'<!DOCTYPE html><html lang="{home.language}"><head><meta charset="utf-8">{head}</head><body>'
        f"{_menu(home, menu)}<main>{body}</main>"
        f"<footer>{anchor}<p>© Anytown 2026</p></footer>{home.foot}</body></html>"
    )
    return Page(plain=text.encode())


def _menu(home: Home, items: str) -> str:
    if home.menu_tag == "nav":
        return f"<header><nav><ul>{items}</ul></nav></header>"
    return f'<{home.menu_tag} class="mega"><ul>{items}</ul></{home.menu_tag}>'


def _article_body(home: Home, story: Story) -> str:
    date = ""
    if home.dates == "time":
        date = f'<time datetime="{story.published.isoformat()}">{story.published:%d %B %Y}</time>'
    elif home.dates == "text":
        date = f'<p class="date">{story.published:%d/%m/%Y}</p>'
    text = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in story.paragraphs)
    return f"<article><h1>{escape(story.title)}</h1>{date}{text}</article>"


def _service_body(home: Home, name: str) -> str:
    sentences = _WORDS[home.language][2]
    return f"<h1>{escape(name)}</h1>" + "".join(f"<p>{sentence} {name}.</p>" for sentence in sentences[1:4])


def _teasers(built: Built, stories: Sequence[Story]) -> str:
    return "".join(
        f'<div class="teaser"><h3><a href="{escape(built.url(built.home.path(story)))}">{escape(story.title)}</a></h3>'
        f"<p>{escape(story.paragraphs[0][:90])}…</p></div>"
        for story in stories
    )


def _front_body(built: Built) -> str:
    return f"<h1>Anytown</h1>{_teasers(built, built.stories[: built.home.front])}"


def _build_listing(built: Built) -> None:
    home = built.home
    pages = [built.stories[at : at + home.per_page] for at in range(0, len(built.stories), home.per_page)]
    if home.turn is None:
        pages = [built.stories]
    addresses = [home.newsroom or "/", *((home.turn(n) if home.turn else "") for n in range(2, len(pages) + 1))]
    for number, stories in enumerate(pages):
        teasers = '<div id="app"></div>' if home.empty_listing else _teasers(built, stories)
        body = f"<h1>{escape(home.newsroom_name)}</h1>{teasers}"
        if home.turn and home.link_next:
            body += '<nav class="pager">' + "".join(
                f'<a href="{escape(built.url(address))}">{at + 1}</a> ' for at, address in enumerate(addresses)
            ) + "</nav>"  # fmt: skip
        built.put(built.url(addresses[number]), _html(built, home.newsroom_name, body))


def _feed(built: Built) -> Page:
    home = built.home
    items = []
    for story in built.stories[: home.feed_count]:
        path = home.path(story)
        link = (path if home.feed_relative else built.url(path)) + home.feed_suffix
        items.append((story.title, link, story.published))
    for number in range(home.feed_offsite):
        items.insert(2 * number + 1, (f"From a partner {number}", f"https://partner.example/story/{number}", NEWEST))
    if home.feed_kind == "json":
        found = [{"id": url, "url": url, "title": title, "date_published": when.isoformat(), "content_text": title}
                 for title, url, when in items]  # fmt: skip
        text = json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Anytown", "items": found})
        return Page(plain=text.encode(), media_type="application/feed+json")
    if home.feed_kind == "atom":
        entries = "".join(
            f'<entry><title>{escape(title)}</title><id>{escape(url)}</id><link href="{escape(url)}"/>'
            f"<updated>{when.isoformat()}</updated></entry>"
            for title, url, when in items
        )
        text = f'<?xml version="1.0"?><feed xmlns="{ATOM}"><title>Anytown</title><id>x</id>{entries}</feed>'
        return Page(plain=text.encode(), media_type="application/atom+xml")
    entries = "".join(
        f"<item><title>{escape(title)}</title><link>{escape(url)}</link><guid>{escape(url)}</guid>"
        f"<pubDate>{format_datetime(when)}</pubDate></item>"
        for title, url, when in items
    )
    text = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Anytown</title>{entries}</channel></rss>'
    return Page(plain=text.encode(), media_type="application/rss+xml")


def urlset(urls: dict[str, datetime | None], *, news: bool = False) -> str:
    """A sitemap of URLs with their dates; with ``news`` in the form for news."""
    name = "http://www.google.com/schemas/sitemap-news/0.9"
    entries = []
    for url, when in urls.items():
        date = f"<lastmod>{when.isoformat()}</lastmod>" if when and not news else ""
        if news and when:
            date = (
                "<n:news><n:publication><n:name>A</n:name><n:language>en</n:language></n:publication>"
                f"<n:publication_date>{when.isoformat()}</n:publication_date><n:title>t</n:title></n:news>"
            )
        entries.append(f"<url><loc>{escape(url)}</loc>{date}</url>")
    return (
        f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="{name}">'
        f"{''.join(entries)}</urlset>"
    )


def index(*urls: str) -> str:
    """A sitemap index."""
    entries = "".join(f"<sitemap><loc>{escape(url)}</loc></sitemap>" for url in urls)
    return (
        f'<?xml version="1.0"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}'
        f"</sitemapindex>"
    )


def _posts(built: Built) -> dict[str, datetime | None]:
    return {url: story.published for url, story in built.articles.items()}


def _all_pages(built: Built) -> dict[str, datetime | None]:
    listing = {built.url(built.home.newsroom): None} if built.home.newsroom else {}
    return {built.url("/"): None, **listing, **dict.fromkeys(built.services), **_posts(built)}


def _one(path: str) -> Callable[[Built], dict[str, str]]:
    return lambda built: {path: urlset(_all_pages(built))}


# ------------------------------------------------------------------ serving


@contextmanager
def serve(home: Home) -> Iterator[Built]:
    """A home on loopback while the context lasts."""
    with ExitStack() as stack:
        tables: tuple[dict[str, Page], dict[str, Page]] = ({}, {})
        missing = Page(plain=b"<!DOCTYPE html><title>Anytown</title><h1>Not here</h1><p>Try the search.</p>")
        sites = [
            stack.enter_context(WebSite(partial(_look_up, table, missing if home.catch_all else None)))
            for table in tables
        ]
        built = build(home, sites[0].home, sites[1].home)
        tables[0].update(built.pages)
        tables[1].update(built.news_pages)
        yield built


def _look_up(table: dict[str, Page], missing: Page | None, path: str) -> Page | None:
    return table.get(path, missing)


# ------------------------------------------------------------------ homes of families


def _generator(text: str) -> str:
    return f'<meta name="generator" content="{text}">'


OF_FAMILIES: tuple[Home, ...] = (
    Home(
        id="localgov-drupal",
        family="localgov-drupal",
        head=_generator("Drupal 10 (https://www.drupal.org)")
        + '<script src="/sites/default/files/js/js_localgov_base.js"></script>',
        path=lambda story: f"/news/{story.published.year}/{story.slug}",
        turn=lambda n: f"/news?page={n - 1}",
        sitemaps=_one("/sitemap.xml"),
        front=3,
    ),
    Home(
        id="jadu",
        family="jadu",
        head=_generator("Jadu Continuum"),
        path=lambda s: f"/news/article/{s.number % 900}/{s.slug.replace('-', '_')}",
        feed="/rss/news",
        feed_shown="newsroom",
        count=15,
        services=lambda name: f"/info/20001/{slug_of(name)}",
    ),
    Home(
        id="goss-icm",
        family="goss-icm",
        head=_generator("GOSS iCM"),
        count=15,
        path=lambda s: f"/article/{s.number}/{s.slug.title()}",
        services=lambda name: f"/article/{2000 + len(name)}/{slug_of(name).title()}",
        feed="/news?format=rss",
        feed_shown="newsroom",
        dates="text",
        sitemaps=_one("/sitemap.xml"),
    ),
    Home(
        id="umbraco",
        family="umbraco",
        path=lambda s: f"/news/{s.published.year}/{s.published:%B}/{s.slug}/".lower(),
        head='<link rel="stylesheet" href="/media/ab12cd34/site.css"><script src="/umbraco/lib/x.js"></script>',
        newsroom="/news/",
        turn=lambda n: f"/news/?page={n}",
        services=lambda name: f"/{slug_of(name)}/",
        front=3,
    ),
    Home(
        id="contensis",
        family="contensis",
        path=lambda s: f"/news/2026/{s.slug}.aspx",
        newsroom="/news",
        head='<link rel="stylesheet" href="/siteelements/css/main.css">',
        turn=lambda n: f"/news?page={n}",
        services=lambda name: f"/{slug_of(name)}/home.aspx",
        dates="text",
    ),
    Home(
        id="drupal",
        family="drupal",
        head=_generator("Drupal 11 (https://www.drupal.org)"),
        language="fr",
        country="fr",
        path=lambda s: f"/actualites/{s.slug}",
        newsroom="/actualites",
        newsroom_name="Actualités",
        turn=lambda n: f"/actualites?page={n - 1}",
        feed="/rss.xml",
        feed_count=10,
        five_lines={"newsroom": "/actualites"},
    ),
    Home(
        id="wordpress",
        family="wordpress",
        head=_generator("WordPress 6.8") + '<link rel="stylesheet" href="/wp-content/x.css">',
        path=lambda s: f"/{s.published:%Y/%m}/{s.slug}/",
        newsroom="/news/",
        turn=lambda n: f"/news/page/{n}/",
        feed="/feed/",
        feed_count=10,
        services=lambda name: f"/{slug_of(name)}/",
        robots="User-agent: *\nDisallow: /wp-admin/\nSitemap: {origin}/wp-sitemap.xml\n",
        sitemaps=lambda b: {
            "/wp-sitemap.xml": index(b.url("/wp-sitemap-posts-post-1.xml"), b.url("/wp-sitemap-posts-page-1.xml")),
            "/wp-sitemap-posts-post-1.xml": urlset(_posts(b)),
            "/wp-sitemap-posts-page-1.xml": urlset(dict.fromkeys(b.services)),
        },
    ),
    Home(
        id="wordpress-yoast",
        family="wordpress",
        head='<link rel="https://api.w.org/" href="/wp-json/">' + _generator("WordPress 6.7"),
        path=lambda s: f"/{s.slug}/",
        newsroom="/latest/",
        newsroom_name="Latest news",
        feed="/feed/",
        feed_count=10,
        services=lambda name: f"/{slug_of(name)}/",
        robots="User-agent: *\nDisallow: /wp-admin/\n\nSitemap: {origin}/sitemap_index.xml\n",
        sitemaps=lambda b: (
            {
                name: index(b.url("/post-sitemap.xml"), b.url("/page-sitemap.xml"), b.url("/category-sitemap.xml"))
                for name in ("/sitemap_index.xml", "/wp-sitemap.xml")
            }
            | {
                "/post-sitemap.xml": urlset(_posts(b)),
                "/page-sitemap.xml": urlset(dict.fromkeys(b.services)),
                "/category-sitemap.xml": urlset({b.url("/category/sport/"): None}),
            }
        ),
    ),
    Home(
        id="newsquest",
        family="newsquest",
        path=lambda s: f"/news/{24000000 + s.number}.{s.slug}/",
        feed="/news/rss/",
        count=20,
        feed_count=20,
        newsroom="/news/",
        services=lambda name: f"/{slug_of(name)}/",
        dates="json-ld",
        front=12,
        feed_shown="newsroom",
        foot="<p>Newsquest Media Group Ltd</p>",
        robots="User-agent: *\nCrawl-delay: 0.05\nDisallow: /search/\n",
    ),
    Home(
        id="reach",
        family="reach",
        path=lambda s: f"/news/local-news/{s.slug}-{33000000 + s.number}",
        feed="/news/?service=rss",
        count=25,
        feed_count=25,
        newsroom="/news/",
        services=lambda name: f"/all-about/{slug_of(name)}",
        dates="json-ld",
        front=12,
        head='<link rel="preconnect" href="https://s2-prod.example.co.uk">',
        robots="User-agent: *\nDisallow: /x\nSitemap: {origin}/map_news.xml\n",
        sitemaps=lambda b: {"/map_news.xml": urlset(_posts(b), news=True)},
    ),
    Home(
        id="govuk",
        family="govuk",
        start="/government/organisations/home-office",
        head='<meta name="govuk:content-id" content="x">',
        path=lambda s: f"/government/news/{s.slug}",
        newsroom="/search/news-and-communications",
        newsroom_name="News and communications",
        feed="/search/news-and-communications.atom?organisations%5B%5D=home-office",
        feed_kind="atom",
        count=20,
        feed_count=20,
        services=lambda name: f"/guidance/{slug_of(name)}",
    ),
    Home(
        id="parliament",
        family="parliament",
        start="/committee/17/housing-committee/",
        count=20,
        feed=None,
        path=lambda s: f"/committee/17/housing-committee/news/{s.number}/{s.slug}/",
        newsroom="/committee/17/housing-committee/news/",
        turn=lambda n: f"/committee/17/housing-committee/news/?page={n}",
        services=lambda name: f"/committee/17/housing-committee/{slug_of(name)}/",
    ),
    Home(
        id="arc",
        family="arc",
        path=lambda s: f"/news/local/{s.published:%Y/%m/%d}/{s.slug}/",
        head='<script src="/pf/dist/engine/react.js"></script>',
        feed="/arc/outboundfeeds/rss/?outputType=xml",
        dates="json-ld",
        front=12,
        newsroom="/news/",
        services=lambda name: f"/{slug_of(name)}/",
        robots="User-agent: *\nDisallow: /pf/api/\nSitemap: {origin}/arc/outboundfeeds/sitemap-news/?outputType=xml\n",
        sitemaps=lambda b: {"/arc/outboundfeeds/sitemap-news/?outputType=xml": urlset(_posts(b), news=True)},
        country="us",
    ),
    Home(
        id="typo3",
        family="typo3",
        language="de",
        country="de",
        head=_generator("TYPO3 CMS"),
        newsroom="/aktuelles",
        newsroom_name="Aktuelles",
        path=lambda s: f"/aktuelles/detail/{s.slug}",
        services=lambda name: f"/rathaus/{slug_of(name)}",
        turn=lambda n: f"/aktuelles/seite-{n}",
        sitemaps=lambda b: {
            "/sitemap.xml": index(
                b.url("/sitemap.xml?sitemap=pages&cHash=1"), b.url("/sitemap.xml?sitemap=news&cHash=2")
            ),
            "/sitemap.xml?sitemap=pages&cHash=1": urlset(dict.fromkeys(b.services)),
            "/sitemap.xml?sitemap=news&cHash=2": urlset(_posts(b)),
        },
        five_lines={"newsroom": "/aktuelles"},
        count=24,
        per_page=24,
    ),
    Home(
        id="sitepark",
        family="sitepark",
        language="de",
        country="de",
        head=_generator("Sitepark Information Enterprise Server - IES Generator"),
        path=lambda s: f"/aktuelles/meldungen/{s.slug}.php",
        newsroom="/aktuelles/",
        newsroom_name="Aktuelles",
        services=lambda n: f"/buergerservice/{slug_of(n)}.php",
        count=20,
        dates="text",
    ),
    Home(
        id="ibexa",
        family="ibexa",
        language="fr",
        country="fr",
        head=_generator("eZ Platform"),
        path=lambda s: f"/Actualites/{s.slug.capitalize()}",
        newsroom="/Actualites",
        newsroom_name="Actualités",
        turn=lambda n: f"/Actualites?page={n}",
        services=lambda n: f"/Services/{slug_of(n).capitalize()}",
        five_lines={"newsroom": "/Actualites"},
    ),
    Home(
        id="plone",
        family="plone",
        language="it",
        country="it",
        head=_generator("Plone - https://plone.org/"),
        path=lambda s: f"/notizie/{s.slug}",
        newsroom="/notizie",
        newsroom_name="Notizie",
        turn=lambda n: f"/notizie?b_start:int={20 * (n - 1)}",
        per_page=20,
        count=40,
        services=lambda n: f"/servizi/{slug_of(n)}",
        five_lines={"newsroom": "/notizie"},
        feed="/notizie/RSS",
        feed_shown="newsroom",
    ),
    Home(
        id="silverstripe",
        family="silverstripe",
        country="nz",
        head=_generator("Silverstripe CMS 5.2"),
        path=lambda s: f"/news/{s.slug}/",
        newsroom="/news/",
        turn=lambda n: f"/news/?start={10 * (n - 1)}",
        services=lambda n: f"/services/{slug_of(n)}/",
    ),
    Home(
        id="civicplus",
        family="civicplus",
        country="us",
        path=lambda s: f"/CivicAlerts.aspx?AID={s.number % 4000}",
        newsroom="/CivicAlerts.aspx",
        newsroom_name="News Flash",
        feed="/RSSFeed.aspx?ModID=1&CID=All-newsflash.xml",
        feed_shown="anchor",
        count=15,
        services=lambda n: f"/{200 + len(n)}/{slug_of(n).title()}",
        foot="<p>Government Websites by CivicPlus®</p>",
    ),
    Home(
        id="granicus",
        family="granicus",
        country="us",
        path=lambda s: f"/Home/Components/News/News/{s.number % 9000}/18",
        newsroom="/news",
        services=lambda n: f"/government/{slug_of(n)}",
        foot="<p>Created By Granicus</p>",
        count=20,
    ),
    Home(
        id="opencities",
        family="opencities",
        country="au",
        path=lambda s: f"/News/{s.slug.title()}",
        newsroom="/News",
        count=20,
        services=lambda n: f"/Services/{slug_of(n).title()}",
        head='<link rel="stylesheet" href="/oc-page-main-css.css">',
    ),
    Home(
        id="joomla",
        family="joomla",
        head=_generator("Joomla! - Open Source Content Management"),
        path=lambda s: f"/news/{s.number % 1000}-{s.slug}",
        feed="/news?format=feed&type=rss",
        feed_shown="newsroom",
        count=20,
        feed_count=10,
        turn=lambda n: f"/news?start={10 * (n - 1)}",
    ),
    Home(
        id="squarespace",
        family="squarespace",
        head='<script src="https://static1.squarespace.com/static/x.js"></script>',
        path=lambda s: f"/news/{s.slug}",
        feed="/news?format=rss",
        feed_count=20,
        count=20,
        sitemaps=_one("/sitemap.xml"),
        feed_shown="newsroom",
    ),
    Home(
        id="ghost",
        family="ghost",
        head=_generator("Ghost 5.9"),
        path=lambda s: f"/{s.slug}/",
        feed="/rss/",
        newsroom=None,
        front=15,
        services=lambda n: f"/{slug_of(n)}/",
        robots="User-agent: *\nSitemap: {origin}/sitemap.xml\nDisallow: /ghost/\n",
        sitemaps=lambda b: {
            "/sitemap.xml": index(b.url("/sitemap-pages.xml"), b.url("/sitemap-posts.xml")),
            "/sitemap-pages.xml": urlset(dict.fromkeys(b.services)),
            "/sitemap-posts.xml": urlset(_posts(b)),
        },
        dates="json-ld",
    ),
    Home(
        id="substack",
        family="substack",
        head='<link rel="preconnect" href="https://substackcdn.com">',
        path=lambda s: f"/p/{s.slug}",
        feed="/feed",
        newsroom="/archive",
        newsroom_name="Archive",
        dates="json-ld",
        sitemaps=_one("/sitemap.xml"),
        services=lambda n: f"/{slug_of(n)}",
    ),
    Home(
        id="wix",
        family="wix",
        head=_generator("Wix.com Website Builder"),
        path=lambda s: f"/post/{s.slug}",
        feed="/blog-feed.xml",
        newsroom="/blog",
        newsroom_name="Blog",
        sitemaps=lambda b: {
            "/blog-posts-sitemap.xml": urlset(_posts(b)),
            "/sitemap.xml": index(b.url("/blog-posts-sitemap.xml"), b.url("/pages-sitemap.xml")),
            "/pages-sitemap.xml": urlset(dict.fromkeys(b.services)),
        },
    ),
    Home(
        id="sitevision",
        family="sitevision",
        language="sv",
        country="se",
        head='<link rel="stylesheet" href="/sitevision/system-resource/x.css">',
        path=lambda s: f"/nyheter/nyheter/{s.published:%Y-%m-%d}-{s.slug}.html",
        newsroom="/nyheter.html",
        newsroom_name="Nyheter",
        count=20,
        services=lambda n: f"/{slug_of(n)}.html",
        five_lines={"newsroom": "/nyheter"},
    ),
)

# ------------------------------------------------------------------ homes that nothing was built for


def _sections(built: Built) -> dict[str, str]:
    groups = ("politics", "sport", "culture")
    return {
        f"/{group}": f"<h1>{group}</h1>" + _teasers(built, [s for s in built.stories if _section(s) == group])
        for group in groups
    } | {f"/{group}/{child}": f"<h1>{child}</h1>" for group, child in (("sport", "football"), ("culture", "film"))}


def _section(story: Story) -> str:
    return ("politics", "sport", "culture")[story.number % 3]


UNSEEN: tuple[Home, ...] = (
    Home(
        id="static-listing",
        path=lambda s: f"/news/{s.published:%Y-%m}-{s.slug}.html",
        newsroom="/news/index.html",
        services=lambda n: f"/{slug_of(n)}.html",
        dates="text",
        count=20,
        robots="",
    ),
    Home(
        id="odd-feed",
        path=lambda s: f"/read/{s.number}",
        feed="/syndicate/latest.xml",
        feed_shown="anchor",
        newsroom=None,
        count=15,
        front=8,
    ),
    Home(
        id="sitemap-only",
        path=lambda s: f"/stories/{s.number}-{s.slug}",
        newsroom=None,
        front=0,
        robots="User-agent: *\nDisallow:\nSitemap: {origin}/maps/site.xml\n",
        sitemaps=_one("/maps/site.xml"),
    ),
    Home(
        id="query-ids",
        path=lambda s: f"/story.php?id={s.number}",
        newsroom="/news.php",
        services=lambda n: f"/page.php?name={slug_of(n)}",
        count=20,
        dates="text",
    ),
    Home(
        id="date-paths",
        path=lambda s: f"/{s.published:%Y/%m/%d}/{s.slug}",
        feed="/index.atom",
        feed_kind="atom",
        newsroom="/archive",
        newsroom_name="Archive",
        count=15,
        feed_shown="anchor",
    ),
    Home(
        id="json-feed",
        path=lambda s: f"/posts/{s.slug}",
        feed="/feed.json",
        feed_kind="json",
        newsroom="/posts",
        newsroom_name="Posts",
        count=15,
    ),
    Home(
        id="news-host",
        path=lambda s: "{news}" + f"/{s.published.year}/{s.slug}",
        newsroom="{news}/",
        newsroom_name="Newsroom",
        two_hosts=True,
        feed="{news}/feed.xml",
        feed_shown="newsroom",
        count=15,
        front=3,
    ),
    Home(
        id="relative-feed",
        path=lambda s: f"/artikel/{s.slug}.html",
        language="de",
        country="de",
        newsroom="/nachrichten/",
        newsroom_name="Nachrichten",
        feed="/nachrichten/rss.xml",
        feed_relative=True,
        count=15,
    ),
    Home(id="broken-home", path=lambda s: f"/news/{s.slug}", feed="/rss", feed_shown="anchor", broken=True, count=15),
    Home(
        id="offsite-links",
        path=lambda s: f"/blog/{s.slug}/",
        feed="/blog/feed.xml",
        feed_offsite=7,
        newsroom="/blog/",
        newsroom_name="Blog",
        count=15,
    ),
    Home(
        id="section-fronts",
        path=lambda s: f"/{_section(s)}/{s.slug}",
        newsroom=None,
        more=_sections,
        front=12,
        sitemaps=lambda b: {"/sitemap.xml": urlset(_all_pages(b) | {b.url(path): None for path in _sections(b)})},
        services=lambda n: f"/about/{slug_of(n)}",
        dates="json-ld",
    ),
    Home(
        id="aspx",
        path=lambda s: f"/News/Article.aspx?ArticleID={s.number}&Page=1",
        newsroom="/News/Default.aspx",
        services=lambda n: f"/Pages/{slug_of(n)}.aspx",
        count=20,
        dates="text",
    ),
    Home(
        id="trailing-ids",
        path=lambda s: f"/local/{s.slug}-{8000000 + s.number}",
        feed="/rss/all",
        feed_shown="hidden",
        newsroom="/local",
        newsroom_name="Local news",
        sitemaps=lambda b: {"/news-sitemap.xml": urlset(_posts(b), news=True)},
        robots="User-agent: *\nSitemap: {origin}/news-sitemap.xml\n",
        dates="json-ld",
    ),
    Home(
        id="polish",
        language="pl",
        country="pl",
        path=lambda s: f"/aktualnosci/{s.slug},{s.number}.html",
        newsroom="/aktualnosci",
        newsroom_name="Aktualności",
        turn=lambda n: f"/aktualnosci/strona/{n}",
        services=lambda n: f"/dla-mieszkancow/{slug_of(n)}.html",
    ),
    Home(
        id="welsh",
        language="cy",
        path=lambda s: f"/newyddion/{s.slug}",
        newsroom="/newyddion",
        newsroom_name="Newyddion",
        feed="/newyddion/rss",
        feed_shown="hidden",
        count=15,
        services=lambda n: f"/cy/{slug_of(n)}",
    ),
    Home(
        id="spanish-press",
        language="es",
        country="es",
        path=lambda s: f"/noticias/municipio/{s.published:%Y%m%d}/{s.slug}-{s.number}.html",
        newsroom="/noticias",
        newsroom_name="Noticias",
        sitemaps=lambda b: {
            "/sitemap_index.xml": index(b.url("/sitemap_news.xml"), b.url("/sitemap_web.xml")),
            "/sitemap_news.xml": urlset(_posts(b), news=True),
            "/sitemap_web.xml": urlset(dict.fromkeys(b.services)),
        },
        robots="User-agent: *\nSitemap: {origin}/sitemap_index.xml\n",
        services=lambda n: f"/servicios/{slug_of(n)}.html",
    ),
    Home(
        id="italian-comune",
        language="it",
        country="it",
        path=lambda s: f"/it/novita/{s.slug}",
        newsroom="/it/novita",
        newsroom_name="Novità",
        turn=lambda n: f"/it/novita?pagina={n}",
        services=lambda n: f"/it/servizi/{slug_of(n)}",
        front=3,
    ),
    Home(
        id="dutch-index",
        language="nl",
        country="nl",
        path=lambda s: f"/nieuws/{s.published:%Y/%m}/{s.slug}",
        newsroom="/nieuws",
        newsroom_name="Nieuws",
        turn=lambda n: f"/nieuws/{n}",
        sitemaps=lambda b: {
            "/sitemap.xml": index(b.url("/sitemap/pagina.xml"), b.url("/sitemap/nieuws.xml")),
            "/sitemap/pagina.xml": urlset(dict.fromkeys(b.services)),
            "/sitemap/nieuws.xml": urlset(_posts(b)),
        },
    ),
    Home(
        id="flat-slugs",
        path=lambda s: f"/{s.slug}",
        feed="/rss.xml",
        newsroom="/news",
        sitemaps=_one("/sitemap.xml"),
        count=15,
        dates="json-ld",
    ),
    Home(
        id="swedish-listing",
        language="sv",
        country="se",
        path=lambda s: f"/aktuellt/nyheter/{s.slug}",
        newsroom="/aktuellt/nyheter",
        newsroom_name="Nyheter",
        turn=lambda n: f"/aktuellt/nyheter?sida={n}",
        link_next=True,
        services=lambda n: f"/aktuellt/{slug_of(n)}",
        dates="text",
    ),
)


def _opaque(story: Story) -> str:
    return f"a{story.number * 7919 % 46656 + 1679616:x}"


LATER: tuple[Home, ...] = (
    Home(
        id="two-forms",
        path=lambda s: f"/{'news' if s.number % 2 else 'blogs'}/{s.slug}",
        newsroom=None,
        feed="/updates.rss",
        feed_count=30,
        services=lambda n: f"/services/{slug_of(n)}",
    ),
    Home(
        id="opaque-ids",
        path=lambda s: f"/artikel/{_opaque(s)}",
        feed="/rss/nieuws",
        feed_shown="anchor",
        count=15,
        language="nl",
        newsroom="/overzicht",
    ),
    Home(
        id="numbers-html",
        path=lambda s: f"/{s.published:%Y/%m}/{s.number}.html",
        newsroom="/latest.html",
        newsroom_name="Latest",
        services=lambda n: f"/{slug_of(n)}.html",
        count=20,
        dates="text",
    ),
    Home(
        id="escaped-slugs",
        language="pl",
        country="pl",
        path=lambda s: f"/wiadomo%C5%9Bci/{s.slug.replace('a', '%C4%85', 1)}",
        newsroom="/wiadomo%C5%9Bci",
        newsroom_name="Wiadomości",
        count=20,
        services=lambda n: f"/{slug_of(n)}",
    ),
    Home(
        id="home-below",
        start="/council/en/",
        path=lambda s: f"/council/en/news/{s.slug}/",
        newsroom="/council/en/news/",
        turn=lambda n: f"/council/en/news/page-{n}/",
        services=lambda n: f"/council/en/{slug_of(n)}/",
    ),
    Home(
        id="plain-query",
        path=lambda s: f"/?p={s.number}",
        newsroom="/?cat=3",
        feed="/?feed=rss2",
        services=lambda n: f"/?page_id={len(n)}",
        count=15,
    ),
    Home(
        id="two-steps",
        path=lambda s: f"/media-centre/releases/{s.slug}",
        newsroom="/media-centre/releases",
        newsroom_name="Media centre",
        menu_link="/media-centre",
        more=lambda _: {
            "/media-centre": '<h1>Media centre</h1><p><a href="/media-centre/releases">Media releases</a></p>'
            '<p><a href="/media-centre/photos">Photographs</a></p>'
        },
        front=0,
        count=20,
    ),
    Home(
        id="tracked-feed",
        path=lambda s: f"/stories/{s.slug}",
        feed="/rss.xml",
        feed_suffix="?utm_source=rss&utm_medium=feed",
        count=15,
        newsroom="/stories",
        newsroom_name="Stories",
    ),
    Home(
        id="feed-forbidden",
        path=lambda s: f"/news/{s.slug}",
        feed="/feed/",
        robots="User-agent: *\nDisallow: /feed/\nSitemap: {origin}/sitemap.xml\n",
        sitemaps=_one("/sitemap.xml"),
    ),
    Home(
        id="empty-listing",
        path=lambda s: f"/news/{s.slug}",
        empty_listing=True,
        front=0,
        services=lambda n: f"/jobs-and-careers/{slug_of(n)}-in-the-borough",
        sitemaps=lambda b: {
            "/sitemap.xml": urlset(
                _all_pages(b) | {b.url(f"/whats-on/an-evening-of-music-number-{n}"): None for n in range(12)}
            )
        },
        more=lambda _: {
            f"/whats-on/an-evening-of-music-number-{n}": "<h1>Music</h1><p>Come along.</p>" for n in range(12)
        },
    ),
    Home(
        id="menu-in-div",
        menu_tag="div",
        path=lambda s: f"/newsroom/{s.published.year}/{s.slug}",
        newsroom="/newsroom",
        newsroom_name="Newsroom",
        services=lambda n: f"/services/how-to-ask-for-help-with-{slug_of(n)}",
        turn=lambda n: f"/newsroom?p={n}",
        front=2,
    ),
    Home(id="always-200", path=lambda s: f"/news/{s.slug}", catch_all=True, count=20),
    Home(
        id="long-archive",
        count=90,
        path=lambda s: f"/nieuwsbericht/{s.slug}",
        language="nl",
        country="nl",
        newsroom="/actueel",
        newsroom_name="Actueel",
        sitemaps=_one("/sitemap.xml"),
        feed="/actueel/rss",
        feed_shown="newsroom",
    ),
)

SCRIPTED = Home(
    id="script-only",
    path=lambda s: f"/n/{s.slug}",
    newsroom=None,
    front=0,
    service_count=0,
    count=3,
    head='<script src="/app.js"></script>',
)
"""A home that is drawn by script: it must be told as such, not guessed at."""
