"""What kind of edit lies between two forms of an article, and what of a text is nothing but its template's turning.

Two texts of one *essence* differ only in what readers do not come for: white space, quotation marks and dashes,
"2 hours ago", counters ("12 comments", "Share 34", "3 min read"), stamps ("Updated 14:32"), the date of a dateline,
links to other stories. Such an edit is cosmetic and makes no version. Essence is compared, never a degree of
likeness: it is an equivalence, so that many small steps cannot add up to a change that nobody sees, and a digest of
it answers without the old text.

What is left out must be furniture as a whole line, or as the part of a line between bars, or stand in a form that
prose does not take. Figures within sentences always count: "12 people died" becoming "13 people died" is an edit.

Pure. Which version an edit makes is decided in ``pipeline.lifecycle``.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from rapidfuzz.distance import LCSseq

from pipeline.model import Edit

SCHEME: Final = "essence-1"
"""Name of these rules in a digest; digests of other rules are not compared. Change it with the rules."""

_LONGEST_STAMP: Final = 14  # words of a line that may be furniture
_HEAD, _FOOT = 5, 8  # lines
_COUNTED_WORDS: Final = 30_000  # beyond so many, added and removed words are counted without regard to their order

EditClass = Literal["headline", "correction", "substance"]


@dataclass(frozen=True, kw_only=True)
class Essence:
    """Headline and text without what a template turns over; notices of correction apart."""

    title: str
    body: str
    notices: tuple[str, ...]


def read_essence(title: str, text: str) -> Essence:
    """What an edit of an article must touch to be one."""
    lines = [_fold(line) for line in text.split("\n")]
    lines = _cut_related([line for line in lines if line])
    body: list[str] = []
    notices: list[str] = []
    for number, line in enumerate(lines):
        kept = _settle(line, head=number < 2)
        if kept:
            # One that does not begin as notices do is looked for where such stand: at the head and at the foot.
            outer = number < _HEAD or number >= len(lines) - _FOOT
            (notices if (is_notice(kept) if outer else _is_plain_notice(kept)) else body).append(kept)
    if not body and not notices:
        body = lines  # nothing but furniture is the text
    folded = _fold(title)
    return Essence(
        title=_squeeze(_settle(folded, head=True) or folded),
        body=_squeeze("".join(body)),
        notices=tuple(sorted(map(_squeeze, notices))),
    )


def essence_digest(title: str, text: str) -> str:
    """Digest of an article's essence: equal digests make no version.

    Returns:
        ``essence-1:<64 hex digits>``.
    """
    essence = read_essence(title, text)
    parts = "\x00".join((essence.title, essence.body, *essence.notices))
    return f"{SCHEME}:{hashlib.sha256(parts.encode('utf-8', 'surrogatepass')).hexdigest()}"


def is_comparable(digest: str | None) -> bool:
    """Whether a stored digest of essence was made by these rules."""
    return digest is not None and digest.startswith(SCHEME + ":")


def classify_edit(old_title: str, old_text: str, new_title: str, new_text: str) -> Edit | None:
    """What kind of edit leads from one form of an article to another.

    Returns:
        The edit, or None where it is cosmetic.
    """
    old, new = read_essence(old_title, old_text), read_essence(new_title, new_text)
    if old == new:
        return None
    classes: list[EditClass] = []
    if old.title != new.title:
        classes.append("headline")
    if old.notices != new.notices:
        classes.append("correction")
    if old.body != new.body:
        classes.append("substance")
    return measure_edit(classes, f"{old_title}\n{old_text}", f"{new_title}\n{new_text}")


_TRUNCATED: Final = 400  # letters; what was stripped is cut at some length, and its beginning tells
_SHORT_LINE: Final = 12  # letters: a shorter line counts as found only where it is a whole line


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A form of an article as a page was read: with what was left out of its text."""

    title: str
    text: str
    stripped: tuple[str, ...] = ()


def drop_moved(old: Reading, new: Reading) -> tuple[str, str]:
    """The texts of two readings without the lines that one of them has in its text and the other left out.

    A line has moved where the other reading has it among what it stripped, and its own has not: a paragraph that the
    publisher deletes is nowhere, and one that stood twice is no proof. What was stripped is bounded in number and
    length, so that a line may have moved and not be found; then it stays.
    """
    there, here = _Left(old.stripped), _Left(new.stripped)
    before, after = old.text.split("\n"), new.text.split("\n")
    marks = [{_squeeze(_fold(line)) for line in lines} for lines in (before, after)]

    def stay(lines: list[str], others: set[str], left: _Left, own: _Left) -> str:
        return "\n".join(
            line
            for line in lines
            if (mark := _squeeze(_fold(line))) in others or not (left.has(mark) and not own.has(mark))
        )

    return stay(before, marks[1], here, there), stay(after, marks[0], there, here)


class _Left:
    """What was left out of a text, for looking lines up."""

    def __init__(self, stripped: Sequence[str]) -> None:
        lines = [_squeeze(_fold(line)) for text in stripped for line in text.split("\n")]
        self._lines = frozenset(lines)
        self._whole = "".join(lines)  # what is one line here may be two there, as a caption and its credit
        self._cut = [line for line in lines if len(line) >= _TRUNCATED]

    def has(self, mark: str) -> bool:
        if mark in self._lines:
            return True
        if len(mark) < _SHORT_LINE:
            return False
        return mark in self._whole or any(mark.startswith(line) for line in self._cut)


