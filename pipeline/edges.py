"""What single lines of a page say of themselves, at the edges of a text that was found, and in boxes inside of it.

Blocks are weighed by shape and place (`pipeline.weighing`); here a few say by their wording or their own names what
they are: date lines, labels of adverts, invitations, links to other stories or to networks, questions after the page's
use, what stands in for a film that was not loaded, credits and captions are no text; a notice of correction at its end
is, and so is the standfirst between headline and text where the text begins with it. That is so outside of English
(Vorspann, chapô, ingress); English readers take it for a part of the headline, and so do two of three packs of labels:
there it is left out and called by its name. Pure: blocks in, decisions out; of the tree only the links of short lines
are read. Not here: lines that recur on a site (`pipeline.boilerplate`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice, pairwise
from typing import Any, Final

from pipeline.blocks import Block
from pipeline.edits import find_notices, is_appeal, is_dateline, leads_away
from pipeline.metadata import Metadata, fold

_HEAD, _FOOT = 4, 4  # kept blocks at either end that may be a line of the frame
_ABOVE: Final = 40  # blocks between headline and text that are looked at
_BEHIND: Final = 6  # blocks behind the text in which its notice of correction is looked for
_LINE: Final = 300  # characters of a line that may be no text
_CAPTION: Final = 250
_STANDFIRST: Final = range(20, 700)
_SAME: Final = 40  # letters of a description that is believed to be the standfirst's

Decisions = dict[int, tuple[bool, str]]


def decide_edges(blocks: Sequence[Block], kept: Sequence[bool], about: Metadata) -> Decisions:
    """What is to be decided otherwise than it was.

    Args:
        blocks: those of a page, in its order.
        kept: which of them are the text.
        about: the page's metadata: headlines and description.

    Returns:
        Number of a block -> whether it is text, and why, in words.
    """
    chosen = [number for number, keep in enumerate(kept) if keep]
    if not chosen:
        return {}
    found = _drop_lines(blocks, chosen)
    for number in chosen[-_BIOGRAPHIES:] if len(chosen) > _FOOT else ():
        if number not in found and _tells_author(blocks[number].text, about.authors):
            found[number] = (False, "author")
    if len(found) >= len(chosen) or 2 * sum(len(blocks[number].text) for number in found) > sum(
        len(blocks[number].text) for number in chosen
    ):
        found = {}
    left = [number for number in chosen if number not in found]
    told = about.language or ""
    for number in _find_standfirsts(blocks, left[0], about):
        found[number] = (bool(told) and not told.lower().startswith("en"), "standfirst")
    for number in _find_corrections(blocks, kept, left):
        found[number] = (True, "correction")
    for number in _find_headings(blocks, left):
        found.setdefault(number, (True, "heading within the text"))
    for number in _find_items(blocks, left):
        found[number] = (True, "item of a list in the text")
    for number in _find_terms(blocks, left):
        found[number] = (True, "line of a list in the text")
    for number in _find_contacts(blocks, left):
        found[number] = (True, "contact for the press")
    return found


def _find_items(blocks: Sequence[Block], left: Sequence[int]) -> list[int]:
    """The one item of a list that was left out where all the others, two or more, are text."""
    chosen = set(left)
    lists: dict[Any, list[int]] = {}
    for number in range(left[0], min(left[-1] + 2, len(blocks))):
        if blocks[number].kind == "item":
            lists.setdefault(blocks[number].element.getparent(), []).append(number)
    found: list[int] = []
    for items in lists.values():
        out = [number for number in items if number not in chosen]
        if len(out) == 1 and len(items) >= 3:
            block = blocks[out[0]]
            if block.link_share <= 0.1 and not block.label:
                found.append(out[0])
    return found


_TERM: Final = re.compile(r"[^\W\d_][^:.!?|]{1,40}\??:\s\S")


def _find_terms(blocks: Sequence[Block], left: Sequence[int]) -> list[int]:
    """The one line right before or behind three of the text that tell a term each, "Ward: Holme", as it does."""
    found: list[int] = []
    chosen = set(left)
    for number in (left[0] - 1, left[-1] + 1):
        step = 1 if number < left[0] else -1
        if not 0 <= number < len(blocks) or not _is_term(blocks[number]):
            continue
        beside = [number + step * away for away in (1, 2, 3)]
        if all(
            other in chosen and blocks[other].place == blocks[number].place and _is_term(blocks[other])
            for other in beside
        ):
            found.append(number)
    return found


def _is_term(block: Block) -> bool:
    return len(block.text) <= _LINE and block.kind in {"paragraph", "item"} and _TERM.match(block.text) is not None


def _find_headings(blocks: Sequence[Block], left: Sequence[int]) -> list[int]:
    """Headings right above a block that was kept, in one element with it as far as places tell.

    What stands below is prose, or the heading stands alone between it and the one kept before.
    """
    found: list[int] = []
    for before, behind in pairwise(left):
        number = behind - 1
        block, below = blocks[number], blocks[behind]
        if number == before or block.kind != "heading" or block.level == 1 or block.link_share > 0.1:
            continue
        if block.label or len(block.text) > _ITEM or below.kind == "heading" or _box_of(block) != _box_of(below):
            continue
        alone = number == before + 1 and _box_of(blocks[before]) == _box_of(block)
        if alone or (below.kind == "paragraph" and len(below.text) >= _PROSE):
            found.append(number)
    return found


_PROSE: Final = 100  # characters of a paragraph that a heading stands above


def _box_of(block: Block) -> str:
    return block.place.rpartition("/")[0]


# --- lines that are no text -----------------------------------------------------------------------------


def _drop_lines(blocks: Sequence[Block], chosen: Sequence[int]) -> Decisions:
    """Lines that were kept and say themselves that they are no text."""
    found: Decisions = {}
    for place, number in enumerate(chosen):
        block = blocks[number]
        if len(block.text) > _PLACEHOLDER or block.kind in {"table", "code"}:
            continue
        why = _tell_line(block, outer=place < _HEAD or place >= len(chosen) - _FOOT)
        if not why and block.kind == "heading" and _heads_box(blocks, number, chosen, place):
            why = block.label
        if not why and _leads_off(blocks, number, chosen, place):
            why = "related"
        if why:
            found[number] = (False, why)
    found.update(_drop_followers(blocks, chosen, found))
    return {**found, **_drop_headings(blocks, chosen, found), **_drop_lists(blocks, chosen)}


def _drop_followers(blocks: Sequence[Block], chosen: Sequence[int], dropped: Decisions) -> Decisions:
    """The links below "Read next" and the answers below "Was this page useful?", in the box that they stand in."""
    found: Decisions = {}
    leader: Block | None = None
    why = ""
    for number in chosen:
        block = blocks[number]
        if number in dropped:
            leader, why = block, dropped[number][1]
            continue
        if leader is None or block.kind == "heading" or not _is_inside(block, leader):
            leader = None
            continue
        answers = why == "feedback" and len(block.text) < _ANSWER
        links = why == "related" and block.link_share > _LINKED and len(block.text) < _ITEM
        if answers or links:
            found[number] = (False, why)
        else:
            leader = None
    return found


_ANSWER: Final = 30
_LINKED: Final = 0.9


_HEADED: Final = frozenset({"get in touch", "newsletter", "feedback", "external content", "share"})


def _drop_headings(blocks: Sequence[Block], chosen: Sequence[int], dropped: Decisions) -> Decisions:
    """Headings that nothing of the text stands below: what is in their box or up to the next heading is dropped."""
    found: Decisions = {}
    for place, number in enumerate(chosen):
        block = blocks[number]
        below = number + 1
        if block.kind != "heading" or len(block.text) >= _LEADING or number in dropped or below not in dropped:
            continue
        why = dropped[below][1]
        after = next((other for other in chosen[place + 1 :] if other not in dropped), None)
        ends = after is None or blocks[after].kind == "heading" or _box_of(blocks[after]) != _box_of(block)
        if why in _HEADED and ends and _box_of(blocks[below]) == _box_of(block):
            found[number] = (False, why)
    return found


def _tell_line(block: Block, *, outer: bool) -> str:
    """What a line says that it is which is no text; empty where it says nothing."""
    text = block.text
    if _stands_in(text):
        return "external content"
    if len(text) > _LINE:
        return ""
    if len(text) < _SHORT and _UNSHOWN.search(block.element.get("class") or ""):
        return "hidden"
    told = _tell_wording(text, block.kind, outer=outer)
    if told or len(text) > _CAPTION:
        return told
    if block.link_share and len(text) < _SHORT and _shares(block):
        return "share"
    own = block.label == "caption" and any(map(_OWN_CAPTION.search, block.place.split("/")[-2:]))
    credited = block.kind in {"paragraph", "quote"} and _CREDITED.search(text[-_SHORT:]) is not None
    return "caption" if block.kind != "heading" and (own or credited) else ""


def _tell_wording(text: str, kind: str, *, outer: bool) -> str:  # noqa: PLR0911 - one return per label reads best
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
    return "byline" if outer and kind in {"paragraph", "quote"} and _DESK.fullmatch(text) else ""


_SHORT: Final = 80  # characters of a line that is nothing but a label
_UNSHOWN: Final = re.compile(  # what style sheets call what only screen readers read out
    r"(?:^|[\s_-])(?:visually-?hidden|sr-only|screen-?reader(?:-text|-only)?|show-for-sr|element-invisible)(?:\s|$)",
    re.IGNORECASE,
)
_BIOGRAPHIES: Final = 2  # kept blocks at the end that may tell who the author is
_IS: Final = (
    r"(?:is|was|has|works|writes|covers|reports|lives|ist|war|schreibt|arbeitet|berichtet|est|travaille|écrit|es|trabaja|"
    r"escribe|è|lavora|scrive|schrijft|werkt|é|trabalha|escreve|jest|är|er|arbetar|arbejder|yw|mae)"
)


def _tells_author(text: str, authors: Sequence[str]) -> bool:
    """Whether a line tells who the author is, "Iona Cray is the Ledger's correspondent in Ashby"."""
    if len(text) > _BIOGRAPHY:
        return False
    for author in authors[:5]:
        before, name, behind = text.partition(author) if " " in author else ("", "", "")
        if name and len(before.split()) <= 1 and re.match(rf",? {_IS}\b", behind) is not None:
            return True
    return False


_BIOGRAPHY: Final = 600
_LEFT_OVER: Final = 16


def _is_left_over(text: str) -> bool:
    """Whether a line shows nothing, or a mark or two that a link or a picture left behind; a row of stars is a rule."""
    kinds = [kind for letter in text if (kind := unicodedata.category(letter))[0] not in "CZ"]
    return len(kinds) <= _MARKS and all(kind[0] == "P" for kind in kinds)


_MARKS: Final = 2


def _name_appeal(text: str) -> str:
    if text[:6].lower() in {"follow", "share "}:
        return "share"
    return "newsletter" if len(text) > 30 else "advert"


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


# --- lines that stand in for what was not loaded --------------------------------------------------------

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


# --- links to networks ----------------------------------------------------------------------------------

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


def _shares(block: Block) -> bool:
    """Whether a short line is there to share the story: all its links share it, or have networks' names."""
    links = [link for link in islice(block.element.iter("a"), 20) if (name := _name_of(link)) and name in block.text]
    if not links:
        return False
    if all(_SHARING.search(link.get("href") or "") for link in links):
        return True
    return not block.text.endswith(_ENDS) and all(_name_of(link).lower() in _NETWORKS for link in links)


