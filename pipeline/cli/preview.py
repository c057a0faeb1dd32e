"""``muniment preview``: one page as the pipeline sees it, without keeping anything.

The page is asked for as politely as the crawl does it (robots.txt, no private addresses, bounded), or read from a
file, and judged by the very function that judges captures. No store and no archive is touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from pipeline.cli.output import JsonOption, console, plain_table, print_json, print_table, safe, tell_particulars
from pipeline.errors import SettingsError
from pipeline.settings import read_settings
from spiders.families import escape
from spiders.site import Site

if TYPE_CHECKING:
    from pipeline.model import Finding
    from spiders.warc import Captured

EXIT_FAILED = 1
NOT_DRAWN = (
    "The site's pages are drawn in a browser where they need it (crawl.render). This is the page as it was received: a "
    "crawl may find more. `muniment run SITE --limit 1` draws one."
)
_SHOWN_BLOCKS = 12
_KEPT_HEADERS = ("content-type", "last-modified", "etag", "x-robots-tag", "tdm-reservation", "tdm-policy")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("preview")(preview_page)


def user_agent(*, private: bool) -> str:
    """Who asks; on the live web only with a contact address.

    Raises:
        SettingsError: there is none, or none that can stand in a header.
    """
    from pipeline import __version__
    from spiders.robots import name_user_agent

    contact = read_settings().contact.strip()
    if not contact and not private:
        raise SettingsError(
            "MUNIMENT_CONTACT is not set: a site must be able to reach whoever asks it.",
            next_step="Set MUNIMENT_CONTACT to a web page or e-mail address of yours, and try again.",
        )
    try:
        return name_user_agent(__version__, contact)
    except ValueError as error:
        raise SettingsError(
            f"MUNIMENT_CONTACT: {error}.",
            next_step="Set MUNIMENT_CONTACT to a web page or e-mail address of yours in plain ASCII.",
        ) from error


def stand_in_site(url: str, *, allow_private: bool = False) -> Site:
    """A site for a page that no site file declares: every page of its host counts as an article."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    return Site.model_validate(
        {
            "id": "preview",
            "name": parts.netloc,
            "home": f"{origin}/",
            "kind": "regional",
            "article": escape(origin) + "/.*",
            "sources": [{"type": "listing", "url": f"{origin}/"}],
            "crawl": {"allow_private": allow_private},
        }
    )


def make_capture(
    *,
    url: str,
    requested: str,
    body: bytes,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    hops: tuple[tuple[int, str], ...] = (),
    policy: Mapping[str, str] | None = None,
    now: datetime,
) -> Captured:
    """A page that lies in no segment, as extraction wants pages.

    Args:
        url: the URL that answered.
        requested: the canonical URL that was asked for.
        body: content codings undone.
        status: HTTP status.
        headers: of the answer, names in small letters.
        hops: redirects on the way.
        policy: what the site allows, as a capture has it.
        now: when it was answered; dates after that are not believed.
    """
    from spiders.warc import Captured, Hop, payload_digest

    kept = tuple((name, value) for name, value in (headers or {}).items() if name in _KEPT_HEADERS)
    return Captured(
        kind="page",
        url=url,
        requested=requested,
        status=status,
        headers=kept,
        record_type="response",
        payload=body,
        offset=0,
        length=len(body),
        record_id="",
        payload_digest=payload_digest(body),
        captured_at=now,
        hops=tuple(Hop(*hop) for hop in hops),
        policy=policy or {},
    )


