# ruff: noqa: E501 - paragraphs stand on lines of their own
"""Invented articles in many languages, on pages as the systems of their countries write them.

`PAGES` are the words, `write_page` puts them into one of five anatomies.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Words:
    """What one page says."""

    language: str
    system: str  # wordpress, typo3, drupal, arc, django
    title: str
    standfirst: str
    text: tuple[str, ...]
    heading: str  # stands before the third paragraph
    author: str
    byline: str
    day: str  # as readers see it
    date: str
    caption: str
    newsletter: str
    related: tuple[str, str]  # the box's heading and a title
    share: str
    cookies: str
    footer: str
    rtl: bool = False

    @property
    def truth(self) -> str:
        """The lines of the text."""
        return "\n".join([self.standfirst, *self.text[:2], self.heading, *self.text[2:]])


def write_page(words: Words) -> str:
    """A page of HTML."""
    return _WRITERS[words.system](words)


def _head(words: Words, site: str, more: str = "") -> str:
    direction = ' dir="rtl"' if words.rtl else ""
    return (
        f'<!doctype html><html lang="{words.language}"{direction}><head><meta charset="utf-8">'
        f"<title>{escape(words.title)} - {site}</title>"
        f'<meta name="description" content="{escape(words.standfirst)}">{more}</head>'
    )


def _paragraphs(words: Words) -> str:
    lines = [f"<p>{escape(line)}</p>" for line in words.text]
    return "\n".join([*lines[:2], f"<h2>{escape(words.heading)}</h2>", *lines[2:]])


def _links(words: Words) -> str:
    title = escape(words.related[1])
    return "".join(f'<li><a href="/{number}">{title} {number}</a></li>' for number in range(1, 5))


def _wordpress(words: Words) -> str:
    return f"""{_head(words, "Gazeta", f'<meta property="article:published_time" content="{words.date}T09:15:00+00:00">')}
<body class="post-template-default single single-post postid-21"><header id="masthead" class="site-header">
<p class="site-title"><a href="/">Gazeta</a></p><nav><ul>{_links(words)}</ul></nav></header>
<main id="main"><article id="post-21" class="post-21 post type-post status-publish hentry category-news tag-town">
<header class="entry-header"><h1 class="entry-title">{escape(words.title)}</h1><div class="entry-meta">
<span class="posted-on"><time class="entry-date" datetime="{words.date}T09:15:00+00:00">{escape(words.day)}</time></span>
<span class="byline">{escape(words.byline)}</span></div></header>
<div class="entry-content"><p class="lead"><strong>{escape(words.standfirst)}</strong></p>
<figure class="wp-block-image"><img src="/a.jpg" alt=""><figcaption>{escape(words.caption)}</figcaption></figure>
{_paragraphs(words)}
<div class="wp-block-group newsletter-box"><p>{escape(words.newsletter)}</p></div>
<div class="sharedaddy"><h3 class="sd-title">{escape(words.share)}</h3><ul><li><a href="#">Facebook</a></li></ul></div>
</div></article></main><aside class="widget-area"><h2>{escape(words.related[0])}</h2><ul>{_links(words)}</ul></aside>
<footer id="colophon"><p>{escape(words.footer)}</p></footer>
<div id="cookie-law-info-bar"><span>{escape(words.cookies)}</span></div></body></html>"""


def _typo3(words: Words) -> str:
    return f"""{_head(words, "Portal")}<body><div id="page"><div class="header-wrap"><a href="/">Portal</a></div>
<div id="content"><div class="news news-single"><div class="article" itemscope itemtype="http://schema.org/Article">
<div class="news-list-date"><time itemprop="datePublished" datetime="{words.date}">{escape(words.day)}</time></div>
<h1 itemprop="headline">{escape(words.title)}</h1><div class="teaser-text" itemprop="description">
<p>{escape(words.standfirst)}</p></div><div class="news-img-wrap"><div class="outer"><div class="mediaelement">
<img src="/b.jpg" alt=""></div></div><p class="news-img-caption">{escape(words.caption)}</p></div>
<div class="news-text-wrap" itemprop="articleBody">{_paragraphs(words)}</div>
<p class="author" itemprop="author" itemscope itemtype="http://schema.org/Person">
<span itemprop="name">{escape(words.author)}</span></p></div>
<div class="shariff"><span>{escape(words.share)}</span><ul><li><a href="#">E-Mail</a></li></ul></div>
<div class="news-related-wrap"><h4>{escape(words.related[0])}</h4><ul>{_links(words)}</ul></div></div></div>
<div class="frame newsletter"><p>{escape(words.newsletter)}</p></div><div class="footer"><p>{escape(words.footer)}</p>
</div></div><div class="cookie-consent"><p>{escape(words.cookies)}</p></div></body></html>"""


def _drupal(words: Words) -> str:
    return f"""{_head(words, "Info")}<body class="path-node page-node-type-article"><div class="dialog-off-canvas-main-canvas">