def _name_of(link: Any) -> str:
    return " ".join("".join(islice(link.itertext(), 20)).split())


# --- what leads to other pages --------------------------------------------------------------------------


_ITEM: Final = 160  # characters of a headline in a list of other news


def _drop_lists(blocks: Sequence[Block], chosen: Sequence[int]) -> Decisions:
    """A list of other news or of links that was kept behind the text, though its heading was not or says what it is."""
    found: Decisions = {}
    for place in range(len(chosen) - 1, 0, -1):
        number = chosen[place]
        block = blocks[number]
        if len(block.text) > _ITEM or block.text.endswith((".", "!", "?", "”", '"')):
            break
        heading = _heading_of(blocks, number)
        if heading is None:
            break
        other = len(blocks[heading].text) < 60 and _leads_list(blocks[heading].text)
        if not other and (heading in chosen or block.link_share < 0.95):
            break
        found[number] = (False, "related" if other else "mostly links")
        if other and heading in chosen:
            found[heading] = (False, "related")
            if chosen[place - 1] == heading:
                continue
    return found


def _heading_of(blocks: Sequence[Block], number: int) -> int | None:
    """The heading right above a list that a block is in."""
    for above in range(number - 1, max(-1, number - _LISTED), -1):
        block = blocks[above]
        if block.kind == "heading":
            return above if _is_inside(blocks[number], block) else None
        if len(block.text) > _ITEM:
            return None
    return None


