"""Pages that are no pages: what servers say with status 200 when they mean "not found", "not you" or "not now".

Judged by headlines and by short texts, in a dozen languages; never by what a long text is about, because newspapers
write about cookies, robots and missing pages, too. Pure: no tree, no network.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_FIREWALL = re.compile(
    r"just a moment|attention required|access (?:to this page has been )?denied|pardon our interruption|"
    r"are you (?:a )?(?:human|robot)|(?:robot|human) or (?:robot|human)|"
    r"verify(?:ing)? (?:that )?you are (?:a )?human|"
    r"checking your browser|security check|request (?:unsuccessful|blocked|rejected)|bot (?:detection|verification)|"
    r"you have been blocked|too many requests|captcha|unusual (?:traffic|activity)|403 forbidden|"
    r"(?:enable|turn on) javascript and cookies",
    re.IGNORECASE,
)
_PARTNERS = r"(?:\d[\d,]* )?(?:\w+ )?(?:partners|vendors)"
_CONSENT = re.compile(
    rf"\b(?:we and our {_PARTNERS}|our {_PARTNERS}|accept all|reject all|accept cookies|use (?:of )?cookies|"
    r"cookie (?:policy|settings|preferences|notice)|manage (?:your )?(?:preferences|options|cookies|choices|"
    r"settings)|"
    r"(?:your|give|withdraw|with your|refuse) consent|consent or pay|legitimate interests?|"
    r"personali[sz]ed (?:ads|advertising|content)|store and/or access|access information on a device|"
    r"privacy (?:policy|notice|settings)|personal data|change your (?:mind|settings|preferences|choices)|"
    r"measure (?:ad|audience|content))\b",
    re.IGNORECASE,
)
# Pieces of the wordings that `count_wall_words` looks for, in small letters: the patterns take a hundred times as long.
_LOGIN_HINTS: Final = (
    *("sign in", "signin", "log in", "login", "subscri", "account", "registered", "members", "password", "anmelde"),
    *("einloggen", "registr", "abonn", "passwor", "-vous", "sesión", "suscr", "regíst", "accedi", "inloggen", "zalog"),
    *("konto", "hasła", "logga in", "prenum", "lösenord", "log ind", "adgangs", "logg inn", "passord", "mewngofnod"),
    *("cyfrinair", "weiterlesen", "mot de passe", "contraseña", "assin", "senha", "mitglied", "kunde", "para socios"),
)
_FIREWALL_HINTS: Final = (
    *("captcha", "javascript", "human", "robot", "denied", "blocked", "just a moment", "security check", "unusual"),
    *("too many requests", "attention required", "forbidden", "pardon our", "your browser", "bot ", "unsuccessful"),
)
_EDGE: Final = 500  # characters at either end of a text, where walls speak
_CONSENT_HINTS: Final = ("ookie", "onsent", "artners", "rivacy", "ersonal", "vendors", "hoices", "egitimate")
_LOGIN = re.compile(
    r"\b(?:(?:sign|log) ?in (?:to|or|now)|"
    r"(?:subscribe|register|log ?in|sign ?in|create an? (?:free )?account) to (?:continue|read|view|access)|"
    r"already (?:a subscriber|have an account|registered)|for subscribers only|"
    r"this (?:article|content|page) is (?:only )?(?:for|available to) (?:\w+ )?(?:subscribers|members)|"
    r"members[- ]only|forgot(?:ten)? (?:your )?password)",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"^\W*(?:(?:error )?404(?=\W*$|\W+(?:error|not found|page|fehler|erreur|errore|fout|erro|błąd|fel|fejl|feil)\b|"
    r"\s+[|–—-]\s)|"
    r"(?:oops|sorry)?\W*(?:(?:the |this |that )?(?:page|article|content|story) "
    r"(?:you (?:requested|were looking for|are looking for) )?"
    r"(?:(?:was|is|could|can) ?(?:not|n[o']t)(?: be)? (?:found|available)|cannot be found|not found|does(?: not|"
    r"n't) exist|"
    r"(?:is )?no longer (?:exists|available)|has (?:been removed|expired))|"
    r"(?:we (?:can't|cannot|couldn't|could not)|unable to) find (?:the|that|this) (?:page|article|story)|"
    r"page missing|"
    r"nothing (?:was )?found|"
    r"(?:die |diese |der |dieser )?(?:angeforderte |gewünschte |gesuchte )?(?:seite|artikel|inhalt|beitrag) "
    r"(?:(?:wurde|konnte|ist)? ?(?:leider )?(?:nicht|nicht mehr) (?:gefunden|vorhanden|verfügbar|werden)|"
    r"existiert nicht)|"
    r"(?:cette |la |l')?(?:page|article)(?: demandée?| recherchée?)? (?:introuvable|non trouvée?|n'(?:existe|est) "
    r"(?:pas|plus)|"
    r"est introuvable|n'a pas été trouvée?)|"
    r"(?:la |esta )?(?:página|noticia|artículo)(?: solicitada| que buscas?)? (?:no (?:encontrad[oa]|existe|"
    r"disponible|se "
    r"(?:encuentra|encontró|ha encontrado))|ya no existe)|no (?:se )?(?:hemos )?(?:encontr\w+|existe) (?:la|esta) "
    r"página|"
    r"(?:la )?pagina (?:richiesta |cercata )?(?:non (?:è stata )?(?:trovata|esiste|disponibile)|inesistente)|"
    r"(?:de )?(?:pagina|artikel) (?:is |kon |kan )?(?:niet|niet meer) (?:gevonden|beschikbaar|worden|bestaat)|"
    r"(?:deze )?pagina bestaat niet|"
    r"(?:a |esta )?(?:página|notícia) (?:solicitada )?(?:não (?:encontrada|existe|foi encontrada|disponível))|"
    r"(?:nie znaleziono|nie ma takiej|brak) (?:strony|artykułu)|(?:ta )?strona (?:nie (?:istnieje|"
    r"została znaleziona)|"
    r"której szukasz)|strony nie znaleziono|"
    r"sidan (?:kunde |kan )?(?:inte |ej )(?:hittas|hittades|finns|tillgänglig)|sidan (?:hittades|finns) (?:inte|ej)|"
    r"(?:vi )?(?:kunde|kan) inte hitta sidan|"
    r"siden (?:blev |ble |kunne |kan |er )?(?:ikke |findes ikke|finnes ikke|eksisterer ikke)(?:fundet|funnet|"
    r"findes)?|"
    r"(?:vi )?(?:fant|fandt|kan|kunne) ikke (?:finde |finne )?siden|"
    r"(?:ni chanfuwyd|methu (?:â )?(?:dod o hyd i|canfod))(?: y| 'r|'r)? ?(?:dudalen|tudalen)|tudalen heb (?:ei )?"
    r"(?:chanfod|ganfod)))(?!\w)",
    re.IGNORECASE,
)
_FIREWALL_ABROAD = re.compile(
    r"^\W*(?:zu(?:griff|gang) verweigert|sicherheits(?:überprüfung|abfrage|check)|einen moment(?: bitte)?|nur "
    r"einen moment|"
    r"(?:bist du|sind sie) (?:ein )?(?:mensch|roboter|bot)|ich bin kein roboter|zu viele anfragen|accès (?:refusé|"
    r"interdit|"
    r"bloqué)|vérification de sécurité|un instant|(?:êtes-vous|es-tu) (?:un )?(?:humain|robot)|trop de requêtes|"
    r"acceso (?:denegado|bloqueado)|verificación de seguridad|un momento|¿?eres (?:un )?(?:humano|robot)|"
    r"demasiadas (?:peticiones|solicitudes)|accesso (?:negato|bloccato)|verifica di sicurezza|un attimo|"
    r"sei (?:un )?(?:umano|robot)|troppe richieste|toegang (?:geweigerd|ontzegd)|even geduld|beveiligingscontrole|"
    r"(?:bent u|ben je) een (?:mens|robot)|acesso (?:negado|bloqueado)|verificação de segurança|um momento|"
    r"(?:você é|é) um (?:humano|robô)|odmowa dostępu|brak dostępu|dostęp zabroniony|(?:jeszcze )?chwil\w+|czy jesteś "
    r"(?:człowiekiem|robotem)|åtkomst nekad|ett ögonblick|säkerhetskontroll|är du (?:en )?(?:människa|robot)|"
    r"adgang nægtet|"
    r"et øjeblik|er du (?:et menneske|en robot)|(?:ingen tilgang|tilgang nektet)|et øyeblikk|sikkerhetssjekk|"
    r"gwrthodwyd mynediad|un eiliad)(?=\W*$|\W+\S{0,30}\W*$|\s[|–—-])",
    re.IGNORECASE,
)
_BACK_SOON = re.compile(
    r"^\W*(?:(?:(?:this |the |our |web)?site |we are |we're |currently )*(?:is )?(?:down for|closed for|under|"
    r"undergoing|in|"
    r"scheduled|planned|essential|site|system|website)? ?maintenance(?: mode| page| in progress| break)?|"
    r"(?:we'll|we will|will) be (?:right )?back(?: soon| shortly| later)?|be right back|back soon|"
    r"(?:(?:the |this )?(?:site|service|server|page|website) )?(?:is )?(?:temporarily|currently) (?:unavailable|"
    r"down|offline)|"
    r"service (?:temporarily )?unavailable|(?:50[0234]|error 50[0234])\b.{0,40}|bad gateway|gateway time-?out|"
    r"internal server error|database error|error establishing a database connection|"
    r"wartung(?:sarbeiten|smodus|spause)?|(?:die |unsere )?(?:web)?(?:seite|site) (?:ist|wird) (?:gerade |derzeit )?"
    r"(?:gewartet|in wartung|nicht erreichbar)|(?:vorübergehend|derzeit|momentan) nicht (?:erreichbar|verfügbar)|"
    r"(?:wir sind )?(?:gleich|bald) (?:wieder )?(?:zurück|da)|(?:site |page )?en (?:cours de )?maintenance|"
    r"maintenance en cours|(?:site |service )?(?:momentanément|temporairement) (?:indisponible|inaccessible)|"
    r"(?:nous revenons|de retour) (?:bientôt|très vite)|(?:sitio |página |web )?en mantenimiento|"
    r"(?:servicio |sitio )?temporalmente no disponible|volvemos (?:pronto|enseguida)|(?:sito )?in manutenzione|"
    r"(?:sito |servizio )?(?:temporaneamente|momentaneamente) non (?:disponibile|raggiungibile)|torniamo "
    r"(?:presto|subito)|"
    r"(?:site |website )?(?:in|onder) onderhoud|onderhouds(?:werkzaamheden|pagina)?|tijdelijk (?:niet (?:beschikbaar|"
    r"bereikbaar)|onbereikbaar|offline)|(?:we zijn )?zo terug|(?:site |página )?em manutenção|"
    r"(?:temporariamente|momentaneamente) indispon[íi]vel|voltamos (?:em breve|já)|przerwa techniczna|"
    r"prace (?:serwisowe|konserwacyjne|techniczne)|(?:serwis |strona )?(?:chwilowo|tymczasowo) niedostępn[ya]|"
    r"zaraz wracamy|wracamy wkrótce|(?:driftstörning|underhåll(?:sarbete)?(?: pågår)?)|tillfälligt "
    r"(?:otillgänglig|stängd|"
    r"ur funktion|nere)|(?:vi är )?snart tillbaka|vedligehold(?:else)?|midlertidigt (?:utilgængelig|ude af drift|"
    r"lukket)|"
    r"vedlikehold|midlertidig (?:utilgjengelig|stengt|nede)|(?:vi er )?(?:straks|snart) tilbage|(?:vi er "
    r")?(?:straks|snart) "
    r"tilbake|(?:gwaith )?cynnal a chadw|ddim ar gael (?:dros dro|ar hyn o bryd)|yn ôl (?:yn fuan|cyn bo hir))"
    r"(?=\W*$|\s[|–—-]\s)",
    re.IGNORECASE,
)
_CONSENT_BUTTON = re.compile(
    r"\b(?:(?:alle|alles|cookies) (?:akzeptieren|annehmen|ablehnen|zulassen)|(?:zustimmen|akzeptieren) und weiter|"
    r"mit werbung (?:weiterlesen|lesen|fortfahren)|(?:pur|contentpass|werbefrei)-?abo\w*|tout (?:accepter|refuser)|"
    r"accepter et (?:continuer|fermer)|continuer sans accepter|(?:gérer|paramétrer) (?:mes|les|vos) (?:choix|cookies|"
    r"préférences)|(?:aceptar|rechazar) (?:todo|todas|todos|cookies|y continuar)|aceptar y (?:continuar|cerrar)|"
    r"(?:configurar|gestionar) (?:las )?(?:cookies|preferencias)|(?:accetta|rifiuta) (?:tutto|tutti|e continua|i "
    r"cookie)|"
    r"continua senza accettare|(?:alles|alle cookies) (?:accepteren|weigeren|toestaan)|cookies (?:accepteren|"
    r"weigeren)|"
    r"(?:aceitar|rejeitar) (?:tudo|todos|todas|cookies|e continuar)|(?:akceptuj\w*|odrzuć|zaakceptuj) "
    r"(?:wszystkie|cookies|"
    r"i przejdź)|przejdź do serwisu|(?:godkänn|acceptera|avvisa|tillåt) (?:alla|cookies|kakor)|(?:accepter|tillad|"
    r"afvis) "
    r"(?:alle|cookies)|(?:godta|aksepter|avvis|tillat) (?:alle|cookies)|(?:derbyn|gwrthod) (?:pob|y|cwcis))",
    re.IGNORECASE,
)
# A piece of every wording of a button, in whatever case its first letter is: most texts have none of them, and looking
# for them takes a tenth of the time that the pattern takes.
_BUTTON_HINTS: Final = (
    *("kzeptier", "nnehmen", "blehnen", "ulassen", "ustimmen", "erbung", "-abo", "-Abo", "ccepter", "efuser", "érer "),
    *("aramétrer", "ceptar ", "echazar", "onfigurar", "estionar", "ccetta", "ifiuta", "ontinua s", "eigeren"),
    *("oestaan", "ceitar", "ejeitar", "kceptuj", "drzuć", "rzejdź", "odkänn", "cceptera", "vvisa", "illåt", "illad"),
    *("fvis", "odta", "ksepter", "vvis ", "illat ", "erbyn", "wrthod", "AKZEPT", "ACCEPT", "ACEPT", "ZUSTIMMEN"),
)
_BUTTON_HINTS_FARTHER: Final = (
    *(
        "同意",
        "許可",
        "受け",
        "承諾",
        "拒否",
        "قبول",
        "رفض",
        "موافق",
        "ринять",
        "тклонить",
        "接受",
        "동의",
        "허용",
        "수락",
    ),
    *("yväksy", "řijmout", "ovolit", "ouhlasím", "lfogadom", "ccept", "ποδοχή", "ümünü", "CCEPT", "YVÄKSY", "ΠΟΔΟΧΉ"),
)
_CONSENT_ABROAD = re.compile(
    r"cookies?\b|cookie-?(?:einstellungen|richtlinie|instellingen|beleid)|cwcis|kakor|informasjonskapsler|plik\w+ "
    r"cookie|"
    r"traceurs|einwilligung\w*|zustimmung|consentement|consentimiento|consentimento|consenso|toestemming|zgod[aęy]\b|"
    r"samtycke|samtykke|cydsyniad|datenschutz\w*|personenbezogen\w+|données personnelles|datos personales|dati "
    r"personali|"
    r"persoonsgegevens|dados pessoais|dan(?:e|ych) osobow\w+|personuppgifter|personopplysninger|personoplysninger|"
    r"data personol|(?:unsere|nos|nuestros|nostri|onze|nossos|nasi|våra|vores|våre|ein)(?: \d[\d.]*)? "
    r"(?:partner\w*|partenaires|socios|parceiros|partneriaid)|personalis\w+ (?:werbung|anzeigen|inhalte|reclame)|"
    r"publicités? personnalisées?|publicidad personalizada|annunci personalizzati|pubblicità personalizzata|"
    r"gepersonaliseerde \w+|spersonalizowan\w+|publicidade personalizada|anpassade? annonser|målrettede annoncer|"
    r"tilpassede annonser|berechtigtes interesse|intérêt légitime|interés legítimo|legittimo interesse|"
    r"gerechtvaardigd belang|legitime? interesse|berättigat intresse|personvern\w*|(?:politique|política|"
    r"polityk\w+|polisi)"
    r" (?:de |da )?(?:confidentialité|privacidad|privacidade|prywatności|preifatrwydd)|privacy(?:beleid|verklaring)|"
    r"informativa sulla privacy|integritetspolicy|privatlivspolitik",
    re.IGNORECASE,
)
_LOGIN_ABROAD = re.compile(
    r"\b(?:(?:jetzt )?(?:anmelden|einloggen|registrieren),? (?:um|und) |bereits (?:registriert|abonnent|kunde|"
    r"mitglied)|"
    r"nur für (?:abonnent|mitglieder|registrierte)|passwort vergessen|jetzt weiterlesen|weiterlesen mit|"
    r"(?:connectez|identifiez|abonnez|inscrivez)-vous (?:pour|à|afin)|déjà (?:abonnée?|un compte|inscrite?)|"
    r"réservé(?:e|s)? "
    r"(?:à nos|aux) abonnés|mot de passe oublié|(?:inicia|iniciar) sesión para|(?:suscríbete|regístrate) para|"
    r"(?:ya eres|¿ya eres) (?:suscriptor|socio|usuario)|(?:solo|exclusivo) para (?:suscriptores|socios)|olvidaste tu "
    r"contraseña|(?:accedi|abbonati|registrati) per|(?:sei )?già abbonato|riservato agli abbonati|"
    r"password dimenticata|"
    r"(?:log in|inloggen|registreer) om|(?:word|al|reeds) abonnee|alleen voor abonnees|wachtwoord vergeten|"
    r"(?:faça login|inicie sessão|assine|registe-se) para|já é assinante|exclusivo para assinantes|esqueceu.{0,12} "
    r"(?:senha|palavra-passe)|zaloguj się|tylko dla (?:prenumeratorów|subskrybentów|zalogowanych)|masz już konto|"
    r"nie pamiętasz hasła|logga in (?:för|och)|(?:bli|redan) prenumerant|endast för prenumeranter|glömt (?:ditt "
    r")?lösenord|"
    r"log ind for|(?:bliv|allerede) abonnent|kun for abonnenter|glemt (?:din )?adgangskode|logg inn for|bli abonnent|"
    r"glemt passord|mewngofnodwch i|wedi anghofio.{0,15}cyfrinair)",
    re.IGNORECASE,
)


# Languages of other scripts and some more, each asked for by titles that begin so: few words, because their
# templates differ less.
_MISSING_FARTHER = re.compile(
    r"^\W*(?:404\W+)?(?:(?:お探しの|ご指定の|指定された|指定の|リクエストされた|アクセスされた|該当の|"
    r"該当する)?(?:ページ|記事|ファイル)"
    r"(?:は|が|を)?(?:現在)?(?:、|,)?(?:見つかりません|みつかりません|見付かりません|見つけられません|"
    r"存在しません|ありません|削除され)|"
    r"(?:(?:عذرا|عفوا)\W+)?(?:هذه )?الصفحة (?:التي تبحث عنها |المطلوبة )?(?:غير موجودة|غير متوفرة|غير متاحة|"
    r"لم تعد موجودة)|"
    r"(?:لم يتم|تعذر) العثور على (?:هذه )?الصفحة|"
    r"(?:запрашиваемая |запрошенная |такая |эта )?страница (?:не (?:найдена|существует)|удалена)|"
    r"страницы? не существует|"
    r"(?:сторінк[ау]|сторінку) не (?:знайдено|існує)|"
    r"(?:您(?:访问|要找)的)?(?:页面|頁面|网页|網頁|文章)(?:不存在|未找到|找不到|已被?删除|已刪除)|(?:找不到|"
    r"未找到|抱歉.{0,3}找不到)(?:该|此|這個)?(?:页面|頁面|网页|網頁)|"
    r"(?:요청하신 )?페이지(?:를|가) (?:찾을 수 없습니다|존재하지 않습니다)|존재하지 않는 페이지|"
    r"(?:hakemaasi |etsimääsi )?sivua ei (?:löydy|löytynyt|ole)|(?:stránka|článek|článok|stránku) (?:nebyla |"
    r"se |sa )?"
    r"(?:nenalezen[ay]?|nepodařilo|neexistuje|nenašl[ao]|nebola|nájdená)|(?:az |"
    r"a keresett )?oldal (?:nem található|nem "
    r"létezik)|pagina (?:nu (?:a fost găsită|există|mai există)|solicitată nu)|(?:η )?σελίδα δεν (?:βρέθηκε|υπάρχει)|"
    r"(?:aradığınız )?sayfa (?:bulunamadı|mevcut değil)|lehte ei leitud|puslapis nerastas|lapa nav atrasta|"
    r"stranica (?:nije pronađena|ne postoji)|stran ne obstaja|страницата не (?:е намерена|съществува)|"
    r"sidan (?:du (?:söker|letade efter) )?(?:finns inte|hittades inte|kunde inte hittas)|"
    r"la página que (?:busca|buscas|solicita|intenta)\b.{0,20}\b(?:no existe|no se encuentra|no está)|"
    r"la page que vous (?:cherchez|recherchez|demandez)\b.{0,10}\b(?:n'existe|est introuvable|n'est)|"
    r"(?:die |diese )?seite ist nicht (?:mehr )?(?:verfügbar|vorhanden|erreichbar))",
    re.IGNORECASE,
)
_FIREWALL_FARTHER = re.compile(
    r"^\W*(?:アクセスが(?:拒否|制限|禁止)|アクセスできません|(?:تم )?رفض الوصول|الوصول مرفوض|"
    r"доступ (?:запрещ[её]н|ограничен|"
    r"заблокирован)|访问(?:被拒绝|受限)|拒绝访问|存取被拒|접근이? (?:거부|차단)|pääsy (?:evätty|estetty)|"
    r"přístup odepřen|"
    r"hozzáférés megtagadva|acces (?:interzis|refuzat)|erişim engellendi|η πρόσβαση)",
    re.IGNORECASE,
)
_BACK_SOON_FARTHER = re.compile(
    r"^\W*(?:(?:ただいま|現在)?(?:システム|サイト|サーバー?)?(?:は)?(?:、)?メンテナンス(?:中|のお知らせ|"
    r"作業中)|الموقع (?:تحت|قيد) الصيانة|"
    r"(?:сайт )?(?:на |ведутся )?(?:техническ\w+ (?:обслуживани\w+|работ\w*|перерыв))|(?:网站|系统)(?:正在)?维护|"
    r"(?:시스템|사이트|서비스) 점검|huoltokatko|(?:probíhá )?údržba|karbantartás)",
    re.IGNORECASE,
)
_CONSENT_BUTTON_FARTHER = re.compile(
    r"(?:すべて|全て)?(?:同意する|許可する|受け入れる|承諾する)|すべて拒否|قبول (?:الكل|الجميع|ملفات)|رفض الكل|"
    r"موافق(?:ة)?\b|"
    r"принять (?:все|и продолжить)|отклонить все|(?:全部)?(?:接受|同意)(?:所有|全部|并继续)?|모두 (?:동의|허용|수락)|"
    r"hyväksy (?:kaikki|evästeet)|(?:přijmout|povolit|souhlasím) (?:vše|se vším)?|elfogadom|accept(?:ă|ați) toate|"
    r"αποδοχή (?:όλων|και)|tümünü kabul",
    re.IGNORECASE,
)
_CONSENT_FARTHER = re.compile(
    r"cookie|クッキー|同意|プライバシーポリシー|個人情報|広告の最適化|الارتباط|الخصوصية|موافقتك|إعلانات مخصصة|"
    r"персональны\w+ данны\w+|файл\w+ cookie|согласи\w+|隐私|个人信息|쿠키|개인정보|eväste\w*|suostumu\w+|"
    r"osobní\w* údaj\w+|souhlas\w*|sütik?e?t?|adatkezelés\w*|consimțământ\w*|συγκατάθεση|çerez\w*",
    re.IGNORECASE,
)


_SUBSCRIBE: Final = re.compile(
    r"\b(?:subscribe|sign up|register|log ?in|sign ?in|become a (?:member|subscriber)|join|upgrade|"
    r"start your (?:free )?trial)\b.{0,40}\b(?:to|and) (?:continue|keep|read|unlock|access|see|view|finish)\w*\b|"
    r"\b(?:to (?:continue|keep) reading|continue reading (?:with|for)|unlock (?:this|the (?:full|rest))|"
    r"read the (?:full|rest of the) (?:article|story) (?:with|by)|(?:this|the) (?:article|story|content|post|page|"
    r"report) is (?:only )?(?:for|available to|reserved for|exclusive to|free for) (?:\w+ ){0,2}(?:subscribers|"
    r"members|registered)|for (?:paid |paying )?(?:subscribers|members) only|(?:subscribers?|members?)[- ](?:only|"
    r"exclusive)|already a (?:subscriber|member)|you have (?:reached|read) (?:your|all your) .{0,30}(?:free|"
    r"limit)|this is premium content)|\b(?:weiterlesen mit|jetzt (?:weiterlesen|abonnieren|freischalten)|"
    r"um (?:den|diesen) (?:\w+ )?(?:artikel|beitrag|text) (?:\w+ )?(?:zu lesen|lesen zu können|weiterzulesen)|"
    r"(?:nur|exklusiv) für (?:\w+ )?(?:abonnent|mitglieder|plus)|(?:dieser|der) (?:artikel|beitrag|"
    r"inhalt) ist (?:\w+ )?(?:kostenpflichtig|abonnenten|plus)|bereits (?:abonnent|registriert|mitglied)|"
    r"lesen sie (?:den ganzen|weiter))|\b(?:(?:cet article|ce contenu|la suite) est (?:\w+ )?réservée?|"
    r"réservée?s? (?:à nos|aux) abonné|il vous reste .{0,12}(?:à|de cet article)|abonnez-vous|(?:pour (?:lire|"
    r"accéder à)|lire) la suite|déjà abonné)|\b(?:suscríbete|hazte (?:socio|suscriptor)|(?:contenido|artículo|"
    r"noticia) (?:\w+ )?(?:exclusiv[oa]|solo|sólo) para (?:suscriptores|socios)|para (?:seguir|continuar) leyendo|"
    r"sigue leyendo (?:con|por)|ya (?:soy|eres) suscriptor)|\b(?:abbonati (?:per|a)|riservat[oa] agli abbonati|"
    r"per continuare a leggere|continua a leggere con|sei già abbonato)|\b(?:(?:word|alleen voor) abonnee\w*|"
    r"om (?:verder|door) te lezen|lees (?:verder|dit artikel) (?:met|gratis|voor)|al abonnee)|\b(?:(?:assine|"
    r"subscreva|torne-se assinante) (?:para|e)|exclusivo para assinantes|para continuar (?:a ler|lendo)|"
    r"já é assinante)|\b(?:(?:wykup|kup) (?:dostęp|subskrypcję|prenumeratę)|tylko dla (?:prenumeratorów|"
    r"subskrybentów)|aby (?:czytać dalej|przeczytać (?:cały|całość))|czytaj dalej z)|\b(?:(?:för|for) (?:att|at|"
    r"å) (?:läsa|læse|lese) (?:vidare|videre|hela|hele|resten)|(?:endast|kun|bare) (?:för|for) (?:prenumeranter|"
    r"abonnenter)|läs (?:hela|vidare) (?:artikeln )?(?:med|som)|bli(?:v)? (?:prenumerant|abonnent|plus)|"
    r"(?:denna artikel|denne artikkelen|denne artikel) (?:är|er) (?:för|for|låst|kun))|"
    r"\btanysgrifiwch i (?:ddarllen|barhau)|続きを読むには|会員限定|有料(?:会員|"
    r"記事)|구독자 전용|доступн\w+ (?:только )?(?:по подписке|"
    r"подписчикам)|pouze pro předplatitele|csak előfizetőknek",
    re.IGNORECASE,
)


def says_subscribe(block: str) -> bool:
    """Whether a short block of a page asks its readers to pay or to sign up for the rest of it."""
    return len(block) < 600 and _SUBSCRIBE.search(block) is not None


def says_missing(titles: Sequence[str], words: int) -> bool:
    """Whether a page with these headlines and so many words says that there is nothing at its address."""
    return words < 300 and any(_MISSING.search(title) or _MISSING_FARTHER.search(title) for title in titles)


def find_block(titles: Sequence[str], text: str, seen: str, *, words: int, dated: bool) -> str | None:
    """Why a page cannot be read; None where it can.

    Args:
        titles: every form of its headline.
        text: its text.
        seen: all that is visible, where there is no text.
        words: of the text.
        dated: the page calls itself an article and has a date.
    """
    headings = " | ".join(titles)
    if words < 200 and (_FIREWALL.search(headings) or (words < 80 and _FIREWALL.search(text))):
        return "firewall page"
    if words < 120 and any(_FIREWALL_ABROAD.search(title) or _FIREWALL_FARTHER.search(title) for title in titles):
        return "firewall page"
    if (
        words < 150
        and not dated
        and any(_BACK_SOON.search(title) or _BACK_SOON_FARTHER.search(title) for title in titles)
    ):
        return "maintenance page"
    if words < 1500 and (_is_consent(text) or _is_consent_abroad(text)):
        return "consent page"
    if len(seen.split()) < 80 and (_LOGIN.search(seen) or _LOGIN_ABROAD.search(seen)):
        return "login or paywall page"
    return None


def count_wall_words(text: str) -> int:
    """How many different phrases of consent, login and firewall pages a text begins or ends with; 0 for most texts.

    One alone is a story's, so it counts as none, unless it asks the reader to sign in. For telling that *many* pages of
    a run do so: a single text is judged by `find_block`.
    """
    edges = text if len(text) <= 2 * _EDGE else f"{text[:_EDGE]}\n{text[-_EDGE:]}"
    folded = edges.lower()
    asks: set[str] = set()
    if any(hint in folded for hint in _LOGIN_HINTS):
        asks = {match.group().lower() for pattern in (_LOGIN, _LOGIN_ABROAD) for match in pattern.finditer(edges)}
    terms: set[str] = set()
    if sum(hint in folded for hint in _CONSENT_HINTS) >= 2:
        terms = {match.group().lower() for match in _CONSENT.finditer(edges)}
    if any(hint in edges for hint in (*_BUTTON_HINTS, *_BUTTON_HINTS_FARTHER)):
        terms |= {match.group().lower() for match in _CONSENT_ABROAD.finditer(edges)}
    walled: set[str] = set()
    if any(hint in folded for hint in _FIREWALL_HINTS):
        walled = {match.group().lower() for match in _FIREWALL.finditer(edges)}
    return sum(len(said) if len(said) > 1 else 0 for said in (terms, walled)) + len(asks)


def _is_consent(text: str) -> bool:
    if sum(hint in text for hint in _CONSENT_HINTS) < 2:
        return False
    terms = {match.group().lower() for match in _CONSENT.finditer(text)}
    about = sum(len(line) for line in text.split("\n") if _CONSENT.search(line))
    return len(terms) >= 3 and about >= 0.5 * len(text)


def _is_consent_abroad(text: str) -> bool:
    """The same for other languages; there the words alone are those of any story on data protection, so a button is
    asked for, too."""
    for hints, button, wording in (
        (_BUTTON_HINTS, _CONSENT_BUTTON, _CONSENT_ABROAD),
        (_BUTTON_HINTS_FARTHER, _CONSENT_BUTTON_FARTHER, _CONSENT_FARTHER),
    ):
        if not any(hint in text for hint in hints) or button.search(text) is None:
            continue
        found = [line for line in text.split("\n") if wording.search(line)]
        terms = {match.group().lower() for line in found for match in wording.finditer(line)}
        if len(terms) >= 2 and sum(map(len, found)) >= 0.5 * len(text):
            return True
    return False