def is_same_page(old: Reading, new: Reading) -> bool:
    """Whether two readings can be of one page: all that differs has moved between the text and what was left out."""
    if old.title != new.title and _settle_title(old.title) != _settle_title(new.title):
        return False
    before, after = drop_moved(old, new)
    return read_essence(old.title, before) == read_essence(old.title, after)


def _settle_title(title: str) -> str:
    return read_essence(title, "").title


def measure_edit(classes: Sequence[EditClass], old: str, new: str) -> Edit:
    """An edit with its figures."""
    added, removed = count_words_changed(old, new)
    return Edit(classes=tuple(classes), words_added=added, words_removed=removed)


def count_words_changed(old: str, new: str) -> tuple[int, int]:
    """How many words were added and removed between two texts."""
    before, after = old.split(), new.split()
    if len(before) + len(after) > _COUNTED_WORDS:
        counted = (Counter(before), Counter(after))
        return (counted[1] - counted[0]).total(), (counted[0] - counted[1]).total()
    same = LCSseq.similarity(before, after)
    return len(after) - same, len(before) - same


# --- one spelling ---------------------------------------------------------------------------------------

_SPELLINGS: Final[dict[str, str]] = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc`\u00b4\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", "'"),
    **dict.fromkeys('\u2039\u203a"', "'"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f", ""),
    "\u2026": "...",
    "\u2022": "\u00b7",
}
_SPELLED: Final = re.compile(f"[{''.join(_SPELLINGS)}]")
_DOUBLED: Final = re.compile(r"''+|--+")


def _fold(line: str) -> str:
    return _fold_short(line) if len(line) <= _REMEMBERED else _fold_any(line)


@lru_cache(maxsize=2048)  # each line of a page is asked for several times: for the essence, for notices, as an appeal
def _fold_short(line: str) -> str:
    return _fold_any(line)


_REMEMBERED: Final = 2000  # characters


def _fold_any(line: str) -> str:
    if line.isascii():
        text = line.replace('"', "'").replace("`", "'")
    else:
        text = _spell(unicodedata.normalize("NFKC", _spell(line)))
    if "''" in text or "--" in text:
        text = _DOUBLED.sub(lambda match: match[0][0], text)
    return " ".join(text.split())


def _spell(text: str) -> str:
    return _SPELLED.sub(lambda match: _SPELLINGS[match[0]], text)


def _squeeze(text: str) -> str:
    return "".join(text.split())


