from __future__ import annotations

import pytest

from pipeline.walls import find_block, says_missing

STORY = "The council said on Monday that the bridge will close for repairs until the spring of next year. " * 12


def block(title: str, text: str = "", *, dated: bool = False) -> str | None:
    return find_block((title,), text, text, words=len(text.split()), dated=dated)


@pytest.mark.parametrize(
    "title",
    [
        "404",
        "Error 404",
        "404 Not Found",
        "404 | Example News",
        "Page not found",
        "Page not found | Example News",
        "Sorry, this page could not be found",
        "Sorry, we couldn't find that page",
        "The page you were looking for doesn't exist",
        "This article is no longer available",
        "This article has been removed",
        "Seite nicht gefunden",
        "Die angeforderte Seite wurde nicht gefunden",
        "404 - Fehler",
        "Page introuvable",
        "Cette page n'existe plus",
        "Página no encontrada",
        "La página no existe",
        "Pagina non trovata",
        "Pagina niet gevonden",
        "Deze pagina bestaat niet",
        "Página não encontrada",
        "Nie znaleziono strony",
        "Strona nie istnieje",
        "Sidan kunde inte hittas",
        "Sidan hittades inte",
        "Siden blev ikke fundet",
        "Siden findes ikke",
        "Siden ble ikke funnet",
        "Fant ikke siden",
        "Tudalen heb ei chanfod",
        "Ni chanfuwyd y dudalen",
        "お探しのページは見つかりませんでした",
        "ページが見つかりません | 桜市",
        "指定されたページは存在しません",
        "الصفحة غير موجودة",
        "لم يتم العثور على الصفحة",
        "Страница не найдена",
        "页面不存在",
        "找不到頁面",
        "페이지를 찾을 수 없습니다",
        "Sivua ei löytynyt",
        "Stránka nenalezena",
        "Az oldal nem található",
        "Pagina nu a fost găsită",
        "Η σελίδα δεν βρέθηκε",
        "Sayfa bulunamadı",
        "Sidan finns inte längre",
        "La página que busca ya no existe",
        "La page que vous cherchez n'existe plus",
        "Die Seite ist nicht mehr verfügbar",
    ],
)
def test_not_found_is_understood_in_many_languages(title: str):
    assert says_missing(("Example News", title), 40)


@pytest.mark.parametrize(
    "title",
    [
        "404 Media sues the government over records",
        "Missing page of the manuscript found after 300 years",
        "Councillor found not guilty",
        "Article 50 not found wanting, says judge",
        "Seitenwechsel: Der Artikel wurde gefunden",
        "The page turner that nobody expected",
        "Man not found after search of river",
        "行方不明の男性、川で見つかりませんでした",
        "العثور على صفحة من مخطوطة نادرة",
    ],
)
def test_a_story_whose_headline_sounds_like_it_is_there(title: str):
    assert not says_missing((title,), 120)


def test_a_long_story_about_missing_pages_is_there():
    assert not says_missing(("Page not found",), 400)


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("Just a moment...", "firewall page"),
        ("Access denied", "firewall page"),
        ("Einen Moment bitte", "firewall page"),
        ("Zugriff verweigert", "firewall page"),
        ("Accès refusé", "firewall page"),
        ("Un instant…", "firewall page"),
        ("Acceso denegado", "firewall page"),
        ("Accesso negato", "firewall page"),
        ("Toegang geweigerd", "firewall page"),
        ("Acesso negado", "firewall page"),
        ("Odmowa dostępu", "firewall page"),
        ("Åtkomst nekad", "firewall page"),
        ("Adgang nægtet", "firewall page"),
        ("Ingen tilgang", "firewall page"),
        ("Gwrthodwyd mynediad", "firewall page"),
        ("We'll be back soon", "maintenance page"),
        ("Down for maintenance", "maintenance page"),
        ("Site under maintenance", "maintenance page"),
        ("Scheduled maintenance | Example News", "maintenance page"),
        ("Service unavailable", "maintenance page"),
        ("503 Service Unavailable", "maintenance page"),
        ("Wartungsarbeiten", "maintenance page"),
        ("ただいまメンテナンス中です", "maintenance page"),
        ("الموقع تحت الصيانة", "maintenance page"),
        ("Сайт на техническом обслуживании", "maintenance page"),
        ("アクセスが拒否されました", "firewall page"),
        ("تم رفض الوصول", "firewall page"),
        ("Доступ запрещён", "firewall page"),
        ("Site en maintenance", "maintenance page"),
        ("Sitio en mantenimiento", "maintenance page"),
        ("Sito in manutenzione", "maintenance page"),
        ("Website in onderhoud", "maintenance page"),
        ("Site em manutenção", "maintenance page"),
        ("Przerwa techniczna", "maintenance page"),
        ("Underhåll pågår", "maintenance page"),
        ("Vedligeholdelse", "maintenance page"),
        ("Vedlikehold", "maintenance page"),
        ("Gwaith cynnal a chadw", "maintenance page"),
    ],
)
def test_walls_and_breaks_are_told_by_their_headlines(title: str, reason: str):
    assert block(title, "Please try again in a few minutes.") == reason


