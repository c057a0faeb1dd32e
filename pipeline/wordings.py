"""What a line of a page says that it is: formulas of many languages, held against the text of a line.

Labels of adverts, invitations, questions after the page's use, what stands in for a film that was not loaded, credits,
lines that lead to other news, headings of a release's notes and contacts: all that is known by its words wherever it
stands. Pure: text in, a label or a yes or no out. What a line's place or names have to say to it is asked by
`pipeline.edges` and `pipeline.within`; what versions of a text are compared without is known by `pipeline.edits`, from
which date lines, appeals and links to other stories come.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from pipeline.edits import is_appeal, is_dateline, leads_away

_LINE: Final = 300  # characters of a line that may be no text
_SHORT: Final = 80  # characters of a line that is nothing but a label
_CAPTION: Final = 250
LEADING: Final = 60  # characters of a line that leads in what stands below it


def tell_wording(text: str, kind: str, *, outer: bool) -> str:  # noqa: PLR0911 - one return per label reads best
    """What a line that is no text says that it is; empty where it says nothing.

    Args:
        text: the line.
        kind: of its block, "heading".
        outer: it stands at either end of the text, where date lines do and those of who else wrote it.
    """
    if _stands_in(text):
        return "external content"
    if len(text) > _LINE:
        return ""
    if len(text) <= _LEFT_OVER and _is_left_over(text):
        return "left over"
    if outer and len(text) < _SHORT and (is_dateline(text) or _READING.fullmatch(text)):
        return "byline"
    if kind != "item" and is_appeal(text):
        return _name_appeal(text)
    if leads_away(text):
        return "related"
    if len(text) < _SHORT and _FEEDBACK.fullmatch(text):
        return "feedback"
    if _asks_for_stories(text, alone=outer or kind == "heading"):
        return "get in touch"
    prose = kind in {"paragraph", "quote"}
    if outer and prose and _DESK.fullmatch(text):
        return "byline"
    return "caption" if prose and len(text) <= _CAPTION and _CREDITED.search(text[-_SHORT:]) else ""


def name_invitation(text: str) -> str:
    """What a line that was left out invites to: to share the story, to a newsletter, to another story; or nothing."""
    if len(text) < 40 and text[:6].lower() == "share ":
        return "share"
    if is_appeal(text):
        return "share" if text[:6].lower() == "follow" else "newsletter"
    return "related" if leads_away(text) else ""


def _name_appeal(text: str) -> str:
    if text[:6].lower() in {"follow", "share "}:
        return "share"
    return "newsletter" if len(text) > 30 else "advert"


_LEFT_OVER: Final = 16
_MARKS: Final = 2


def _is_left_over(text: str) -> bool:
    """Whether a line shows nothing, or a mark or two that a link or a picture left behind; a row of stars is a rule."""
    kinds = [kind for letter in text if (kind := unicodedata.category(letter))[0] not in "CZ"]
    return len(kinds) <= _MARKS and all(kind[0] == "P" for kind in kinds)


_MINUTES: Final = r"\d{1,3}[\s-]?(?:min\.?|mins|minuten?|minutes?|minutos?|minut[ioy]?|minutter|minuter|munud)"
_READING: Final = re.compile(
    r"(?:.{0,20}\b(?:read(?:ing)? time|lese(?:zeit|dauer|tid)|læsetid|lästid|leestijd|temps de lecture|"
    r"tiempo de lectura|tempo (?:de leitura|di lettura)|czas czytania|doba čtení|"
    r"amser darllen)\W{1,3}(?:ca\.? |about )?"
    rf"{_MINUTES}|{_MINUTES}[\s-](?:read|de lecture|de lectura|di lettura|de leitura|leestijd|lesezeit|läsning|"
    rf"czytania|"
    r"o ddarllen))",
    re.IGNORECASE,
)
_FEEDBACK: Final = re.compile(
    r"(?:how )?(?:was|is|did you find|have you found|(?:useful|helpful) (?:was|is)) this (?:page|article|information|"
    r"content|story|answer|guide|section)(?: (?:useful|helpful|clear|easy|interesting|informative|of (?:use|"
    r"help))\b.{0,30})?"
    r"\?.{0,20}|(?:did you )?f(?:ind|ound) what you (?:were|are) looking for\W.{0,20}|"
    r"is there anything wrong with this "
    r"page\W|(?:report|tell us about) a problem with this page\W*|(?:rate|(?:did you )?(?:like|"
    r"enjoy)) this (?:page|article|"
    r"post|story)\W*|help us improve (?:this|our) (?:page|website|site)\W*"
    r"|(?:war|ist|fanden sie|finden sie|hat ihnen) (?:dies\w{0,2}|der|die|das) (?:seite|artikel|beitrag|inhalt|"
    r"information\w{0,2}) .{0,20}(?:hilfreich|nützlich|interessant|gefallen|informativ)\b.{0,20}"
    r"|(?:cette page|cet article|ce contenu|cette information|cette réponse)\b.{0,20}\b(?:utile|aidé|plu)\W.{0,20}"
    r"|(?:avez-vous )?trouvé ce que vous cherchiez\W.{0,20}"
    r"|¿?(?:(?:te|le) (?:ha|fue|resultó)\b.{0,14}|(?:ha sido|fue|es) )(?:útil|gustado|servido)\b.{0,40}"
    r"|(?:ti|le|vi) è .{0,10}(?:utile|piaciut[oa]) quest.{0,30}|quest[ao] (?:pagina|articolo|"
    r"informazione)\b.{0,16}utile\W.{0,20}"
    r"|est[ae] (?:página|artigo|conteúdo|artículo|contenido) .{0,12}útil\W.{0,20}"
    r"|(?:was|is|vond (?:je|u)) (?:deze pagina|dit artikel|deze informatie) (?:nuttig|handig|behulpzaam|"
    r"duidelijk)\W.{0,20}"
    r"|czy .{0,14}(?:stron\w|artykuł|informacj\w)\b.{0,10}(?:pomocn|przydatn)\w+\W.{0,20}"
    r"|(?:hade|har|var|er|fikk) (?:du|sidan|siden|innehållet|informationen|indholdet|innholdet) .{0,24}"
    r"(?:nytta|hjälp|hjælp|hjelp|nyttig|användbar|nyttige?|brugbar)\w{0,2}\b.{0,20}|fant du det du lette etter\W*"
    r"|(?:a )?(?:oedd|ydy|yw)(?:'r| y| r)? dudalen hon yn (?:d?defnyddiol|ddefnyddiol)\W.{0,20}",
    re.IGNORECASE,
)
_STORIES: Final = re.compile(
    r"(?:(?:do you have|have you got|got|have) (?:a|an|any|your own) (?:story|tip|tip-off|news|news tip|scoop|photos|"
    r"pictures|question for)\b[^.?]{0,60}\?"
    r"|(?:you can )?(?:get in touch with|contact|email|message|write to|send .{1,40} to) (?:our|"
    r"the) (?:news\s?(?:team|desk|"
    r"room)|editorial team|reporters?|journalists?|editors?)\b"
    r"|(?:haben sie|hast du|habt ihr) [^.?]{0,30}(?:hinweise?|tipps?|thema|geschichte|informationen)\b[^.?]{0,60}\?"
    r"|(?:schreiben sie|schreib|mailen sie|kontaktieren sie) (?:an )?(?:uns|der|die|unsere[rn]?) ?redaktion"
    r"|(?:vous avez|avez-vous|tu as|as-tu) [^.?]{0,30}(?:informations?|témoignage|histoire|photos?)\b[^.?]{0,60}\s?\?"
    r"|(?:contactez|écrivez à) (?:la|notre) rédaction"
    r"|¿?(?:tienes|tiene|quieres contar|conoces) [^.?]{0,30}(?:historia|noticia|información|pista)\b[^.?]{0,60}\?"
    r"|(?:escribe|escriba|contacta|contacte) (?:a|con) (?:la|nuestra) redacción"
    r"|(?:hai|avete|ha) [^.?]{0,30}(?:storia|notizia|segnalazione|foto)\b[^.?]{0,60}\?"
    r"|(?:scrivi|scrivete|segnala) alla (?:nostra )?redazione"
    r"|(?:heb je|heeft u|hebt u) [^.?]{0,30}(?:tip|verhaal|nieuws|foto's)\b[^.?]{0,60}\?|(?:mail|tip|"
    r"bel) (?:de|onze) redactie"
    r"|(?:tem|você tem) [^.?]{0,30}(?:história|notícia|sugestão|foto)\b[^.?]{0,60}\?"
    r"|masz [^.?]{0,30}(?:temat|informację|zdjęcia|historię)\b[^.?]{0,60}\?"
    r"|(?:har du|har du et|har du ett) [^.?]{0,30}(?:tips|nyhet|historie|historia|billeder|bilder)\b[^.?]{0,60}\?"
    r"|(?:a )?oes gen(?:nych|ti) [^.?]{0,30}stori\b[^.?]{0,60}\?)",
    re.IGNORECASE,
)
_REPLY: Final = re.compile(
    r"@|\b(?:e-?mail|contact|get in touch|write|message|call|send|let us know|tell us|click|submit|whatsapp|"
    r"schreib|meld|"
    r"kontakt|redaktion|écri|envoy|rédaction|escrib|envía|redacción|scriv|redazione|mail|stuur|redactie|escrev|envie|"
    r"napisz|wyślij|skicka|send|cysyllt|anfon)",
    re.IGNORECASE,
)
_POLICE: Final = re.compile(  # who asks for witnesses is a part of the story
    r"polic|polizei|politi|poliz|polis|police|gendarm|heddlu|guardia|carabinieri|crimestoppers|\b(?:101|999|112|110)\b",
    re.IGNORECASE,
)


def _asks_for_stories(text: str, *, alone: bool) -> bool:
    """Whether a line asks readers to write to those who wrote it: "Do you have a story? Email our news team".

    Args:
        text: the line.
        alone: it is a heading or stands at either end, where the question alone does.
    """
    match = _STORIES.match(text.lstrip("¡* "))
    if match is None or _POLICE.search(text) is not None:
        return False
    return _REPLY.search(text) is not None if len(text) > match.end() + 3 else alone or _REPLY.search(text) is not None


_DESK: Final = re.compile(  # nothing but names after it: "Research by the university found that ..." is a sentence
    r"[\W_]*(?i:(?:additional |further |with )?(?:reporting|contributions?|writing)|edit(?:ing|ed)|translat(?:ion|ed)|"
    r"mitarbeit|übersetz(?:t|ung)|redaktion|traducción|traduit|traduction|traduzione|vertaling|tradução)"
    r"(?i: (?:by|von|por|par|di|door|de))?\s?:?"
    r"(?:[\s,;&/]+(?:[^\W\d_a-z][\w.'’-]*:?|[Aa]dditional|[Rr]eporting|[Ee]dit(?:ing|ed)|[Ww]riting|and|by|in|"
    r"for|the|with|"
    r"from|und|von|et|y|e|en|de|van|der)){1,30}[\W_]*"
)
_CREDITED: Final = re.compile(
    r"(?:^|[(\[|]\s?|[.!?…”\"»]\s)(?:©|(?i:photo(?:graph)?s?|images?|pictures?|pics?|bild(?:er|quelle)?|fotos?|"
    r"crédits?|"
    r"imagen|imagem|fotografía|zdjęcie|fot\.|llun)(?i: (?:credits?|courtesy|illustration|by))?\s?"
    r"(?:[:©]|(?<= by)|(?<=fot\.)|(?<=Fot\.)))\s?"
    r"(?:©\s?)?(?:[^\W\d_a-z]|dpa|imago|epd|afp|privat|zvg|picture alliance)[^:.!?]{0,60}[)\]]?\.?$"
)


# --- who wrote it -------------------------------------------------------------------------------------

_IS: Final = (
    r"(?:is|was|has|works|writes|covers|reports|lives|ist|war|schreibt|arbeitet|berichtet|est|travaille|écrit|es|trabaja|"
    r"escribe|è|lavora|scrive|schrijft|werkt|é|trabalha|escreve|jest|är|er|arbetar|arbejder|yw|mae)"
)
_BIOGRAPHY: Final = 600


def tells_author(text: str, authors: Sequence[str]) -> bool:
    """Whether a line tells who the author is, "Iona Cray is the Ledger's correspondent in Ashby"."""
    if len(text) > _BIOGRAPHY:
        return False
    for author in authors[:5]:
        before, name, behind = text.partition(author) if " " in author else ("", "", "")
        if name and len(before.split()) <= 1 and re.match(rf",? {_IS}\b", behind) is not None:
            return True
    return False


# --- what stands in for what was not loaded ------------------------------------------------------------

_PLACEHOLDER: Final = 600  # characters
_UNLOADED: Final = re.compile(
    r"(?:an dieser stelle (?:finden sie|sehen sie|steht|stehen|befindet sich|ist|wird|würde|sollte|möchte)\b.{0,80}"
    r"(?:extern|inhalt|tweet|zustimm|cookie)|empfohlener (?:redaktioneller|externer) inhalt|"
    r"extern(?:er|e) inhalte?\b.{0,60}$|"
    r"ich bin damit einverstanden,? dass .{0,40}(?:extern|inhalt|daten)|(?:mit|durch) .{0,40}(?:klick|laden|"
    r"aktivier|zustimm).{0,80}(?:datenschutz|"
    r"akzeptier|daten)|"
    r"(?:dieser|der externe|dieses) (?:externe )?(?:inhalt|video|beitrag).{0,60}(?:zustimm|einwillig|cookies|"
    r"drittanbieter|nicht (?:angezeigt|geladen)|blockiert|bereitgestellt)|"
    r"(?:um|zum) .{0,60}(?:inhalt|video|karte|beitr[aä]g|post|tweet)\w{0,2}\b.{0,30}(?:anzu?zeig|anzeig|"
    r"anzusehen|zu sehen|"
    r"zu laden|darzustellen|abzuspielen|aktivier).{0,80}(?:zustimm|einwillig|cookies|akzeptier|einverst|javascript)|"
    r"(?:ihre|deine) (?:privatsphäre|datenschutz|cookie)-?einstellungen (?:verhindern|erlauben|lassen)|"
    r"wir (?:benötigen|brauchen) (?:ihre|deine) (?:zustimmung|einwilligung)|"
    r"(?:external|third[- ]party|embedded) content\b.{0,40}$|(?:this|the|external|third[- ]party|embedded) "
    r"(?:content|video|post|map|embed|tweet) (?:is|was|has been|cannot|can't|could not|may|isn't|not)\b.{0,100}"
    r"(?:cookies?\b|consent|your (?:privacy|settings|permission|choice)|third[- ]part)|this content is blocked\W*$|"
    r"to (?:view|see|watch|display|load|show) (?:this|the) (?:content|video|post|map|embed|tweet).{0,60}(?:cookies?\b|"
    r"consent|accept|javascript|your privacy)|we need your (?:consent|permission) to (?:load|show|display)|"
    r"this (?:article|page|story) (?:contains|includes) content (?:provided|hosted) by|"
    r"contenus? (?:externes?|tiers|bloqués?)\W*$|"
    r"(?:ce|le|cette) (?:contenu|vidéo|publication).{0,60}(?:cookies?\b|traceurs|consentement|bloqué)|"
    r"pour (?:afficher|voir|visualiser|regarder|consulter) (?:ce|cette|le|la) .{0,60}(?:cookies?\b|accept|autoris|"
    r"consent)|"
    r"contenido (?:externo|bloqueado)\W*$|este (?:contenido|vídeo|video).{0,60}(?:cookies?\b|bloquead|consentimiento)|"
    r"para (?:ver|mostrar|visualizar) (?:este|el) (?:contenido|vídeo|video|mapa).{0,60}(?:cookies?\b|acept|consent)|"
    r"contenut[oi] estern[oi]\W*$|(?:questo|il) (?:contenuto|video).{0,60}(?:cookies?\b|bloccato|terze parti|consenso)|"
    r"per (?:visualizzare|vedere) (?:questo|il) (?:contenuto|video).{0,60}(?:cookies?\b|accett|consens)|"
    r"conteúdo (?:externo|bloqueado)\W*$|este (?:conteúdo).{0,60}(?:cookies?\b|bloquead|consentimento)|"
    r"para (?:ver|visualizar) (?:este|o) conteúdo.{0,60}(?:cookies?\b|aceit|consent)|"
    r"externe (?:inhoud|content)\W*$|(?:deze|de) (?:inhoud|content|video).{0,60}(?:cookies?\b|toestemming|geblokkeerd)|"
    r"om (?:deze|dit) .{0,40}(?:te (?:zien|bekijken|tonen)).{0,60}(?:cookies?\b|toestemming|accept)|"
    r"treść zewnętrzna\W*$|aby (?:wyświetlić|obejrzeć|zobaczyć) .{0,60}(?:cookies?\b|zgod|akcept)|"
    r"ta treść .{0,60}(?:cookies?\b|zablokowan|zgod)|"
    r"(?:dette|det) (?:indhold|innholdet|innhold|indholdet).{0,60}(?:cookies\b|informasjonskapsler|samtykke|blokk?er)|"
    r"(?:för att|for å|for at) (?:se|vise|visa) .{0,60}(?:cookies\b|kakor|informasjonskapsler|samtyck|samtykke)|"
    r"(?:det här |detta )?innehåll\w*.{0,60}(?:cookies\b|kakor|samtyck|blockera)|"
    r"mae'?r? cynnwys .{0,60}(?:cwcis|caniatâd)|"
    # what Instagram writes where a post stands, in the language of who took it over
    r"(?:view|see) this (?:post|photo) on instagram|an? (?:post|photo) (?:shared|posted) by |"
    r"sieh dir diesen beitrag auf instagram an|(?:ein )?beitrag geteilt von |"
    r"(?:voir|afficher) cette publication sur instagram|une publication partagée par |"
    r"ver esta publicación en instagram|una publicación compartida (?:de|por) |"
    r"visualizza questo post su instagram|un post condiviso da |ver (?:essa foto|esta publicação) no instagram|"
    r"uma publicação (?:compartilhada|partilhada) por |(?:dit bericht|deze post) op instagram bekijken|"
    r"een bericht gedeeld door |wyświetl ten post na instagramie|post udostępniony przez |"
    r"(?:se|vis|visa) (?:dette|det här|detta) (?:innlegget|opslag|inlägget|inlägg) på instagram|"
    r"(?:et|ett) (?:innlegg|opslag|inlägg) (?:delt|delat) av )",
    re.IGNORECASE,
)


def _stands_in(text: str) -> bool:
    """Whether a block stands in for a film, a post or a map that readers have to allow before it is loaded."""
    return len(text) <= _PLACEHOLDER and _UNLOADED.match(text.lstrip("¿¡*[( ")) is not None


# --- links to networks ------------------------------------------------------------

_NETWORKS: Final = frozenset(
    {
        *("facebook", "twitter", "x", "instagram", "whatsapp", "linkedin", "telegram", "tiktok", "youtube", "bluesky"),
        *("threads", "mastodon", "pinterest", "reddit", "xing", "viber", "messenger", "vk", "line", "wechat", "weibo"),
        *("tumblr", "flipboard", "pocket", "email", "e-mail", "mail", "rss", "signal", "snapchat", "x (twitter)"),
    }
)
_SHARING: Final = re.compile(
    r"facebook\.com/(?:sharer|share|dialog)|(?:twitter|x)\.com/(?:intent|share)|linkedin\.com/(?:share|sharing|cws)|"
    r"(?:api\.|web\.)?whatsapp\.com/send|wa\.me/\?|whatsapp:|t\.me/share|telegram\.me/share|bsky\.app/intent|"
    r"threads\.(?:net|com)/intent|reddit\.com/submit|pinterest\.\w+/pin/create|xing\.com/(?:spi|social)|vk\.com/share|"
    r"mailto:\?|line\.me/(?:r/msg|lineit)|getpocket\.com/save|share\.flipboard\.com|tumblr\.com/(?:share|widgets)|"
    r"service\.weibo\.com/share",
    re.IGNORECASE,
)
_ENDS: Final = (".", "!", "?", "。", "।", "؟", ":", ",")


def shares_story(text: str, links: Sequence[tuple[str, str]]) -> bool:
    """Whether a short line is there to share the story: all its links share it, or have networks' names.

    Args:
        text: the line.
        links: words and address of each of its links.
    """
    if not links or len(text) >= _SHORT:
        return False
    if all(_SHARING.search(address) for _, address in links):
        return True
    return not text.endswith(_ENDS) and all(name.lower() in _NETWORKS for name, _ in links)


# --- what leads in other things ------------------------------------------------------------

_OFFERS: Final = re.compile(
    r"\W*(?:(?:related|recommended|more|further|other|latest)\s(?:articles?|stories|reads|reading|posts|news|"
    r"videos|links|"
    r"content|topics)(?:\s(?:from|on|about|in|by|you|that|for|to)\b.{0,40})?|more\s(?:on|from|about)\s.{1,40}|"
    r"(?:read|see|watch)\s(?:more|next|also)|also\s(?:read|see)|"
    r"related|recommended(?:\sfor\syou)?|you\s(?:may|might)\salso\s.{0,20}|don.t\smiss|up\snext|what\sto\sread\snext|"
    r"most\s(?:read|popular)|auch\sinteressant|mehr\s(?:zum\sthema|zu|aus|themen|dazu|artikel|nachrichten)\b.{0,40}|"
    r"das\skönnte\ssie.{0,30}|lesen\ssie\s(?:auch|mehr)|weitere\s(?:artikel|themen|meldungen|nachrichten).{0,30}|"
    r"(?:à\s)?lire\s(?:aussi|également)|sur\sle\smême\ssujet|voir\saussi|te\spuede\sinteresar|lee\stambién|"
    r"más\s(?:noticias|información|sobre\s.{1,30})|noticias\srelacionadas|leggi\sanche|articoli\scorrelati|"
    r"potrebbe\sinteressarti|leia\s(?:também|mais)|veja\stambém|notícias\srelacionadas|lees\s(?:ook|meer|verder)|"
    r"meer\s(?:over|nieuws|lezen)\b.{0,30}|czytaj\s(?:też|także|więcej)|zobacz\s(?:też|także)|läs\s(?:också|mer|även)|"
    r"les\s(?:også|mer)|læs\s(?:også|mere)|darllen(?:wch)?\s(?:mwy|hefyd)|mwy\s(?:am|o|ar)\s.{1,30})\W*",
    re.IGNORECASE,
)


def offers_others(text: str) -> bool:
    """Whether a line among those of a text leads to other pages, "More on this:"."""
    return len(text) < LEADING and _OFFERS.fullmatch(text) is not None


_LISTS: Final = re.compile(
    r"\W*(?:(?:more|other|latest|recent|related|popular|top|our|further|read)\s(?:\w+\s)?"
    r"(?:news|stories|articles|posts|headlines|releases|updates|reading|more)\b.{0,30}"
    r"|more\s(?:on|about|from|in)\b.{0,40}|latest|recent"
    r"|most\s(?:read|popular|viewed|recent|shared)|read\s(?:more|next|also)|trending|you\s(?:may|might)\salso\s.{0,20}|news|top"
    r"|(?:andere|weitere|mehr|neueste|aktuelle|ähnliche|verwandte)\s(?:nachrichten|meldungen|artikel|beiträge|"
    r"themen|news)"
    r"|meistgelesen|(?:à|a)\slire\saussi|lire\saussi|autres\s(?:actualités|articles)|(?:más|otras|"
    r"últimas)\snoticias|lo\smás\s\w+"
    r"|altre\snotizie|leggi\sanche|più\slett[ei]|(?:meer|ander|laatste)\snieuws|lees\sook|(?:fler|andra|"
    r"senaste)\s(?:nyheter|artiklar)"
    r"|(?:flere|andre|siste|seneste)\s(?:nyheter|nyheder|saker|artikler)|outras\snotícias|mais\s(?:notícias|"
    r"lidas)|leia\stambém"
    r"|inne\saktualności|czytaj\stakże|(?:newyddion|datganiadau|straeon)\s(?:eraill|diweddar\w*|cysylltiedig))\W*",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def heads_news(text: str) -> bool:
    """Whether a line may stand above a list of other news, "Most read": more such lines than those that a text has."""
    return len(text) < LEADING and _LISTS.fullmatch(text) is not None


_GIFTS: Final = re.compile(
    r"\b(?:your (?:donation|gift|contribution|support) (?:makes?|helps?|will|keeps?|means)|(?:please|consider) "
    r"(?:donat|supporting us)|(?:ihre|deine) (?:spende|unterstützung) (?:hilft|macht|ermöglicht|sichert)|"
    r"(?:votre|ton) (?:don|soutien) (?:nous )?(?:aide|permet)|(?:tu|su) (?:donación|apoyo|aportación) (?:nos )?"
    r"(?:ayuda|permite|hace)|(?:il tuo|la tua) (?:donazione|sostegno|contributo) (?:ci )?(?:aiuta|permette)|"
    r"(?:uw|jouw|je) (?:donatie|gift|steun) (?:helpt|maakt))",
    re.IGNORECASE,
)


def asks_for_gifts(text: str) -> bool:
    """Whether a line asks for money, "Your donation makes a difference"."""
    return len(text) < _ASKING and _GIFTS.search(text) is not None


_ASKING: Final = 400  # characters


# --- what belongs to a text -----------------------------------------------------------------------------

_RELEASE: Final = re.compile(r"\W*(?:ends?|diwedd)\W*", re.IGNORECASE)
_CONTACTS: Final = re.compile(
    r"\W*(?:(?:press|media) )?(?:contacts?|enquiries|inquiries|office|contact details)\W*|cyswllt|pressekontakt",
    re.IGNORECASE,
)
NOTES: Final = re.compile(
    r"[\W_]*(?:(?:background\s+)?notes?\s+(?:to|for)\s+(?:the\s+)?(?:news\s?)?(?:editors?|media|journalists?|newsdesks?)"
    r"|editors?['’]?s?['’]?\s+notes|nodiadau\s+(?:i|ar\s+gyfer)(?:['’]?r)?\s+(?:g?olygydd(?:ion)?|cyfryngau)"
    r"|nodyn\s+i(?:['’]?r)?\s+(?:g?olygydd(?:ion)?|cyfryngau)"
    r"|hinweise?\s+(?:für|an)\s+(?:die\s+)?(?:redaktion(?:en)?|medien)|notes?\s+aux\s+(?:rédactions?|rédacteurs)"
    r"|note\s+per\s+(?:la\s+stampa|i\s+giornalisti)|notas?\s+(?:para|a)\s+(?:los\s+)?(?:editores|redactores)"
    r"|noot\s+voor\s+de\s+(?:redactie|pers))(?P<rest>[\W_]*$|\s*[:–—-]\s*(?=\S))",
    re.IGNORECASE,
)
"""The heading of notes to editors, alone on its line or with what follows it there."""
_TERM: Final = re.compile(r"[^\W\d_][^:.!?|]{1,40}\??:\s\S")


def ends_release(text: str) -> bool:
    """Whether a line says that a release ends here: "ENDS", or the heading of its notes to editors."""
    return len(text) < 40 and (_RELEASE.fullmatch(text) is not None or heads_notes(text))


def heads_contact(text: str) -> bool:
    """Whether a line is the heading of a contact for the press."""
    return _CONTACTS.fullmatch(text[:LEADING]) is not None


def heads_notes(text: str) -> bool:
    """Whether a line is the heading of notes to editors."""
    match = NOTES.match(text) if len(text) < LEADING else None
    return match is not None and match.end() == len(text)


def tells_term(text: str) -> bool:
    """Whether a line tells a term and what it is, "Ward: Holme"."""
    return len(text) <= _LINE and _TERM.match(text) is not None