# --- furniture ------------------------------------------------------------------------------------------


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MONTHS: Final = (
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec januar februar märz mai juni juli oktober dezember jän okt dez "
    "janvier février mars avril juin juillet août septembre octobre novembre décembre janv févr avr juil déc "
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre ene abr ago dic "
    "gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre gen mag giu lug set ott "
    "januari februari maart mei augustus mrt janeiro fevereiro março maio junho julho setembro outubro novembro "
    "dezembro fev abr out styczeń stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października "
    "listopada grudnia augusti maj december marts august desember des "
    "ionawr chwefror mawrth ebrill mai mehefin gorffennaf awst medi hydref tachwedd rhagfyr"
)
_DAYS: Final = (
    "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur fri sat sun "
    "montag dienstag mittwoch donnerstag freitag samstag sonntag lundi mardi mercredi jeudi vendredi samedi dimanche "
    "lunes martes miércoles jueves viernes sábado domingo lunedì martedì mercoledì giovedì venerdì sabato domenica "
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag segunda-feira terça-feira quarta-feira quinta-feira "
    "sexta-feira poniedziałek wtorek środa czwartek piątek sobota niedziela måndag tisdag onsdag torsdag fredag lördag "
    "söndag mandag tirsdag lørdag søndag dydd llun mawrth mercher iau gwener sadwrn sul"
)
_MONTH_WORDS: Final = _words(_MONTHS)
_DATE_WORDS: Final = _MONTH_WORDS | _words(_DAYS)
_FILLERS: Final = _words(
    "on at the in of first last date time : - , / am pm a.m. p.m. gmt bst utc cet cest est edt et uhr h "
    "am um zuletzt den der le la les à le dernière date el las los a de del última fecha il alle ore del ultimo om "
    "op de "
    "laatst os às o em data última último dn. o godz godz. ostatnia ostatnio kl kl. den d. senast sist sidst am ar "
    "with for and by total this article story page 's read: auf sur en su på via copy link email print save x sms "
    "分 時 年 月 日 秒 في آخر تاريخ الساعة"
)
_UNITS: Final = _words(
    "s sec secs second seconds m min mins minute minutes h hr hrs hour hours d day days week weeks month months year "
    "years sekunde sekunden minuten std std. stunde stunden tag tagen tage woche wochen monat monaten monate jahr "
    "jahren "
    "seconde secondes heure heures jour jours semaine semaines mois an ans segundo segundos minuto minutos hora horas "
    "día días semana semanas mes meses año años secondi minuti ora ore giorno giorni settimana settimane mese mesi "
    "anno "
    "anni seconden minuut uur uren dag dagen weken maand maanden jaar dia dias mês ano anos sekund sekundy minut "
    "minuty "
    "minutę godzina godziny godzin godzinę dni dzień tydzień tygodnie tygodni miesiąc miesiące lat sekunder minuter "
    "timme timmar tim dag dagar vecka veckor månad månader år time timer t minutter uge uger måned måneder uke uker "
    "eiliad munud munudau awr oriau diwrnod wythnos mis blwyddyn min. "
    "دقيقة دقائق ساعة ساعات يوم أيام час часа часов минут минуты минуту день дня дней"
)
_AGO: Final = _words(
    "ago vor ilya hace fa geleden há temu sedan siden ôl now just-now gerade soeben 前 時間前 分前 日前 秒前 منذ назад"
)
_STAMPED: Final = _words(
    "updated update published posted modified edited revised reviewed created uploaded added "
    "aktualisiert aktualisierung veröffentlicht stand erstellt geändert publié publiée mis mise jour actualisé modifié "
    "modifiée actualizado actualizada publicado publicada modificado aggiornato aggiornata aggiornamento pubblicato "
    "pubblicata modificato bijgewerkt gepubliceerd geplaatst gewijzigd atualizado atualizada publicação atualização "
    "aktualizacja zaktualizowano opublikowano publikacja dodano uppdaterad publicerad uppdaterat publicerat opdateret "
    "offentliggjort publiceret udgivet oppdatert publisert diweddarwyd cyhoeddwyd diweddariad "
    "更新 更新日 更新日時 最終更新 最終更新日 掲載日 公開日 登録日 تحديث التحديث نشر النشر обновлено опубликовано"
)
_COUNTED: Final = _words(
    "comment comments share shares shared view views viewed like likes reaction reactions reply replies retweet "
    "retweets "
    "follower followers viewer viewers watching reader readers reads tweet tweets repost reposts bookmark "
    "bookmarks clap "
    "claps photo photos image images picture pictures video videos gallery slide slides "
    "kommentar kommentare kommentieren teilen aufrufe ansichten gefällt bilder bild fotos leser "
    "commentaire commentaires partager partages vues réactions abonnés lecteurs "
    "comentario comentarios compartir compartido vistas visitas lecturas reacciones fotos imágenes "
    "commento commenti condividi condivisioni visualizzazioni letture foto immagini reazioni "
    "reactie reacties delen gedeeld weergaven keer bekeken afbeeldingen foto's "
    "comentário comentários compartilhar compartilhamentos partilhar partilhas visualizações leituras curtidas imagens "
    "komentarz komentarze komentarzy udostępnij udostępnień wyświetleń wyświetlenia odsłon polubień zdjęć zdjęcia "
    "kommentarer dela delningar visningar gilla gillar bilder del delinger visninger billeder liker "
    "sylw sylwadau rhannu golygfeydd lluniau "
    "コメント 件 件のコメント シェア いいね 閲覧数 تعليق تعليقات التعليقات مشاركة مشاركات مشاهدة مشاهدات "
    "комментарий комментария комментариев просмотров просмотра поделиться"
)
_NETWORKS: Final = _words(
    "facebook twitter whatsapp linkedin pinterest reddit telegram instagram messenger bluesky mastodon threads "
    "flipboard xing tumblr snapchat tiktok youtube e-mail mailto pocket copy-link"
)
"""Names of places to share on: a line of nothing else is a row of buttons."""
_READ: Final = _words(
    "read reading read-time lesezeit lesedauer lecture lectura lettura leestijd leitura czytania lästid läsning "
    "læsetid "
    "lesetid darllen min-read tiempo tempo temps czas o di ddarllen"
)
_KEYS: Final = _AGO | _STAMPED | _COUNTED | _NETWORKS | (_READ - _words("o di tiempo tempo temps czas"))
_ALL: Final = _KEYS | _READ | _FILLERS | _UNITS | _DATE_WORDS