_LISTED: Final = 12


def _is_inside(block: Block, heading: Block) -> bool:
    """Whether a block stands in what a heading stands in, as far as places tell."""
    return "/".join(heading.place.rpartition("/")[0].split("/")[-2:]) in block.place


_OWN_CAPTION: Final = re.compile(r"caption|credit(?!or)", re.IGNORECASE)
_BOXES: Final = frozenset({"newsletter", "related", "jobs", "share", "advert"})


def _heads_box(blocks: Sequence[Block], number: int, chosen: Sequence[int], place: int) -> bool:
    """Whether a heading stands over a box that was left out, and is named as the box is."""
    block = blocks[number]
    if block.label not in _BOXES or number + 1 >= len(blocks):
        return False
    following = chosen[place + 1] if place + 1 < len(chosen) else len(blocks)
    other = blocks[number + 1]
    return following > number + 1 and other.label == block.label and _is_inside(other, block)


def _leads_off(blocks: Sequence[Block], number: int, chosen: Sequence[int], place: int) -> bool:
    """Whether a line leads to other pages, "More on this:", and what it leads to is no text, or links."""
    text = blocks[number].text
    after = number + 1
    if len(text) >= _LEADING or blocks[number].link_share > _LINKED:
        return False
    follows = place + 1 < len(chosen) and chosen[place + 1] == after
    if follows and (blocks[after].link_share <= _LINKED or not _is_inside(blocks[after], blocks[number])):
        return False
    return _OFFERS.fullmatch(text) is not None