<header role="banner"><a href="/">Info</a></header><main role="main"><div class="region region-content">
<h1 class="page-title"><span class="field field--name-title">{escape(words.title)}</span></h1>
<article role="article" class="node node--type-article node--promoted node--view-mode-full">
<footer class="node__meta"><div class="node__submitted"><span>{escape(words.byline)}</span>, {escape(words.day)}</div></footer>
<div class="node__content"><div class="field field--name-field-intro"><p>{escape(words.standfirst)}</p></div>
<div class="field field--name-field-image"><img src="/c.jpg" alt=""><blockquote class="image-field-caption">
<p>{escape(words.caption)}</p></blockquote></div>
<div class="clearfix text-formatted field field--name-body field--type-text-with-summary">{_paragraphs(words)}</div>
<div class="addtoany_list">{escape(words.share)} <a href="#">Facebook</a></div></div></article>
<div class="views-element-container block block-related"><h2>{escape(words.related[0])}</h2><ul>{_links(words)}</ul></div>
</div></main><div class="block simplenews-subscribe"><p>{escape(words.newsletter)}</p></div>
<footer role="contentinfo"><p>{escape(words.footer)}</p></footer></div>
<div id="sliding-popup" class="eu-cookie-compliance-banner"><p>{escape(words.cookies)}</p></div></body></html>"""


def _arc(words: Words) -> str:
    data = (
        '<script type="application/ld+json">{"@context":"https://schema.org","@type":"NewsArticle",'
        f'"headline":"{words.title}","datePublished":"{words.date}T09:15:00Z",'
        f'"author":[{{"@type":"Person","name":"{words.author}"}}]}}</script>'
    )
    return f"""{_head(words, "Diario", data)}<body><div id="fusion-app"><header class="c-header">
<a href="/">Diario</a></header><section class="c-layout"><h1 class="b-headline">{escape(words.title)}</h1>
<h2 class="b-subheadline">{escape(words.standfirst)}</h2><div class="b-byline"><span class="b-byline__names">{escape(words.byline)}</span>
<time class="b-date" datetime="{words.date}T09:15:00Z">{escape(words.day)}</time></div>
<figure class="c-media-item"><img src="/d.jpg" alt=""><figcaption class="c-media-item__caption">{escape(words.caption)}</figcaption>
</figure><article class="b-article-body">{_paragraphs(words).replace("<h2>", '</article><article class="b-article-body"><h2>')}
<div class="b-newsletter-promo"><p>{escape(words.newsletter)}</p></div></article>
<div class="b-social-share"><span>{escape(words.share)}</span></div>
<div class="b-results-list"><h3>{escape(words.related[0])}</h3><ul>{_links(words)}</ul></div></section>
<footer class="c-footer"><p>{escape(words.footer)}</p></footer></div>
<div class="c-consent"><p>{escape(words.cookies)}</p></div></body></html>"""


def _django(words: Words) -> str:
    return f"""{_head(words, "News", f'<meta property="og:title" content="{escape(words.title)}">')}<body><div class="wrap">