_TOKEN: Final = re.compile(r"[^\s,;()\[\]]+")
_NUMBER: Final = re.compile(r"\d[\d.,']*[km]?\+?|\d+(?:st|nd|rd|th|er|e)|\d{1,2}/\d{1,2}(?:/\d{2,4})?|\d{4}-\d\d-\d\d")
_PLACE_IN_ROW: Final = re.compile(r"\d{1,3}/\d{1,3}")  # of a gallery's pictures: "1 / 5"
_CLOCK: Final = re.compile(r"\d{1,2}[:.h]\d{2}(?::\d{2})?(?:am|pm|uhr|z|h)?|\d{1,2}(?:am|pm|uhr|h)")
_AGO_PHRASES: Final = re.compile(r"\bil y a\b|\byn ôl\b|\bjust now\b|\bmis à jour\b|\bà l'instant\b", re.IGNORECASE)
_AS_ONE: Final = {"il y a": "ilya", "yn ôl": "ôl", "just now": "now", "mis à jour": "mis", "à l'instant": "now"}
_SENTENCE_END: Final = (".", "!", "?", ".'", "?'", "!'")
_BARS: Final = re.compile(r"\s*[|·]\s*")
_BYLINE: Final = re.compile(
    r"(?:by|von|par|por|di|de|door|av|af|gan|autor|auteur|autore|text|texte|tekst)\b:?\s", re.IGNORECASE
)
_AUDIENCE: Final = re.compile(
    r"\b[\d.,]+[km]? (?:people|users|readers|viewers)(?: are)? (?:watching|reading|viewing)\b", re.IGNORECASE
)
_SECONDS_TO_HOURS: Final = re.compile(
    r"\b\d{1,2}\s?(?:seconds?|secs?|minutes?|mins?|hours?|hrs?) ago\b"
    r"|\bvor \d{1,2} (?:sekunden?|minuten?|min\.?|stunden?|std\.?)"
    r"|\bil y a \d{1,2} (?:secondes?|minutes?|min|heures?|h)\b"
    r"|\bhace \d{1,2} (?:segundos?|minutos?|min|horas?|h)\b"
    r"|\b\d{1,2} (?:second[oi]|minut[oi]|min|or[ae]) fa\b"
    r"|\b\d{1,2} (?:seconden?|minuten|minuut|min|uur|uren) geleden\b"
    r"|\bhá \d{1,2} (?:segundos?|minutos?|min|horas?|h)\b"
    r"|\b\d{1,2} (?:sekund\w*|minut\w*|min\.?|godzin\w*|godz\.?) temu\b"
    r"|\bför \d{1,2} (?:sekunder|minut(?:er)?|min|timm(?:e|ar)|tim) sedan\b"
    r"|\b(?:for )?\d{1,2} (?:sekunder|minutt?(?:er)?|min\.?|timer?|t) siden\b"
    r"|\b\d{1,2} (?:eiliad|munud|awr) yn ôl\b",
    re.IGNORECASE,
)
_AGO_HINTS: Final = (
    " ago",
    "vor ",
    "il y a ",
    "hace ",
    " fa",
    " geleden",
    "há ",
    " temu",
    " sedan",
    " siden",
    " yn ôl",
)
_READ_TIME: Final = re.compile(
    r"\b\d{1,3}[ -]?min(?:ute)?s?\.?(?: |-)(?:read|de lecture|de lectura|di lettura|de leitura|leestijd|lesezeit|"
    r"läsning|czytania|o ddarllen)\b|\b(?:lesezeit|lesedauer|leestijd|lästid|læsetid|lesetid|reading time)"
    r":? (?:ca\.? )?\d{1,3} ?min(?:ut\w*)?\.?",
    re.IGNORECASE,
)
_UNSPACED_STAMP: Final = re.compile(
    r"(?=.*(?:更新|公開|掲載|登録日|配信|投稿|発布|发布|コメント|シェア|いいね|閲覧|アクセス数|评论|阅读|前|입력|수정|댓글|전))"
    r"(?:最終|更新|公開|掲載|登録|配信|投稿|発布|发布|コメント|シェア|いいね|閲覧|アクセス|评论|阅读|時間前|小时前|分钟前|"
    r"週間前|か月前|ヶ月前|曜日|日時|时间|午前|午後|입력|수정|댓글|시간|数|件|回|年|月|日|時|分|秒|前|天|火|水|木|金|土|전|"
    r"[\d\s:/.,()!-])++"
)
"""A stamp or counter in a script without spaces: a whole line of nothing but its words and figures."""
_NETWORK: Final = r"(?:facebook|twitter|instagram|whatsapp|linkedin|telegram|tiktok|youtube|bluesky|threads|x)\b"
_LETTER: Final = r"(?:news-?letters?|bulletins?|briefings?|inbox|e-?mails?|alerts?|updates|push notifications)\b"
_LETTER_ABROAD: Final = (
    r"(?:news-?lett[ae]r\w*|infolettre|boletín|boletim|nieuwsbrief|nyhetsbrev\w*|nyhedsbrev\w*|biuletyn\w*|cylchlythyr|"
    r"рассылк\w+)"
)
_APPEAL: Final = re.compile(
    r"(?:(?:advertisement|advertising|anzeige|werbung|publicité|publicidad|pubblicità|advertentie|reklama?|annons|"
    r"annonse|annonce|hysbyseb|sponsored(?: content)?|広告|إعلان|реклама)"
    r"(?:\W+(?:hide|remove|close|report|skip|schließen|ausblenden|fermer|masquer|cerrar|ocultar|chiudi|sluiten|zamknij)"
    r"(?: (?:this )?ads?)?)?\W*$"
    r"|(?:the )?(?:story|article|content)(?:'s)? continues (?:below|after|under)\b.{0,40}"
    r"|(?:scroll|keep scrolling|swipe)\b.{0,30}\bto continue\b|artikel (?:weiterlesen|wird nach)\b.{0,40}"
    r"|(?:please )?(?:sign|signing) ?up\b.{0,60}\b" + _LETTER + r"|(?:get|receive|have) .{0,80}\byour (?:inbox|phone)\b"
    r"|by (?:signing up|subscribing|submitting|entering your)\b.{0,150}"
    r"|subscribe (?:today|now|here|from £|for (?:just |only )?£|for more|to (?:our|the)\b.{0,40}\b"
    r"(?:" + _LETTER + r"|podcast|channel))"
    r"|(?:you can )?(?:follow|find|like|join) (?:us|our|bbc|@?\w+(?: \w+){0,3}) on "
    + _NETWORK
    + r"|follow (?:bbc|our|the) .{0,40} on "
    + _NETWORK
    + r"|join (?:our|the) .{0,40}\b(?:whatsapp|facebook|telegram) (?:group|channel|"
    r"community)"
    r"|(?:send|email) (?:us )?your (?:story ideas|stories|news|pictures)\b.{0,60}"
    r"|(?:please )?(?:support|help support|back) (?:local|our|independent|quality|"
    r"trusted) (?:journalism|journalists|news|"
    r"newspapers?)\b"
    r"|download (?:our|the) .{0,30}\bapp\b|listen to this (?:article|story)|"
    r"(?:view|read) comments$"
    r"|share (?:this|on|via)\b.{0,30}$|copy link$|(?:auf|bei|per) \S+ teilen$|partager (?:sur|par)\b.{0,20}$"
    r"|compartir (?:en|por)\b.{0,20}$|condividi su\b.{0,20}$|dela på\b.{0,20}$|del på\b.{0,20}$|"
    r"delen (?:op|via)\b.{0,20}$"
    r"|(?:abonnieren|bestellen|melden) sie (?:sich|unseren|den|hier|jetzt|kostenlos)?\b.{0,60}"
    + _LETTER_ABROAD
    + r"|(?:jetzt )?(?:.{0,30}newsletter) (?:abonnieren|bestellen)|folgen sie (?:uns|.{1,30}) (?:auf|bei) "
    + _NETWORK
    + r"|(?:inscrivez|abonnez)-vous\b.{0,60}"
    + _LETTER_ABROAD
    + r"|(?:retrouvez|suivez)-nous sur "
    + _NETWORK
    + r"|(?:suscríbe(?:te|se)|apúnt(?:ate|ese)|regístr(?:ate|ese))\b.{0,60}"
    + _LETTER_ABROAD
    + r"|síg(?:uenos|anos) en "
    + _NETWORK
    + r"|(?:iscriviti|abbonati)\b.{0,60}"
    + _LETTER_ABROAD
    + r"|(?:segui(?:ci|teci)) su "
    + _NETWORK
    + r"|(?:schrijf|meld) (?:je|u)\b.{0,60}"
    + _LETTER_ABROAD
    + r"|volg ons (?:op|via) "
    + _NETWORK
    + r"|(?:assine|inscreva-se|subscreva)\b.{0,60}"
    + _LETTER_ABROAD
    + r"|siga-nos n[oa] "
    + _NETWORK
    + r"|zapisz się\b.{0,60}"
    + _LETTER_ABROAD
    + r"|(?:obserwuj|śledź) nas na "
    + _NETWORK
    + r"|(?:prenumerera|anmäl dig|tilmeld dig|meld deg på)\b.{0,60}"
    + _LETTER_ABROAD
    + r"|följ oss på "
    + _NETWORK
    + r"|følg oss? på "
    + _NETWORK
    + r"|tanysgrifiwch\b.{0,60}"
    + _LETTER_ABROAD
    + r"|подпи(?:шитесь|сывайтесь)\b.{0,60})"
)
"""What pages say to keep their readers; held against a line in small letters."""
_SENTENCES: Final = re.compile(r"[.!?]\s+")
_MONTH: Final = "|".join(sorted(map(re.escape, _words(_MONTHS)), key=len, reverse=True))
_DATELINE: Final = re.compile(
    rf"^([^\W\d_][\w .'-]{{1,40}},\s?)(?:(?:\d{{1,2}}\.? )?(?:{_MONTH})\.?(?: \d{{1,2}})?(?:,? \d{{4}})?"
    r"|\d{1,2}[./]\d{1,2}(?:[./]\d{2,4})?)(\s?(?:\([\w /&.-]{1,30}\))?\s?[-:]\s)",
    re.IGNORECASE,
)