_LEADING: Final = 60
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


# --- text that was lost ---------------------------------------------------------------------------------

_SUMMING_UP: Final = re.compile(
    r"(?<![a-z])(?:stand-?_?first|strap-?line|dek|deck|sub-?_?(?:head(?:line)?|title|deck)|"
    r"(?:article|post|story|entry|news|content|page|single|head(?:er)?|field[-_]+name[-_]+field|document|_)[-_]*"
    r"(?:lead|lede|intro|excerpt|summary|abstract|description|teaser|standfirst)|"
    r"lead-?(?:text|paragraph|in)|lede|teaser-?text|intro(?:duction)?-?text|excerpt|vorspann|anrei(?:ss|ß)er|chapo|"
    r"chapeau|entradilla|bajada|copete|sommario|occhiello|catenaccio|ingress|manchet|perex)(?![a-z])",
    re.IGNORECASE,
)
_HINTS: Final = (
    *("stand", "strap", "dek", "deck", "sub", "lead", "lede", "intro", "excerpt", "summary", "abstract", "descr"),
    *("teaser", "vorspann", "anrei", "chap", "entradilla", "bajada", "copete", "sommario", "occhiello", "catenaccio"),
    *("ingress", "manchet", "perex"),
)
_NEVER: Final = frozenset(
    {"caption", "byline", "share", "newsletter", "comments", "advert", "jobs", "navigation", "cookie notice", "tags"}
    | {"breadcrumbs"}
)


