"""A newsroom with a past on loopback: months of articles, named by dated sitemaps, a paged feed, or a listing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from pipeline.settings import Settings
from pipeline.steps import Workplace, open_workplace
from tests.loopback import Asked, LoopbackSite, Reply
from tests.pipeline.loop_news import STREETS

XML = "application/xml"


def months(first: date, count: int) -> list[date]:
    """The first days of so many months."""
    return [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(count)]


def story(day: date, number: int) -> str:
    """A page with a text and a date of its own."""
    street = STREETS[number % len(STREETS)]
    seed = day.toordinal() * 10 + number
    body = "".join(
        f"<p>{text}</p>"
        for text in (
            f"Work on the drains of {street} was voted on in session {seed}, the council has said, and the road stays "
            f"open to buses and to the {seed % 97 + 3} households that live on it until the {seed % 27 + 1}th.",
            f"Councillor Ann Example said the sum of £{seed},000 had been set aside in the spring, after "
            f"{seed % 311} complaints about standing water outside the school at the foot of {street}.",
            f"Residents may look at drawing {seed} in the library until the end of the month, and the ward forum takes "
            "questions every Tuesday evening from anybody who lives there.",
        )
    )
    return (
        f"<html lang='en-GB'><head><title>Drains of {street}, file {seed}</title>"
        f"<meta property='og:type' content='article'>"
        f"<meta property='article:published_time' content='{day.isoformat()}T09:00:00+00:00'></head>"
        f"<body><article><h1>Drains of {street}, file {seed}</h1>{body}</article></body></html>"
    )


def path_of(day: date, number: int) -> str:
    """An article's path: it says nothing of its date."""
    return f"/news/item-{day.toordinal()}-{number}"


def publish_months(server: LoopbackSite, days: Iterable[date], each: int) -> None:
    """So many articles on each of these days, and ``/map.xml``: an index with a child for each month."""
    children = []
    for day in days:
        entries = []
        for number in range(each):
            path = path_of(day, number)
            server.routes[path] = Reply(body=story(day, number).encode())
            entries.append(f"<url><loc>{server.url(path)}</loc><lastmod>{day.isoformat()}</lastmod></url>")
        child = f"/sitemap-{day:%Y-%m}.xml"
        xml = f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{''.join(entries)}</urlset>"
        server.routes[child] = Reply(body=xml.encode(), content_type=XML)
        children.append(f"<sitemap><loc>{server.url(child)}</loc></sitemap>")
    xml = f"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{''.join(children)}</sitemapindex>"
    server.routes["/map.xml"] = Reply(body=xml.encode(), content_type=XML)


def list_pages(server: LoopbackSite, days: list[date], each: int, size: int) -> None:
    """``/list?page=N``: all articles, newest first, so many on a page, without their dates; 404 beyond the last."""
    paths = [path_of(day, number) for day in sorted(days, reverse=True) for number in range(each)]
    last = -(-len(paths) // size)

    def answer(asked: Asked) -> Reply:
        number = int(asked.path.partition("page=")[2] or 1)
        if number > last:
            return Reply(status=404, body=b"no such page")
        links = "".join(f"<li><a href='{path}'>x</a></li>" for path in paths[(number - 1) * size : number * size])
        return Reply(body=f"<html><body><h1>News</h1><ul>{links}</ul></body></html>".encode())

    server.routes["/list"] = answer


SITEMAP = '[[sources]]\ntype = "sitemap"\nurl = "{home}map.xml"\n'
LISTING = '[[sources]]\ntype = "listing"\nurl = "{home}list"\npaging = "?page={{n}}"\n'


def open_old_news(
    folder: Path, settings: Settings, server: LoopbackSite, *, sources: str = SITEMAP, more: str = "", **rules: object
) -> Workplace:
    """A workplace whose one site, ``old``, is this newsroom."""
    folder.mkdir(exist_ok=True)
    home = server.url("/")
    lines = {"allow_private": "true", "delay": 0, "concurrency": 4, **rules}
    (folder / "old.toml").write_text(
        f'name = "Old News"\nhome = "{home}"\nkind = "council"\nschedule = "17 3 * * *"\n'
        f"article = 'http://127\\.0\\.0\\.1:{server.port}/news/[^/?]+'\n{more}\n{sources.format(home=home)}\n[crawl]\n"
        + "\n".join(f"{name} = {value}" for name, value in lines.items()),
        encoding="utf-8",
    )
    own = settings.model_copy(update={"sites": (folder,), "builtin_sites": False, "processes": 1})
    return open_workplace(own)