_FIGURE: Final = re.compile(r"\d\s?[smhougteaSMHOUGTEA]")  # a figure, and how all words for units of time begin


def _settle(line: str, *, head: bool) -> str:
    """A folded line without its furniture; empty where it is nothing else.

    Args:
        head: it is one of the first two, where a bare time of day is a stamp.
    """
    if head:
        line = _DATELINE.sub(r"\1\2", line)
    lowered = line.lower()
    if _FIGURE.search(line) is not None:  # a plain loop, as in `is_notice`
        for hint in _AGO_HINTS:
            if hint in lowered:
                line = _SECONDS_TO_HOURS.sub("", line)
                break
    if len(line) > 200:
        return _drop_leading_stamp(line)
    if _is_appeal(lowered) or (not line.isascii() and _UNSPACED_STAMP.fullmatch(lowered) is not None):
        return ""
    segments = _BARS.split(line)
    kept = [settled for segment in segments if (settled := _settle_segment(segment, head=head))]
    return " ".join(kept)


def _is_appeal(line: str) -> bool:
    """Whether a line asks for subscriptions, followers or patience with adverts, in each of its sentences."""
    line = line.removeprefix("- ").strip("*·>|: ")
    if _APPEAL.match(line) is None:
        return False
    return all(_APPEAL.match(sentence) for sentence in _SENTENCES.split(line.rstrip(".!? ")))