def _find_standfirsts(blocks: Sequence[Block], first: int, about: Metadata) -> list[int]:
    """What stands between headline and text and sums it up: named so, or what the page describes itself with."""
    headlines = {fold(title) for title in about.titles}
    start = max(0, first - _ABOVE)
    title = next(
        (
            number
            for number in range(first - 1, start - 1, -1)
            if (blocks[number].kind == "heading" and blocks[number].level == 1)
            or (len(blocks[number].text) < 400 and fold(blocks[number].text) in headlines)
        ),
        None,
    )
    if title is None:
        return []
    description = fold(about.description or "")
    found: list[int] = []
    for number in range(title + 1, first):
        block = blocks[number]
        if len(block.text) not in _STANDFIRST or block.link_share > 0.5 or block.kind in {"caption", "table", "item"}:
            continue
        key = fold(block.text)
        if block.label in _NEVER or key in headlines:
            continue
        described = key == description if len(key) < _SAME else description.startswith(key)
        if described or _is_named(block.place):
            found.append(number)
    return found if len(found) <= 2 else []


_PICTURED: Final = re.compile(r"image|picture|photo|media(?!n)|figure|caption|credit|bild", re.IGNORECASE)


def _is_named(place: str) -> bool:
    """Whether a block, or what it stands in, is named as standfirsts are."""
    steps = place.rsplit("/", 3)[-3:]
    named = any(_SUMMING_UP.search(step) for step in steps if any(hint in step.lower() for hint in _HINTS))
    return named and not any(map(_PICTURED.search, steps))


def _find_corrections(blocks: Sequence[Block], kept: Sequence[bool], chosen: Sequence[int]) -> list[int]:
    """Notices of correction that stand in the text or right behind it and were left out."""
    first, last = chosen[0], chosen[-1]
    found: list[int] = []
    for number in range(first + 1, min(len(blocks), last + 1 + _BEHIND)):
        block = blocks[number]
        if kept[number] or not 40 <= len(block.text) <= 1000 or block.link_share > 0.5:
            continue
        if block.label in {"comments", "related", "newsletter", "jobs", "navigation", "cookie notice", "caption"}:
            continue
        if len(block.text.split()) >= 8 and find_notices(block.text):
            found.append(number)
    return found


_RELEASE: Final = re.compile(
    r"\W*(?:ends?|notes? (?:to|for) (?:the )?editors?|nodiadau (?:i|ar gyfer) olygyddion|diwedd)\W*", re.IGNORECASE
)
_CONTACTS: Final = re.compile(
    r"\W*(?:(?:press|media) )?(?:contacts?|enquiries|inquiries|office|contact details)\W*|cyswllt|pressekontakt",
    re.IGNORECASE,
)


def _find_contacts(blocks: Sequence[Block], chosen: Sequence[int]) -> list[int]:
    """The contact for the press behind a release that says where it ends, with its heading."""
    last = chosen[-1]
    if last + 2 >= len(blocks) or not _CONTACTS.fullmatch(blocks[last + 1].text[:60]):
        return []
    ended = any(len(blocks[number].text) < 40 and _RELEASE.fullmatch(blocks[number].text) for number in chosen[-12:])
    text = blocks[last + 2].text
    told = "@" in text and len(text) < 300 and blocks[last + 2].label not in _NEVER
    return [last + 1, last + 2] if ended and told else []