<div class="top"><a href="/">News</a> <a href="/all">{escape(words.related[0])}</a></div><div class="col-8 detail">
<h1>{escape(words.title)}</h1><div class="info"><span class="author">{escape(words.byline)}</span> |
<span class="date">{escape(words.day)}</span></div><div class="summary">{escape(words.standfirst)}</div>
<div class="pic"><img src="/e.jpg" alt=""><span class="caption">{escape(words.caption)}</span></div>
<div class="detail-body">{_paragraphs(words)}</div><div class="subscribe-box"><p>{escape(words.newsletter)}</p></div>
<div class="share">{escape(words.share)}</div></div><div class="col-4 side"><h3>{escape(words.related[0])}</h3>
<ul>{_links(words)}</ul></div><div class="bottom">{escape(words.footer)}</div>
<div class="cookie-bar">{escape(words.cookies)}</div></div></body></html>"""


_WRITERS: Final = {"wordpress": _wordpress, "typo3": _typo3, "drupal": _drupal, "arc": _arc, "django": _django}


def _page(language: str, system: str, date: str, lines: str, *, rtl: bool = False) -> Words:
    """Words in the order of a page, a line each."""
    title, standfirst, one, two, heading, three, four, author, byline, day, caption, letter, more, other, *rest = (
        line.strip() for line in lines.strip().split("\n")
    )
    share, cookies, footer = rest
    return Words(
        language=language,
        system=system,
        title=title,
        standfirst=standfirst,
        text=(one, two, three, four),
        heading=heading,
        author=author,
        byline=byline,
        day=day,
        date=date,
        caption=caption,
        newsletter=letter,
        related=(more, other),
        share=share,
        cookies=cookies,
        footer=footer,
        rtl=rtl,
    )


PAGES: Final = (
    _page(
        "cy",
        "wordpress",
        "2026-03-12",
        """
        Pont y pentref i ailagor cyn yr haf
        Bydd pont droed Llanfedw yn ailagor ym mis Mai ar ôl dwy flynedd o waith atgyweirio.
        Dywedodd y cyngor sir fod y gwaith wedi costio mwy na'r disgwyl oherwydd y llifogydd a ddaeth yn yr hydref.
        Mae trigolion wedi gorfod cerdded tair milltir i gyrraedd yr ysgol, ac roedd llawer ohonynt yn anfodlon iawn.
        Cost y gwaith
        Yn ôl y peiriannydd, cafodd y pileri eu hailadeiladu o garreg leol, ac mae'r canllawiau newydd yn gryfach o lawer.
        Bydd seremoni fach ar lan yr afon ar y dydd Sadwrn cyntaf, gyda chôr yr ysgol yn canu i'r gynulleidfa.
        Elin Morys
        gan Elin Morys
        12 Mawrth 2026
        Y bont droed ger y felin. Llun: Gwyn Huws
        Tanysgrifiwch i'n cylchlythyr a chael y newyddion bob bore.
        Mwy o newyddion
        Arian newydd i'r neuadd bentref
        Rhannwch hyn
        Rydym yn defnyddio cwcis i wella eich profiad ar y wefan hon.
        Hawlfraint Gazeta 2026. Cedwir pob hawl.
        """,
    ),
    _page(
        "ga",
        "drupal",
        "2026-03-12",
        """
        Leabharlann nua le hoscailt sa bhaile mór
        Osclófar leabharlann nua i lár an bhaile i mí Mheán Fómhair, a dúirt an chomhairle contae.
        Tá an foirgneamh á thógáil ar láthair an tseanmhargaidh, áit a raibh carrchlós ar feadh tríocha bliain anuas.
        Dúirt an leabharlannaí go mbeidh níos mó leabhar Gaeilge ar fáil ann ná in aon leabharlann eile sa chúige.
        An costas
        Cosnóidh an obair ceithre mhilliún euro, agus tagann leath den airgead sin ó chiste náisiúnta don chultúr.
        Beidh seomra ciúin ann do mhic léinn, agus cuirfear ranganna ríomhaireachta ar siúl gach tráthnóna Luain.
        Máire Ní Bhriain
        le Máire Ní Bhriain
        12 Márta 2026
        An seanmhargadh sular leagadh é. Grianghraf: Liam Ó Sé
        Cláraigh dár nuachtlitir agus faigh an scéal is déanaí gach maidin.
        Scéalta eile
        Bóthar dúnta arís
        Roinn an scéal seo
        Úsáideann an suíomh seo fianáin chun do thaithí a fheabhsú.
        Cóipcheart Info 2026. Gach ceart ar cosaint.
        """,
    ),
    _page(
        "de",
        "typo3",
        "2026-03-12",
        """
        Stadtrat stimmt für den Umbau des alten Hallenbads
        Nach drei Jahren Streit ist die Entscheidung gefallen: Das Hallenbad wird saniert und nicht abgerissen.
        Am Dienstagabend stimmten 28 der 41 Ratsmitglieder für den Vorschlag der Verwaltung, der zwölf Millionen Euro vorsieht.
        Die Bürgermeisterin sprach von einem guten Tag für die Schulen, deren Schwimmunterricht seit 2023 ausfällt.
        Kritik aus der Opposition
        Der Vorsitzende der Gegner nannte die Rechnung unseriös, weil die Preise für Beton und Stahl weiter steigen würden.
        Die Arbeiten sollen im Herbst beginnen und bis zum Frühjahr 2029 dauern; so lange bleibt das Becken geschlossen.
        Jana Petersen
        Von Jana Petersen
        12. März 2026
        Das Hallenbad am Mühlenteich ist seit drei Jahren geschlossen. Foto: Uwe Brandt
        Abonnieren Sie unseren Newsletter und erhalten Sie jeden Morgen die wichtigsten Nachrichten.
        Das könnte Sie auch interessieren
        Neue Radwege in der Altstadt
        Artikel teilen
        Wir verwenden Cookies, um Ihnen das beste Erlebnis auf unserer Webseite zu bieten.
        © 2026 Portal Verlag. Alle Rechte vorbehalten. Impressum
        """,
    ),
    _page(
        "fr",
        "wordpress",
        "2026-03-12",
        """
        La vieille halle du marché rouvrira à la rentrée
        Fermée depuis un incendie en 2024, la halle accueillera de nouveau quarante commerçants à partir de septembre.
        Le conseil municipal a adopté mardi soir un budget de six millions d'euros pour refaire la charpente et la verrière.
        Les commerçants, installés depuis deux ans sur le parking de la gare, disent avoir perdu un tiers de leur clientèle.
        Un chantier retardé
        Selon l'architecte, la découverte d'une cave médiévale sous la dalle a retardé les travaux de près de huit mois.
        Une fête est prévue le premier samedi de septembre, avec un banquet et un concert de l'harmonie municipale.
        Claire Daubigny
        Par Claire Daubigny
        Publié le 12 mars 2026 à 10h15
        La halle après l'incendie de 2024. Photo Hugo Lenoir
        Inscrivez-vous à notre newsletter et recevez chaque matin l'essentiel de l'actualité.
        À lire aussi
        Le tramway prolongé vers le nord
        Partager cet article
        Nous utilisons des cookies pour améliorer votre expérience sur ce site.
        © 2026 Gazeta. Tous droits réservés. Mentions légales
        """,
    ),
    _page(
        "es",
        "arc",
        "2026-03-12",
        """
        El ayuntamiento compra el antiguo cine para hacer una biblioteca
        El edificio, cerrado desde 2009, costará tres millones y abrirá como biblioteca dentro de dos años.
        El pleno aprobó el jueves la compra con los votos de todos los grupos menos uno, que pidió gastar menos en la reforma.
        La alcaldesa recordó que el barrio no tiene ninguna sala de lectura y que los estudiantes ocupan las cafeterías.
        Un edificio protegido
        La fachada, obra de un arquitecto local, está protegida y se conservará tal como era en el año de su inauguración.
        Los vecinos celebraron la noticia, aunque algunos temen que las obras corten la calle durante los meses de verano.
        Lucía Ferrán
        Por Lucía Ferrán
        12 de marzo de 2026
        La fachada del antiguo cine, en una imagen de archivo. Foto: Pablo Rueda
        Suscríbete a nuestro boletín y recibe cada mañana las noticias más importantes.
        Te puede interesar
        Cortes de tráfico en el centro
        Compartir
        Utilizamos cookies para mejorar su experiencia de navegación.
        © 2026 Diario. Todos los derechos reservados. Aviso legal
        """,
    ),
    _page(
        "it",
        "wordpress",
        "2026-03-12",
        """
        Il vecchio mulino diventa un museo del pane
        Il comune ha trovato i fondi: il mulino sul fiume aprirà come museo nella primavera del prossimo anno.
        La giunta ha approvato mercoledì il progetto, che costa due milioni e prevede una sala per le scuole e un forno.
        Il sindaco ha spiegato che metà del denaro arriva dalla regione e il resto da una fondazione bancaria della provincia.
        Le macchine di una volta
        Le macine, ferme dal 1968, saranno rimesse in funzione da due artigiani che ne hanno già restaurate altre in valle.
        I residenti chiedono però un parcheggio, perché la strada che porta al fiume è stretta e spesso chiusa per le piene.
        Giulia Ferrante
        di Giulia Ferrante
        12 marzo 2026
        Il mulino visto dal ponte. Foto di Marco Sala
        Iscriviti alla nostra newsletter per ricevere ogni mattina le notizie principali.
        Leggi anche
        Nuovi autobus per la collina
        Condividi
        Questo sito utilizza i cookie per migliorare la tua esperienza.
        © 2026 Gazeta. Tutti i diritti riservati.
        """,
    ),
    _page(
        "pl",
        "drupal",
        "2026-03-12",
        """
        Stary dworzec zostanie wyremontowany do jesieni
        Miasto przejęło budynek od kolei i zapowiada otwarcie poczekalni oraz czytelni jeszcze w tym roku.
        Radni zgodzili się w środę na wydanie ośmiu milionów złotych, choć część z nich chciała najpierw poznać opinię mieszkańców.
        Burmistrz podkreślił, że z dworca korzysta codziennie ponad dwa tysiące osób, a dach przecieka od wielu lat.
        Pieniądze z województwa
        Połowę kosztów pokryje województwo, a resztę miasto zapłaci z pieniędzy odłożonych po sprzedaży dawnych koszar.
        Podróżni obawiają się, że w czasie prac kasy będą zamknięte, więc kolej obiecała dodatkowy automat przy wejściu.
        Anna Wilczek
        Autor: Anna Wilczek
        12 marca 2026
        Dworzec od strony peronów. Fot. Piotr Lis
        Zapisz się do naszego newslettera i otrzymuj codziennie najważniejsze wiadomości.
        Zobacz także
        Nowa linia autobusowa na osiedle
        Udostępnij
        Ta strona używa plików cookie, aby zapewnić najlepszą jakość usług.
        © 2026 Info. Wszelkie prawa zastrzeżone.
        """,
    ),
    _page(
        "sv",
        "arc",
        "2026-03-12",
        """
        Kommunen räddar den gamla simhallen
        Efter lång debatt beslutade fullmäktige att simhallen ska byggas om i stället för att rivas.
        Beslutet fattades sent på måndagskvällen med stor majoritet, och arbetet beräknas kosta nittio miljoner kronor.
        Ordföranden i nämnden sade att skolorna har väntat länge nog och att barnen måste få lära sig att simma.
        Stängt i två år
        Bassängen tömdes för två år sedan när en besiktning visade sprickor i betongen, och sedan dess har den stått tom.
        Enligt planen öppnar hallen igen hösten 2028, och då ska det också finnas en varm bassäng för de minsta.
        Karin Lindell
        Av Karin Lindell
        12 mars 2026
        Simhallen har stått tom i två år. Foto: Nils Berg
        Prenumerera på vårt nyhetsbrev och få nyheterna varje morgon.
        Läs också
        Ny bro över ån
        Dela artikeln
        Vi använder kakor för att förbättra din upplevelse på webbplatsen.
        © 2026 Diario. Ansvarig utgivare: Karin Lindell
        """,
    ),
    _page(
        "fi",
        "django",
        "2026-03-12",
        """
        Vanha kirjasto saa uuden katon ennen talvea
        Kaupunki aloittaa kirjaston korjaukset toukokuussa, ja talo on kiinni lokakuun loppuun asti.
        Valtuusto hyväksyi maanantaina kahden miljoonan euron määrärahan, vaikka osa valtuutetuista olisi halunnut odottaa vielä vuoden.
        Kirjastonjohtaja sanoi, että vesi on tippunut lukusaliin jo kolmena syksynä ja että kirjoja on jouduttu siirtämään.
        Väistötilat koululla
        Korjausten ajaksi lainaustoiminta siirtyy entiselle koululle, jossa on tilaa noin puolelle kokoelmasta.
        Asukkaat ovat toivoneet myös hissiä, mutta sen rakentaminen siirtyy suunnitelman mukaan seuraavalle vuodelle.
        Outi Salmela
        Outi Salmela
        12.3.2026
        Kirjasto valmistui vuonna 1912. Kuva: Antti Koski
        Tilaa uutiskirje ja saat tärkeimmät uutiset joka aamu sähköpostiisi.
        Lue myös
        Uusi silta joen yli
        Jaa artikkeli
        Käytämme evästeitä parantaaksemme käyttökokemustasi sivustolla.
        © 2026 News. Kaikki oikeudet pidätetään.
        """,
    ),
    _page(
        "el",
        "wordpress",
        "2026-03-12",
        """
        Ανοίγει ξανά η παλιά δημοτική αγορά
        Μετά από τρία χρόνια εργασιών η δημοτική αγορά υποδέχεται και πάλι τους εμπόρους της πόλης.
        Ο δήμος ανακοίνωσε την Τρίτη ότι τα έργα ολοκληρώθηκαν και ότι σαράντα καταστήματα θα λειτουργήσουν από τον Μάιο.
        Οι έμποροι, που εργάζονταν προσωρινά στο λιμάνι, λένε ότι έχασαν το ένα τρίτο των πελατών τους σε αυτό το διάστημα.
        Το κόστος των εργασιών
        Σύμφωνα με τον μηχανικό, η στέγη ξαναχτίστηκε με ξύλο από την περιοχή και κόστισε τέσσερα εκατομμύρια ευρώ.
        Στα εγκαίνια θα παίξει η φιλαρμονική του δήμου, ενώ οι κάτοικοι θα μπορούν να δουν μια έκθεση παλιών φωτογραφιών.
        Ελένη Μακρή
        της Ελένης Μακρή
        12 Μαρτίου 2026
        Η αγορά πριν από τα έργα. Φωτογραφία: Νίκος Βλάχος
        Εγγραφείτε στο ενημερωτικό μας δελτίο και λάβετε τα νέα κάθε πρωί.
        Διαβάστε επίσης
        Νέα δρομολόγια λεωφορείων
        Κοινοποίηση
        Χρησιμοποιούμε cookies για να βελτιώσουμε την εμπειρία σας.
        © 2026 Gazeta. Με επιφύλαξη παντός δικαιώματος.
        """,
    ),
    _page(
        "uk",
        "django",
        "2026-03-12",
        """
        Стару бібліотеку відремонтують до осені
        Міська рада виділила гроші на ремонт бібліотеки, яка стоїть зачинена вже третій рік поспіль.
        За рішення проголосували майже всі депутати, хоча дехто пропонував спершу полагодити дах сусідньої школи.
        Директорка розповіла, що книжки весь цей час зберігали у підвалі, і частина з них постраждала від вологи.
        Гроші та строки
        Роботи коштуватимуть одинадцять мільйонів гривень, половину цієї суми надасть обласний бюджет уже навесні.
        Мешканці просять також зробити пандус, адже літнім людям і батькам з візками важко підніматися сходами.
        Олена Кравчук
        Олена Кравчук
        12 березня 2026
        Бібліотека на площі. Фото: Іван Лис
        Підпишіться на нашу розсилку та отримуйте головні новини щоранку.
        Читайте також
        Новий маршрут тролейбуса
        Поділитися
        Ми використовуємо файли cookie, щоб покращити роботу сайту.
        © 2026 News. Усі права захищено.
        """,
    ),
    _page(
        "ar",
        "drupal",
        "2026-03-12",
        """
        البلدية تعيد فتح السوق القديم قبل الصيف
        أعلنت البلدية أن السوق القديم سيفتح أبوابه من جديد في شهر مايو بعد عامين من الترميم.
        وقال رئيس البلدية إن أعمال الترميم كلفت أكثر مما كان متوقعا بسبب الأمطار الغزيرة التي هطلت في الخريف الماضي.
        وأضاف أن أربعين تاجرا سيعودون إلى محلاتهم، وأن الإيجارات ستبقى كما كانت عليه قبل الإغلاق لمدة ثلاث سنوات.
        تكلفة المشروع
        وبحسب المهندس المشرف فإن السقف الخشبي أعيد بناؤه على أيدي حرفيين من المدينة وفق الطريقة التقليدية.
        ويخشى بعض السكان من الازدحام في الشوارع الضيقة، ولذلك وعدت البلدية بإنشاء موقف للسيارات خلف المحطة.
        ليلى حداد
        بقلم ليلى حداد
        12 مارس 2026
        السوق القديم قبل الترميم. تصوير: سامي نصر
        اشترك في نشرتنا البريدية لتصلك أهم الأخبار كل صباح.
        اقرأ أيضا
        خط حافلات جديد إلى الجامعة
        شارك المقال
        نستخدم ملفات تعريف الارتباط لتحسين تجربتك على الموقع.
        جميع الحقوق محفوظة © 2026
        """,
        rtl=True,
    ),
    _page(
        "he",
        "wordpress",
        "2026-03-12",
        """
        הספרייה הישנה תיפתח מחדש לפני הקיץ
        אחרי שנתיים של שיפוצים תיפתח הספרייה העירונית מחדש בחודש מאי, כך הודיעה העירייה.
        ראש העירייה אמרה שהעבודות עלו יותר מהצפוי בגלל הגשמים הכבדים שירדו בסתיו ובגלל מחירי העץ שעלו מאוד.
        התושבים נאלצו לנסוע עד העיר השכנה כדי לשאול ספרים, ורבים מהם התלוננו על כך במכתבים למועצה.
        עלות העבודות
        לפי המהנדס, הגג נבנה מחדש על ידי אומנים מקומיים, והחלונות הוחלפו בחלונות חדשים ששומרים על החום בחורף.
        בטקס הפתיחה תנגן תזמורת בית הספר, והמבקרים יוכלו לראות תערוכה של תצלומים ישנים מן השכונה.
        נועה ברק
        מאת נועה ברק
        12 במרץ 2026
        הספרייה לפני השיפוץ. צילום: דן לביא
        הירשמו לניוזלטר שלנו וקבלו את החדשות בכל בוקר.
        כתבות נוספות
        קו אוטובוס חדש לאוניברסיטה
        שתפו
        אתר זה משתמש בעוגיות כדי לשפר את חוויית הגלישה.
        כל הזכויות שמורות © 2026
        """,
        rtl=True,
    ),
    _page(
        "hi",
        "django",
        "2026-03-12",
        """
        पुराना पुस्तकालय गर्मियों से पहले फिर खुलेगा
        नगर निगम ने कहा है कि दो साल की मरम्मत के बाद पुस्तकालय मई में फिर से खोल दिया जाएगा।
        महापौर ने मंगलवार को बताया कि पिछले साल की भारी बारिश के कारण मरम्मत का खर्च अनुमान से कहीं अधिक हो गया।
        छात्रों को किताबें लेने के लिए दूसरे शहर जाना पड़ता था, और उन्होंने कई बार निगम से इसकी शिकायत की थी।
        काम पर खर्च
        अभियंता के अनुसार छत को स्थानीय कारीगरों ने दोबारा बनाया है और खिड़कियों में नया काँच लगाया गया है।
        उद्घाटन के दिन बच्चों के लिए कहानी सुनाने का कार्यक्रम होगा और पुरानी तस्वीरों की प्रदर्शनी भी लगेगी।
        अनिता शर्मा
        अनिता शर्मा
        12 मार्च 2026
        मरम्मत से पहले पुस्तकालय। फोटो: रवि वर्मा
        हमारे न्यूज़लेटर की सदस्यता लें और हर सुबह मुख्य समाचार पाएँ।
        यह भी पढ़ें
        विश्वविद्यालय के लिए नई बस सेवा
        शेयर करें
        यह वेबसाइट आपके अनुभव को बेहतर बनाने के लिए कुकीज़ का उपयोग करती है।
        © 2026 सर्वाधिकार सुरक्षित
        """,
    ),
    _page(
        "ja",
        "wordpress",
        "2026-03-12",
        """
        市立図書館、夏前に再開へ 二年間の改修終える
        市は、改修のため閉まっていた図書館を五月に再び開くと発表した。工事には二年かかった。
        市長は火曜日の会見で、昨年秋の大雨のために工事費が見込みよりも大きく膨らんだと説明した。総額は四億円になる。
        学生たちは本を借りるために隣の市まで通わなければならず、市議会には早い再開を求める声が何度も届いていた。
        工事の中身
        担当の技師によると、屋根は地元の大工が昔ながらの方法で組み直し、窓には熱を逃がさないガラスを入れたという。
        再開の日には読み聞かせの会が開かれ、町の古い写真の展示もある。駐車場は駅の裏に新しく作られる予定だ。
        佐藤美咲
        佐藤美咲
        2026年3月12日
        改修前の図書館(撮影・田中健)
        メールマガジンに登録すると、毎朝主なニュースが届きます。
        関連記事
        大学行きの新しいバス路線
        この記事をシェア
        このサイトではクッキーを使用しています。
        © 2026 無断転載を禁じます
        """,
    ),
    _page(
        "zh",
        "django",
        "2026-03-12",
        """
        市图书馆将在夏天之前重新开放
        市政府宣布,关闭两年进行修缮的图书馆将于五月重新向市民开放。
        市长在星期二的发布会上表示,由于去年秋天连续大雨,修缮费用比原先估计的高出许多,总额达到三千万元。
        学生们这两年不得不到邻近的城市去借书,市议会曾多次收到要求尽快开放图书馆的来信。
        工程内容
        据负责工程的技师介绍,屋顶由本地木匠按照传统方法重新搭建,窗户也换上了能够保温的新玻璃。
        开放当天将举行讲故事活动,还会展出城区的老照片。车站后面也将新建一座停车场,方便读者前来。
        王丽华
        记者 王丽华
        2026年3月12日
        修缮前的图书馆。摄影:李强
        订阅我们的电子报,每天早上收到重要新闻。
        相关新闻
        通往大学的新公交线路
        分享
        本网站使用Cookie以改善您的体验。
        © 2026 版权所有
        """,
    ),
    _page(
        "ko",
        "django",
        "2026-03-12",
        """
        시립도서관, 여름 전에 다시 문 연다
        시는 보수 공사로 이 년 동안 닫혀 있던 도서관을 오월에 다시 연다고 밝혔다.
        시장은 화요일 기자회견에서 지난해 가을의 큰비 때문에 공사비가 예상보다 훨씬 많이 들었다고 설명했다.
        학생들은 책을 빌리려고 이웃 도시까지 가야 했고, 시의회에는 빨리 열어 달라는 편지가 여러 번 도착했다.
        공사 내용
        담당 기사에 따르면 지붕은 지역 목수들이 전통 방식으로 다시 지었고 창에는 열을 지키는 유리를 끼웠다.
        다시 여는 날에는 이야기 모임이 열리고 동네의 옛 사진도 전시되며, 역 뒤에는 새 주차장이 만들어질 예정이다.
        김민지
        김민지 기자
        2026년 3월 12일
        공사 전의 도서관. 사진=박준호
        뉴스레터를 구독하고 매일 아침 주요 소식을 받아 보세요.
        관련 기사
        대학교로 가는 새 버스 노선
        공유하기
        이 사이트는 쿠키를 사용합니다.
        © 2026 무단 전재 및 재배포 금지
        """,
    ),
    _page(
        "th",
        "wordpress",
        "2026-03-12",
        """
        ห้องสมุดเก่าจะเปิดอีกครั้งก่อนฤดูฝน
        เทศบาลประกาศว่าห้องสมุดที่ปิดซ่อมมาสองปีจะเปิดให้ประชาชนใช้อีกครั้งในเดือนพฤษภาคม
        นายกเทศมนตรีกล่าวเมื่อวันอังคารว่าค่าซ่อมสูงกว่าที่คาดไว้มากเพราะฝนตกหนักติดต่อกันหลายวันเมื่อปลายปีที่แล้ว
        นักเรียนต้องเดินทางไปยืมหนังสือที่เมืองข้างเคียง และได้ส่งจดหมายร้องเรียนถึงสภาเทศบาลหลายครั้ง
        ค่าใช้จ่ายของงาน
        วิศวกรผู้ดูแลงานบอกว่าหลังคาสร้างใหม่โดยช่างไม้ในท้องถิ่นตามวิธีดั้งเดิม และเปลี่ยนกระจกหน้าต่างใหม่ทั้งหมด
        ในวันเปิดจะมีกิจกรรมเล่านิทานสำหรับเด็กและนิทรรศการภาพถ่ายเก่าของย่านนี้ ส่วนที่จอดรถใหม่จะอยู่หลังสถานี
        สมชาย ใจดี
        โดย สมชาย ใจดี
        12 มีนาคม 2026
        ห้องสมุดก่อนการซ่อม ภาพ: วิชัย แสงทอง
        สมัครรับจดหมายข่าวของเราเพื่อรับข่าวสำคัญทุกเช้า
        ข่าวที่เกี่ยวข้อง
        รถเมล์สายใหม่ไปมหาวิทยาลัย
        แชร์
        เว็บไซต์นี้ใช้คุกกี้เพื่อปรับปรุงประสบการณ์ของคุณ
        © 2026 สงวนลิขสิทธิ์
        """,
    ),
)