def _settle_segment(segment: str, *, head: bool) -> str:
    words = segment.split()
    if len(words) > _LONGEST_STAMP:
        return _drop_leading_stamp(segment)
    text = _join_ago(segment)
    tokens = _TOKEN.findall(text.lower())
    if _is_furniture(tokens, head=head):
        return ""
    if segment.endswith(_SENTENCE_END):
        return _drop_leading_stamp(segment)
    segment = _AUDIENCE.sub("", _READ_TIME.sub("", segment))
    tokens = _TOKEN.findall(_join_ago(segment))
    stamped = _AGO | _STAMPED | (_COUNTED if _BYLINE.match(segment) else frozenset())
    start = _stamp_start(tokens, stamped)
    return segment if start == len(tokens) else " ".join(tokens[:start])


def _join_ago(text: str) -> str:
    lowered = text.lower()
    for phrase in _AS_ONE:
        if phrase in lowered:
            return _AGO_PHRASES.sub(lambda match: _AS_ONE[match[0].lower()], text)
    return text


def _is_furniture(tokens: Sequence[str], *, head: bool) -> bool:
    """Whether a line has no word of its own."""
    keys = figures = 0
    for token in tokens:
        bare = token.strip(":.'-") or token
        if bare in _KEYS:
            keys += 1
        elif bare in _ALL or token in _ALL:
            continue
        elif _CLOCK.fullmatch(bare):
            figures += 1
            keys += head
        elif _NUMBER.fullmatch(bare) or not any(map(str.isalnum, token)):
            figures += 1
        else:
            return False
    return keys > 0 or _PLACE_IN_ROW.fullmatch("".join(tokens)) is not None


_DAY_IN_FIGURES: Final = re.compile(
    r"(?<![\d.,])(?:\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d\d)|\d{4}([./-])\d{1,2}\2\d{1,2}|\d{4}\s?[年년]\s?\d{1,2}\s?[月월]\s?\d{1,2}\s?[日일])(?!\d)"
)
_ISSUED: Final = _words(
    "press news release issued statement post & , pressemitteilung pressemeldung vom meldung communiqué presse du nota "
    "prensa comunicato stampa persbericht van pressmeddelande pressemeddelelse pressemelding datganiad wasg"
)


def is_dateline(line: str) -> bool:
    """Whether a line tells a day, as "Posted on: November 18, 2026" does, and has no word of its own."""
    if len(line) > 100 or not any(map(str.isdigit, line)):
        return False
    folded = _fold(line).lower()
    figures = _DAY_IN_FIGURES.search(folded) is not None
    day = month = year = figures
    for token in _TOKEN.findall(_DAY_IN_FIGURES.sub(" ", folded).replace(":", ": ") if figures else folded):
        bare = token.strip(":.'-") or token
        if bare in _MONTH_WORDS:
            month = True
        elif bare in _ALL or token in _ALL or bare in _ISSUED or _CLOCK.fullmatch(bare):
            continue
        elif _NUMBER.fullmatch(bare):
            year = year or (len(bare) == 4 and bare[:2] in {"19", "20"})
            day = day or len(bare) <= 4
        elif any(map(str.isalnum, token)) and not bare.isdigit():
            return False
    return day and month and year


def is_appeal(line: str) -> bool:
    """Whether a line is the label of an advert, or asks for subscriptions or followers, in each of its sentences."""
    return len(line) <= 300 and _is_appeal(_fold(line).lower().strip("[]() "))


def leads_away(line: str) -> bool:
    """Whether a line is a link to another story: "Read more: How the camper got stuck"."""
    line = line.strip("[](){}»>•·-–— ")
    match = _RELATED.match(line) if len(line) <= 250 else None
    if match is None:
        return False
    rest = line[match.end() :].lstrip()
    return rest.startswith((":", ">", "|")) and bool(rest.strip(":>| ")) and not rest.endswith((".", "!"))


def _stamp_start(tokens: Sequence[str], keys: frozenset[str]) -> int:
    """Where at the end of a short line a stamp begins that tells a time; their number where none does."""
    start = len(tokens)
    told = timed = False
    best = start
    while start:
        bare = tokens[start - 1].lower().strip(":.'-")
        timely = bool(_NUMBER.fullmatch(bare) or _CLOCK.fullmatch(bare))
        if not (bare in _KEYS or bare in _ALL or timely or not bare):
            break
        start -= 1
        told, timed = told or bare in keys, timed or timely
        if told and timed and (bare in keys or timely):
            best = start
    return best or len(tokens)


def _drop_leading_stamp(line: str) -> str:
    """A long line without "Updated 14:32" before its first sentence: a stamp word, then a time of day."""
    for word in line[:60].lower().split(maxsplit=2)[:2]:
        if word.strip(":.,-") in _STAMPED:
            break
    else:
        return line
    tokens = list(_TOKEN.finditer(line[:120]))
    clock = 0
    for token in tokens:
        bare = token[0].lower().strip(":.-")
        if _CLOCK.fullmatch(bare):
            clock = token.end()
        elif clock and bare not in _FILLERS:
            return line[clock:]
        elif not (bare in _ALL or _NUMBER.fullmatch(bare) or not bare):
            return line
    return line


# --- links to other stories -----------------------------------------------------------------------------