# --- names of what was left out -------------------------------------------------------------------------


def name_led(blocks: Sequence[Block], kept: Sequence[bool], whys: Sequence[str]) -> Mapping[int, str]:
    """Better names for blocks that were left out and have none of their own: what leads them in, and what they say.

    A heading like "Most read" leads in other news, up to the next heading; a line between two parts of one box is a
    part of it.

    Args:
        blocks: those of a page, in its order.
        kept: which of them are the text.
        whys: why each of the others is not.
    """
    found: dict[int, str] = {}
    leads = ""
    for number, (block, keep) in enumerate(zip(blocks, kept, strict=True)):
        why = whys[number]
        if keep or why == "navigation":
            leads = ""
            continue
        if len(block.text) < 60 and _leads_list(block.text):
            if block.kind == "heading" or why in {"header", "related"} or _is_title(block):
                leads = "related"
            elif number and whys[number - 1] in _VAGUE and not kept[number - 1] and _share_box(blocks, number):
                found[number - 1] = "related"  # "Read more" below a headline
        elif block.kind == "heading" and block.link_share < 0.5:
            leads = ""
        name = (leads or _name_line(blocks, number, kept, whys)) if why in _VAGUE else ""
        if why in {*_VAGUE, "above the article"} and len(block.text) < 400 and _GIFTS.search(block.text):
            name = "advert"
        if name:
            found[number] = name
    return found


@lru_cache(maxsize=4096)
def _leads_list(text: str) -> bool:
    return _LISTS.fullmatch(text) is not None


def _name_line(blocks: Sequence[Block], number: int, kept: Sequence[bool], whys: Sequence[str]) -> str:
    """What a line says of itself, or what stands on both sides of it in the same box."""
    block = blocks[number]
    if block.link_share > 0.5 and _PAGER.search(block.place[-80:]):
        return "related"  # the story before and the one after
    if len(block.text) < 40 and block.text[:6].lower() == "share ":
        return "share"
    if is_appeal(block.text):
        return "share" if block.text[:6].lower() == "follow" else "newsletter"
    if leads_away(block.text):
        return "related"
    if not 0 < number < len(blocks) - 1 or kept[number - 1] or kept[number + 1]:
        return ""
    within = blocks[number - 1].place == block.place == blocks[number + 1].place
    return whys[number - 1] if within and whys[number - 1] == whys[number + 1] in _BOXES else ""


def _is_title(block: Block) -> bool:
    """Whether a short line that is no heading looks like one: bold all over."""
    return block.bold_share > 0.9 and block.link_share < 0.5


def _share_box(blocks: Sequence[Block], number: int) -> bool:
    box = blocks[number - 1].place
    return bool(box) and (blocks[number].place.startswith(box) or box.startswith(blocks[number].place))


_GIFTS: Final = re.compile(
    r"\b(?:your (?:donation|gift|contribution|support) (?:makes?|helps?|will|keeps?|means)|(?:please|consider) "
    r"(?:donat|supporting us)|(?:ihre|deine) (?:spende|unterstützung) (?:hilft|macht|ermöglicht|sichert)|"
    r"(?:votre|ton) (?:don|soutien) (?:nous )?(?:aide|permet)|(?:tu|su) (?:donación|apoyo|aportación) (?:nos )?"
    r"(?:ayuda|permite|hace)|(?:il tuo|la tua) (?:donazione|sostegno|contributo) (?:ci )?(?:aiuta|permette)|"
    r"(?:uw|jouw|je) (?:donatie|gift|steun) (?:helpt|maakt))",
    re.IGNORECASE,
)
_VAGUE: Final = frozenset({"sidebar", "mostly links", "below the end of the article", "not part of the article"})
_PAGER: Final = re.compile(r"paginat|pager|(?:prev|next)[-_](?:prev|next|post|article|story)|post-?nav")
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
