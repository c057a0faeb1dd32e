"""A small newsroom on loopback for the DAG tests: a feed and articles, each with a text of its own."""

from __future__ import annotations

from tests.loopback import LoopbackSite, Reply

PLACES = ("Ashby", "Brinton", "Calder", "Dunmere", "Eastwick", "Farley", "Gorston", "Hadlow", "Ilkeston", "Jarrow")


def write_story(number: int) -> str:
    """The HTML of article ``number``."""
    place = PLACES[number % len(PLACES)]
    paragraphs = (
        f"Councillors in {place} have agreed to spend £{number * 13 + 240},000 on the roof of the market hall, after "
        f"a survey in the autumn counted {number + 7} places where the rain comes in.",
        f"The work begins in week {number + 3} of the new year. Stalls move to the car park behind the library, and "
        f"the {number * 2 + 19} traders who rent them pay half their fee until the hall opens again.",
        f"“We looked at patching it once more, and the figures for {place} were against it,” said the member for "
        f"property, who put the report before the committee. A vote to wait for a grant was lost by {number + 2}.",
        "Drawings hang in the entrance of the town hall until the end of the month. Comments may be left there in "
        f"writing, or sent to the clerk, who asks that they quote reference MH/{number:04}.",
    )
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f"<html lang='en-GB'><head><title>Market hall roof in {place} to be renewed ({number})</title>"
        f"<meta property='article:published_time' content='2026-11-{number % 27 + 1:02}T08:30:00+00:00'></head><body>"
        f"<article><h1>Market hall roof in {place} to be renewed ({number})</h1>{text}</article></body></html>"
    )


def open_newsroom(server: LoopbackSite, *, articles: int, delay: float = 0.0) -> None:
    """Serve so many articles below ``/news/`` and a feed that lists them; each answer takes ``delay`` seconds."""
    items = []
    for number in range(articles):
        path = f"/news/roof-{number}"
        server.routes[path] = Reply(body=write_story(number).encode(), delay=delay)
        items.append(f"<item><title>Roof {number}</title><link>{server.url(path)}</link></item>")
    feed = f"<rss version='2.0'><channel><title>News</title>{''.join(items)}</channel></rss>"
    server.routes["/feed.xml"] = Reply(body=feed.encode(), content_type="application/rss+xml")