_RELATED: Final = re.compile(
    r"(?:related(?: (?:stories|articles|topics|links|news|content|items))?|more (?:on|about|from|stories|"
    r"news)\b.{0,40}|"
    r"(?:read|see|watch) (?:more|next|also)|also read|you (?:may|might) (?:also )?(?:like|be interested in)|"
    r"most (?:read|"
    r"popular)|"
    r"recommended(?: (?:stories|for you))?|latest (?:news|stories)|top stories|don't miss|trending(?: now)?|"
    r"mehr (?:zum thema|dazu|aus .{0,30})|lesen sie (?:auch|mehr)|auch interessant|das könnte sie (?:auch "
    r")?interessieren|"
    r"weitere (?:artikel|meldungen|nachrichten|themen)|meistgelesen|(?:à )?lire (?:aussi|également)|sur le même "
    r"(?:sujet|thème)|"
    r"voir aussi|les plus lus|te puede interesar|lea (?:también|además)|más (?:información|noticias|sobre .{0,30})|"
    r"noticias relacionadas|leggi anche|ti potrebbe interessare|potrebbe interessarti|articoli correlati|"
    r"lees (?:ook|meer|verder)|meer (?:over|nieuws|lezen)\b.{0,30}|gerelateerd(?:e artikelen)?|leia (?:também|mais)|"
    r"veja (?:também|mais)|notícias relacionadas|czytaj (?:też|także|więcej)|zobacz (?:też|także)|przeczytaj (?:też|"
    r"także)|"
    r"läs (?:också|mer|även)|relaterat|les (?:også|mer)|læs (?:også|mere)|relaterede? artikler|"
    r"darllen(?:wch)? (?:mwy|hefyd)|mwy (?:am|o|ar)\b.{0,30}|straeon (?:cysylltiedig|eraill))",
    re.IGNORECASE,
)


def _cut_related(lines: list[str]) -> list[str]:
    """Lines without links to other stories: "Read more: …" anywhere, and what follows such a heading at the end."""
    kept: list[str] = []
    for number, line in enumerate(lines):
        match = _RELATED.match(line)
        if match is not None and len(line.split()) <= 30:
            rest = line[match.end() :].lstrip()
            if (
                not rest.strip(":>|. ")
                and number
                and len(line.split()) <= 4
                and line[0] != "-"
                and not rest.endswith(".")
            ):
                if number >= len(lines) // 2 and _only_links(lines[number + 1 :]):
                    return kept
                continue
            if rest.startswith((":", ">", "|")) and rest.strip(":>| ") and not rest.endswith((".", "!")):
                continue
            if not rest.strip(":>|. ") and _only_links(lines[number + 1 :]) and number >= len(lines) // 2:
                return kept
        kept.append(line)
    return kept


def _only_links(lines: Sequence[str]) -> bool:
    return all(len(line.split()) <= 25 and not line.endswith(".") for line in lines)


# --- notices of correction ------------------------------------------------------------------------------