def preview_page(
    url: Annotated[str, typer.Argument(metavar="URL", help="The page.")],
    site_id: Annotated[
        str | None,
        typer.Option("--site", metavar="ID", help="Whose page it is; left out: the site that its URL names."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Read the page from a file instead of asking for it.")
    ] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Allow loopback and private addresses (tests, intranets).")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show one page as the pipeline sees it: text, metadata with where each came from, what was stripped, the verdict.

    Nothing is kept. Exit code 1 when the page could not be had; a page that is no article is a result, not a failure.

    Example: muniment preview https://www.example.gov.uk/news/new-bins
    """
    from pipeline.extract import judge_capture
    from spiders.urls import canonical_url

    try:
        requested = canonical_url(url)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    site, declared = choose_site(requested, site_id, allow_private=allow_private)
    now = datetime.now(UTC)
    if html is not None:
        try:
            body = html.read_bytes()
        except OSError as error:
            raise typer.BadParameter(f"{html} cannot be read ({error.strerror})") from error
        asked: Captured | str = make_capture(url=requested, requested=requested, body=body, now=now)
    else:
        asked = ask_for(site, requested, now=now)
    if isinstance(asked, str):
        if as_json:
            print_json({"requested": requested, "verdict": "failed", "reason": asked, "article": None})
        console(stderr=True).print(safe(f"{requested} could not be had: {asked}"), style="red")
        console(stderr=True).print("`muniment preview URL --html FILE` reads a page that was saved.")
        raise typer.Exit(EXIT_FAILED)
    finding = judge_capture(site, asked, "")
    told = _tell(finding, site if declared else None, requested)
    if as_json:
        print_json(told)
    else:
        _print(told)


def choose_site(url: str, site_id: str | None, *, allow_private: bool) -> tuple[Site, bool]:
    """The declared site of a page, or one that stands in for it; and whether it is declared."""
    from pipeline.steps import read_sites

    sites = read_sites(read_settings())
    if site_id is not None:
        if site_id not in sites:
            raise typer.BadParameter(f"No site file declares {site_id!r}. `muniment sites list` shows them.")
        return sites[site_id], True
    owners = [site for site in sites.values() if site.owns(url)]
    best = next((site for site in owners if site.is_article(url)), owners[0] if owners else None)
    if best is None:
        return stand_in_site(url, allow_private=allow_private), False
    if allow_private:
        best = best.model_copy(update={"crawl": best.crawl.model_copy(update={"allow_private": True})})
    return best, True


def ask_for(site: Site, url: str, *, now: datetime) -> Captured | str:
    """Ask for the page, politely; the policy that its headers and its head say is told with it.

    Returns:
        What was answered, or why it could not be had, in words.
    """
    import time

    import httpx

    from spiders.policy import SitePolicy, read_head, see_policy
    from spiders.probe import Browser, NotAnsweredError

    agent = user_agent(private=site.crawl.allow_private)
    with httpx.Client(headers={"User-Agent": agent}, timeout=site.crawl.timeout, follow_redirects=False) as client:
        browser = Browser(rules=site.crawl, client=client, pause=time.sleep, at_most=20)
        try:
            response, body = browser.get(url)
        except NotAnsweredError as error:
            return str(error)
        parts = urlsplit(str(response.url))
        robots = browser.policies.get(f"{parts.scheme}://{parts.netloc}")
        rule = robots.find_rule(str(response.url)) if robots else None
        policy, _ = see_policy(
            SitePolicy(robots=None),
            url=str(response.url),
            robots_rule=rule.line if rule else None,
            x_robots_tag=response.headers.get_list("x-robots-tag"),
            tdm_reservation=response.headers.get("tdm-reservation"),
            tdm_policy=response.headers.get("tdm-policy"),
            head=read_head(body, "", 100_000),
        )
        return make_capture(
            url=str(response.url),
            requested=url,
            body=body,
            status=response.status_code,
            headers=response.headers,
            hops=tuple(browser.hops),
            policy=policy,
            now=now,
        )


def _tell(finding: Finding, site: Site | None, requested: str) -> dict[str, Any]:
    """What there is to say of a page, as one document."""
    article = finding.article
    address = article.url if article else requested
    pattern = None if site is None else site.is_article(address)
    is_document = article is not None and article.kind == "document"
    return {
        "requested": finding.requested,
        "final": finding.final,
        "hops": [list(hop) for hop in finding.hops],
        "status": finding.evidence.status,
        "site": site.id if site else None,
        "matches_article": pattern,
        "wanted_document": None if site is None or not is_document else site.wants_document(address),
        "verdict": finding.kind,
        "reason": finding.reason,
        "policy": dict(finding.policy),
        "rules": dict(finding.rules),
        "note": NOT_DRAWN if site is not None and site.crawl.render else None,
        "article": None if article is None else article.model_dump(mode="json"),
    }


_FIELDS = (
    "url", "title", "authors", "published", "modified", "section", "language", "description", "image", "tags",
)  # fmt: skip


def _print(told: Mapping[str, Any]) -> None:
    out = console()
    verdict = told["verdict"] + (f": {told['reason']}" if told["reason"] else "")
    out.print(safe(f"{told['final']}  HTTP {told['status']}"))
    for status, where in told["hops"]:
        out.print(safe(f"  redirected ({status}) to {where}"))
    out.print(safe(verdict), style="bold green" if told["verdict"] == "article" else "bold yellow")
    if told["site"]:
        said = "matches article" if told["matches_article"] else "does not match article: a crawl would not take it"
        if not told["matches_article"] and told["wanted_document"] is not None:
            said = "is taken where a page links it" if told["wanted_document"] else "is taken only with crawl.documents"
        out.print(safe(f"site {told['site']}: its URL {said}"))
    else:
        out.print("No site file declares its host; `muniment sites probe` writes one.")
    if told["note"]:
        out.print(told["note"])
    for name, value in told["policy"].items():
        out.print(safe(f"policy {name}: {value}"))
    article = told["article"]
    if article is None:
        return
    out.print()
    _print_fields(article)
    _print_rules(told["rules"], article["stripped"])
    out.print("\nText", style="bold")
    out.print(safe(article["text"]))
    if article["stripped"]:
        out.print(f"\nStripped ({len(article['stripped'])})", style="bold")
        for block in article["stripped"][:_SHOWN_BLOCKS]:
            text = " ".join(block["text"].split())
            out.print(safe(f"  {block['reason']}: {text[:160]}{'…' if len(text) > 160 else ''}"))
        if len(article["stripped"]) > _SHOWN_BLOCKS:
            out.print(f"  … {len(article['stripped']) - _SHOWN_BLOCKS} more (--json has them all)")


def _print_rules(rules: Mapping[str, bool], stripped: Sequence[Mapping[str, Any]]) -> None:
    """Which rules of the site's file found something, and how much they stripped."""
    if not rules:
        return
    out = console()
    out.print("\nRules of the site's file", style="bold")
    blocks = Counter(block["reason"] for block in stripped if block["rule"] == "site rule")
    for rule, found in rules.items():
        taken = f", stripped: {blocks[rule]}" if blocks[rule] else ""
        out.print(safe(f"  {rule}: {'found' + taken if found else 'found nothing, read as usual'}"))


def _print_fields(article: Mapping[str, Any]) -> None:
    table = plain_table("FIELD", "FROM", "VALUE")
    table.add_row("id", "url", article["article"])
    for name in _FIELDS:
        value = article[name]
        if isinstance(value, dict):  # a moment: what was read is the better witness
            value = f"{value['value']} (read: {value['original']}, to the {value['precision']})"
        if isinstance(value, list):
            value = ", ".join(value)
        table.add_row(name, article["origins"].get(name, "-"), safe(str(value)) if value else "-")
    for name, words in tell_particulars(article):
        table.add_row(name, article["origins"].get(name, "-"), safe(words))
    table.add_row("words", article["origins"].get("text", "-"), str(article["words"]))
    print_table(table)