@pytest.mark.parametrize(
    "text",
    [
        "Wir und unsere 218 Partner verarbeiten personenbezogene Daten.\nAlle akzeptieren\nCookie-Einstellungen",
        "Nous et nos 312 partenaires utilisons des cookies.\nTout accepter\nContinuer sans accepter les cookies",
        "Nosotros y nuestros 120 socios usamos cookies y datos personales.\nAceptar todo y seguir con cookies",
        "Noi e i nostri 200 partner usiamo cookie e dati personali.\nAccetta tutto\nContinua senza accettare i cookie",
        "Wij en onze 300 partners plaatsen cookies met uw toestemming.\nAlles accepteren\nCookie-instellingen",
        "Nós e os nossos 90 parceiros usamos cookies e dados pessoais.\nAceitar tudo",
        "My i nasi partnerzy przetwarzamy dane osobowe za Twoją zgodą i pliki cookie.\nAkceptuj wszystkie cookies",
        "Vi och våra 80 partner använder kakor med ditt samtycke.\nGodkänn alla kakor",
        "Vi og vores 80 partnere bruger cookies med dit samtykke.\nTillad alle cookies",
        "Vi og våre 80 partnere bruker informasjonskapsler med ditt samtykke.\nGodta alle informasjonskapsler",
        "当サイトでは広告の最適化のためにCookieを使用しています。同意していただける場合は押してください。\nすべて同意する",
        "نحن وشركاؤنا نستخدم ملفات تعريف الارتباط لعرض إعلانات مخصصة بموافقتك.\nقبول الكل\nسياسة الخصوصية",
        "Мы используем файлы cookie и персональные данные для рекламы.\nПринять все",
        "Rydyn ni a'n partneriaid yn defnyddio cwcis gyda'ch cydsyniad.\nDerbyn pob cwcis",
    ],
)
def test_consent_walls_are_told_in_many_languages(text: str):
    assert block("Example News", text) == "consent page"


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Airport security staff to strike", "Security staff at the airport will strike on Monday, their union said."),
        ("New rules for cookies", STORY + "\nWebsites must ask for consent before they set cookies."),
        ("Datenschutz: Gericht stärkt die Einwilligung", "Ein Gericht hat die Einwilligung zu Cookies gestärkt. " * 20),
        ("Wartung des Kraftwerks dauert länger", "Das Kraftwerk bleibt bis Mai vom Netz, sagte der Betreiber. " * 5),
        ("Un instant de grâce à Lyon", "Le public a applaudi pendant dix minutes. " * 10),
        ("Maintenance work closes pool", "The pool in Barton closes for a week of maintenance work. " * 5),
        ("Back soon: the swifts", "The swifts of the old town hall will be back soon, wardens say. " * 5),
        ("Chwilowo bez prądu", "Mieszkańcy ulicy Długiej byli wczoraj bez prądu przez trzy godziny. " * 5),
    ],
)
def test_stories_about_such_things_are_stories(title: str, text: str):
    assert block(title, text) is None


def test_an_article_with_a_date_is_not_taken_for_a_break_by_its_headline():
    assert block("Essential maintenance", STORY[:300], dated=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "Subscribe to continue reading. Already a subscriber? Log in now.",
        "Jetzt weiterlesen mit dem Digitalabo. Bereits Abonnent? Passwort vergessen?",
        "Cet article est réservé aux abonnés. Déjà abonné ? Mot de passe oublié ?",
        "Suscríbete para seguir leyendo. ¿Ya eres suscriptor?",
        "Abbonati per leggere. Sei già abbonato?",
        "Log in om verder te lezen. Al abonnee?",
        "Assine para continuar. Já é assinante?",
        "Zaloguj się, aby czytać dalej. Masz już konto?",
        "Logga in för att läsa vidare. Redan prenumerant?",
        "Log ind for at læse videre. Allerede abonnent?",
        "Logg inn for å lese videre. Glemt passord?",
        "Mewngofnodwch i ddarllen mwy.",
    ],
)
def test_logins_are_told_in_many_languages(text: str):
    assert block("Council agrees budget", text) == "login or paywall page"