_LABELS: Final = (
    "corrections?(?: and clarifications?)?|clarifications?|editor'?s?'? note|note to readers|retraction|erratum|errata|"
    "update[ds]?|amended|amendment|korrektur|berichtigung|richtigstellung|klarstellung|aktualisierung|"
    "anm(?:erkung|\\.) d(?:er|\\.) red(?:aktion|\\.)|hinweis der redaktion|transparenzhinweis|rectificatif|"
    "rectification|"
    "précision|mise à jour|note de la rédaction|ndlr|corrección|rectificación|fe de err(?:ores|atas)|aclaración|"
    "actualización|nota de (?:la )?redacción|nota del editor|correzione|rettifica|errata corrige|precisazione|"
    "aggiornamento|nota della redazione|correctie|rectificatie|verduidelijking|aanvulling|naschrift|noot van de "
    "redactie|"
    "correção|retificação|esclarecimento|atualização|nota da redação|nota do editor|sprostowanie|korekta|wyjaśnienie|"
    "aktualizacja|od redakcji|rättelse|korrigering|förtydligande|uppdatering|rettelse|berigtigelse|beriktigelse|"
    "præcisering|presisering|opdatering|oppdatering|redaktionel note|cywiriad|eglurhad|diweddariad|nodyn y golygydd|"
    "訂正|お詫びと訂正|更正|정정|바로잡습니다|تصحيح|تصويب|توضيح|исправление|уточнение|поправка"
)
_LABEL: Final = re.compile(rf"[\W_]*(?:{_LABELS})\b[^:\n]{{0,60}}?(?:[:：]|\s-\s|\))", re.IGNORECASE)
_NOTICE_HINTS: Final = (
    *("amended", "corrected", "updated", "edited", "changed", "clarif", "revised", "version", "correct", "fassung"),
    *("aktualisiert", "korrigiert", "geändert", "ergänzt", "modifié", "corrigé", "mis à jour", "actualisé", "versión"),
    *("corregido", "modificado", "actualizado", "corretto", "aggiornato", "modificato", "versie", "aangepast"),
    *("gecorrigeerd", "bijgewerkt", "gewijzigd", "versão", "corrigid", "atualizad", "alterad", "wersji", "poprawiony"),
    *("zaktualizowany", "zmieniony", "uppdaterats", "korrigerats", "ändrats", "rättats", "udgave", "versjon", "utgave"),
    *("rettet", "opdateret", "ændret", "oppdatert", "endret", "korrigert", "ywiro", "diweddaru", "newid", "fersiwn"),
)
_NOTICE: Final = re.compile(
    r"\b(?:this|the) (?:article|story|report|page|piece|version|headline|post|column|copy)(?:'s \w+)? "
    r"(?:was|has been|is|had been|have been) (?:\w+ )?(?:amended|corrected|updated|edited|changed|clarified|revised)\b"
    r"|\ban? (?:earlier|previous|original) version of (?:this|the|our)\b|\bwe (?:have|'ve) (?:corrected|amended)\b"
    r"|\bwe (?:are happy to|would like to) (?:clarify|correct)\b"
    r"|\bin einer (?:früheren|vorherigen|ersten) (?:version|fassung)\b"
    r"|\bdieser (?:artikel|text|beitrag) wurde (?:\w+ )*(?:aktualisiert|korrigiert|geändert|ergänzt)\b"
    r"|\bune (?:première|précédente) version de (?:cet|ce|notre)\b"
    r"|\bcet article a été (?:modifié|corrigé|mis à jour|actualisé)"
    r"|\buna versión (?:anterior|previa) de est[ea]\b|\beste artículo (?:ha sido|fue) (?:corregido|modificado|"
    r"actualizado)"
    r"|\buna (?:precedente versione|versione precedente) di quest|\bquesto articolo è stato (?:corretto|aggiornato|"
    r"modificato)"
    r"|\bin een eerdere versie van (?:dit|deze)\b"
    r"|\bdit (?:artikel|bericht|stuk) is (?:\w+ )*(?:aangepast|gecorrigeerd|bijgewerkt|gewijzigd)"
    r"|\buma versão anterior d|\best[ea] (?:artigo|reportagem|notícia|texto) foi (?:corrigid|atualizad|alterad)[oa]"
    r"|\bwe wcześniejszej wersji\b|\b(?:artykuł|tekst) został (?:poprawiony|zaktualizowany|zmieniony)"
    r"|\bi en tidigare version av\b|\bartikeln har (?:uppdaterats|korrigerats|ändrats|rättats)"
    r"|\bi en tidligere (?:version|udgave|versjon|utgave)\b"
    r"|\b(?:artiklen|artikkelen|saken) (?:er|ble|har)(?: blevet| blitt)? "
    r"(?:rettet|opdateret|ændret|oppdatert|endret|korrigert)"
    r"|\bmae'?r? (?:erthygl|stori) (?:hon )?wedi(?:'i| ei| cael ei) (?:ch?ywiro|diweddaru|newid)|\bfersiwn gynharach\b",
    re.IGNORECASE,
)


def _is_labelled(line: str) -> bool:
    return _LABEL.match(line) is not None and (len(line.split()) >= 4 or (not line.isascii() and len(line) >= 12))


def _is_plain_notice(line: str) -> bool:
    return _is_labelled(line) or (len(line) < 1000 and len(line.split()) >= 4 and _NOTICE.match(line) is not None)


def is_notice(line: str) -> bool:
    """Whether a line tells readers of a correction, a clarification or an update of the article it stands in."""
    return _is_notice_short(line) if len(line) < _REMEMBERED else _is_labelled(line)


@lru_cache(maxsize=2048)
def _is_notice_short(line: str) -> bool:
    if not _is_labelled(line):
        lowered = line.lower() if len(line) < 1000 else ""
        for hint in _NOTICE_HINTS:  # a plain loop: every line of every page comes here, and `any` takes twice as long
            if hint in lowered:
                return _NOTICE.search(line) is not None and len(line.split()) >= 4
        return False
    return True


def find_notices(text: str) -> list[str]:
    """The lines of a text that tell readers of a correction, a clarification or an update, as they stand there.

    Stricter than what edits are told by: a sentence about a report that had been corrected is none. A label that
    stands alone on its line ("Correction") is part of the line that follows.
    """
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    found: list[str] = []
    label = ""
    for number, line in enumerate(lines):
        outer = number < _HEAD or number >= len(lines) - _FOOT
        folded = f"{label}: {_fold(line)}" if label else line.replace("\u2019", "'")
        if _tells(folded, outer=outer):
            settled = _settle(_fold(line), head=number < 2)
            if label or _tells(settled, outer=outer) or (settled and _LABELLED_STAMP.match(folded)):
                found.append(f"{label}: {line}" if label else line)
        alone = len(line) < 60 and _LABEL_ALONE.fullmatch(line) is not None and line.strip(" :").lower() not in _STAMPED
        label = line.rstrip(" :") if alone else ""
    return found


def _tells(line: str, *, outer: bool) -> bool:
    """Whether a line is a notice; one that does not begin as such only at either end, and where it speaks of itself."""
    if _is_plain_notice(line):
        return True
    match = _NOTICE.search(line) if outer and is_notice(line) else None
    return match is not None and not match[0].lower().startswith("the ")


_LABELLED_STAMP: Final = re.compile(rf"[\W_]*(?:{_LABELS})\b[^:\n]{{0,60}}:\s", re.IGNORECASE)
_LABEL_ALONE: Final = re.compile(rf"[\W_]*(?:{_LABELS})\W*", re.IGNORECASE)
