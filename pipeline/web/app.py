"""The routes of the Archive pages: what is asked for, checked; what it takes, read; a template, filled.

Everything stands behind ``pipeline.web.access.Gate``. Ids in addresses must have the form of ids, parameters come once
and are of bounded length, and what is not there is not told from what the visitor may not see. An error of the archive
is a page with the operator's next step.

    /                                                   how all sites stand
    /sites/<site>                                       a site
    /sites/<site>/runs/<run>                            a run; POST …/release
    /sites/<site>/articles/<article>                    an article; ?n= shows that version, ?before= lists older ones
    /sites/<site>/articles/<article>/compare            ?old=&new=: two versions side by side
    /sites/<site>/articles/<article>/<n>/record         the WARC record, to download
    /sites/<site>/articles/<article>/takedown           the form, and POST
    /quarantine                                         runs that the gate refused
    /search                                             versions by headline, address, date, site
    /dags/<dag>, /dags/<dag>/runs/<run>                 from Airflow's tabs to the pages above
    /static/<name>                                      the style sheet, the script, the icon
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pipeline.archive import Archive, segment_number
from pipeline.errors import ArchiveError, MunimentError, NotInArchive, Permanent, Temporary
from pipeline.health import read_health
from pipeline.lifecycle import current_version
from pipeline.model import RUN_ID, SITE_ID, Report, State
from pipeline.store import NotAllowed
from pipeline.web import acting
from pipeline.web.access import DAG_PREFIX, MOST_FORM, Door, Gate, Visitor, is_token, make_token
from pipeline.web.article_page import (
    ArticleView,
    choose_window,
    is_withheld,
    make_article_view,
    make_comparison_view,
)
from pipeline.web.charts import draw_spark
from pipeline.web.display import list_static, make_environment
from pipeline.web.overview import NEEDS, Line, Wanted, arrange, count_needs, list_choices, make_lines
from pipeline.web.search import Asked, read_asked, search
from pipeline.web.shelf import Look, Shelf
from pipeline.web.site_page import SAMPLED, list_reported, make_check_rows, make_site_view, take_sample

log = logging.getLogger("muniment")

PAGE: Final = 100
"""Lines of a list on one page."""
FORM_SECONDS: Final = 10.0
"""Seconds that a form may take to arrive, once its headers have."""
MOST_COMPARED: Final = 400_000
"""Characters of two versions that are compared here: more keeps the whole API server waiting."""
MOST_RECORD: Final = 64 * 1024 * 1024
"""Bytes of a WARC record that is handed out here, because it passes through memory."""
_DIGITS: Final = 6
_ARTICLE: Final = 20
_HEX: Final = frozenset("0123456789abcdef")


class Refused(Exception):
    """An answer of a status, with words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


def build_app(open_shelf: Callable[[], Shelf], door: Door, *, warm: bool = False) -> Gate:
    """The pages as an ASGI app.

    Args:
        open_shelf: opens the archive; asked again, with the next request, when it fails.
        door: who may come in.
        warm: begin to read how sites stand now, in a thread of its own, before anybody asks.
    """
    pages = Pages(open_shelf, door)
    if warm:
        pages.warm()
    app = FastAPI(title="Archive", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    routes: list[tuple[str, Callable[..., Response], list[str]]] = [
        ("/", pages.overview, ["GET", "HEAD"]),
        ("/sites/{site}", pages.site, ["GET", "HEAD"]),
        ("/sites/{site}/runs/{run}", pages.run, ["GET", "HEAD"]),
        ("/sites/{site}/runs/{run}/release", pages.release, ["POST"]),
        ("/sites/{site}/articles/{article}", pages.article, ["GET", "HEAD"]),
        ("/sites/{site}/articles/{article}/compare", pages.compare, ["GET", "HEAD"]),
        ("/sites/{site}/articles/{article}/takedown", pages.takedown, ["GET", "HEAD"]),
        ("/sites/{site}/articles/{article}/takedown", pages.take_down, ["POST"]),
        ("/sites/{site}/articles/{article}/{n}/record", pages.record, ["GET", "HEAD"]),
        ("/quarantine", pages.quarantine, ["GET", "HEAD"]),
        ("/search", pages.search, ["GET", "HEAD"]),
        ("/dags/{dag}", pages.dag, ["GET", "HEAD"]),
        ("/dags/{dag}/runs/{name:path}", pages.dag_run, ["GET", "HEAD"]),
        ("/static/{name}", pages.static, ["GET", "HEAD"]),
    ]
    for path, answer, methods in routes:
        app.add_api_route(path, answer, methods=methods, response_class=HTMLResponse)
    app.add_exception_handler(404, pages.tell_missing)
    app.add_exception_handler(405, pages.tell_wrong_method)
    app.add_exception_handler(Exception, pages.tell_trouble)
    app.add_exception_handler(Refused, pages.tell_refused)
    app.add_exception_handler(MunimentError, pages.tell_error)
    return Gate(app, door, [(path, tuple(methods)) for path, _, methods in routes])


async def read_form(request: Request) -> dict[str, list[str]]:
    """The fields of a form, whose size the gate has bounded."""
    try:
        text = (await asyncio.wait_for(_read_body(request), FORM_SECONDS)).decode()
        return parse_qs(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=60)
    except ValueError:
        raise Refused(400, "This form cannot be read.") from None
    except TimeoutError:
        raise Refused(408, "This form did not come in time.") from None


async def _read_body(request: Request) -> bytes:
    body = b""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect" or len(body) > MOST_FORM:
            raise Refused(408, "This form did not come whole.")
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


FormDep = Annotated[dict[str, list[str]], Depends(read_form)]


def holds_something(report: Report) -> bool:
    """Whether there is anything in a refused run that publishing it would give to readers."""
    told = report.diagnosis
    return told is None or told.cause == "unknown" or any("muniment release" in step for step in told.steps)


class Pages:
    """The answers. Each reads what it needs of the shelf, and nothing stays."""

    def __init__(self, open_shelf: Callable[[], Shelf], door: Door) -> None:
        self._open = open_shelf
        self._opening = threading.Lock()
        self._opened: Shelf | None = None
        self._door = door
        self._templates = make_environment()

    @property
    def _shelf(self) -> Shelf:
        with self._opening:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def warm(self) -> None:
        """Have read how sites stand, and the site files, before a page needs them; returns at once."""
        threading.Thread(target=self._read_ahead, name="archive warm", daemon=True).start()

    def _read_ahead(self) -> None:
        try:
            self._shelf.facts()
            self._shelf.look()
            for name in self._templates.list_templates():
                self._templates.get_template(name)
        except Exception as error:  # noqa: BLE001 - whatever it is: the first page says it
            log.info("the Archive pages read nothing ahead: %s", error)

    @property
    def _archive(self) -> Archive:
        return self._shelf.archive

    # --- all sites

    def overview(self, request: Request) -> Response:
        """How all sites stand."""
        given = read_query(request, text=100, kind=60, family=100, region=100, need=20, sort=10, page=6)
        if given["need"] not in ("", *NEEDS) or given["sort"] not in ("", "need", "name", "fresh"):
            raise Refused(400, "There is no such order or state.")
        now = self._shelf.now()
        look, every = self._look(request, now)
        wanted = Wanted(**{**{name: given[name] for name in given if name != "page"}, "sort": given["sort"] or "need"})  # type: ignore[arg-type]
        lines = arrange(every, wanted)
        shown, pages, page = cut(lines, given["page"])
        sparks = {
            line.facts.site: draw_spark(
                {"new": line.standing.new, "changed": line.standing.changed, "failed": line.standing.failed}
            )
            for line in shown
        }
        return self._page(
            request,
            "overview.html",
            lines=shown,
            sparks=sparks,
            found=len(lines),
            total=len(every),
            needs=count_needs(every),
            choices=list_choices(every),
            wanted=wanted,
            given=given,
            page=page,
            pages=pages,
            now=now,
            look=look,
        )

    def quarantine(self, request: Request) -> Response:
        """The runs that the gate refused and nobody released, newest first."""
        given = read_query(request, page=6)
        look, lines = self._look(request, self._shelf.now())
        refused = sorted(
            ((run, line.facts) for line in lines for run in line.standing.refused),
            key=lambda pair: (pair[0].began, pair[1].site),
            reverse=True,
        )
        shown, pages, page = cut(refused, given["page"])
        return self._page(
            request,
            "quarantine.html",
            refused=shown,
            found=len(refused),
            page=page,
            pages=pages,
            given=given,
            look=look,
        )

    # --- one site

    def site(self, request: Request, site: str) -> Response:
        """A site."""
        read_query(request)
        self._check(request, site)
        health, facts = read_health(self._archive, site), self._shelf.facts().get(site)
        if health is None and facts is None:
            raise Refused(404, "There is no such page.")
        if health is None:
            return self._page(request, "no_run.html", site=site, facts=facts, run=None)
        reports = self._read_reports(site, list_reported(health))
        return self._page(
            request,
            "site.html",
            site=site,
            facts=facts,
            view=make_site_view(health, reports),
            dag=f"{DAG_PREFIX}{site}",
            now=self._shelf.now(),
        )

    def run(self, request: Request, site: str, run: str) -> Response:
        """A run of a site, and of one that the gate refused what would have been published."""
        given = read_query(request, done=10)
        self._check(request, site, run=run)
        archive = self._archive
        report, summary = archive.read_report(site, run), archive.read_summary(site, run)
        noted = None
        if report is None and (health := read_health(archive, site)) is not None:
            noted = next((each for each in health.runs if each.run == run), None)
        if report is None and summary is None and noted is None and archive.read_orders(site, run) is None:
            raise Refused(404, "There is no such run.")
        published, release = archive.read_published(site, run), archive.read_release(site, run)
        rejected = report is not None and report.verdict == "reject" and published is None
        sample, trouble = self._read_sample(site, run) if rejected else ([], None)
        may = rejected and self._door.may_change(visitor_of(request), site)
        return self._page(
            request,
            "run.html",
            site=site,
            facts=self._shelf.facts().get(site),
            run=run,
            began=datetime.strptime(run[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
            report=report,
            noted=noted,
            checks=list(make_check_rows([report] if report else [])),
            summary=summary,
            published=published,
            made=[split_key(key) for key in islice(published.made, PAGE)] if published else [],
            release=release,
            rejected=rejected,
            worth=report is not None and holds_something(report),
            may_release=may,
            token=make_token(self._door, visitor_of(request), f"/sites/{site}/runs/{run}/release") if may else "",
            sample=sample,
            trouble=trouble,
            sampled=SAMPLED,
            most=acting.MOST_REASON,
            done=given["done"],
        )

    def release(self, request: Request, site: str, run: str, form: FormDep) -> Response:
        """Release a run that the gate refused."""
        self._check(request, site, run=run)
        self._check_form(request, site, form, f"/sites/{site}/runs/{run}/release")
        acting.release(self._shelf, site, run, visitor=visitor_of(request), reason=read_reason(form))
        return self._go(request, f"/sites/{site}/runs/{run}?done=released")

    # --- one article

    def article(self, request: Request, site: str, article: str) -> Response:
        """An article."""
        given = read_query(request, n=_DIGITS, before=_DIGITS, done=10)
        self._check(request, site, article=article)
        n, before = (read_number(given[name]) if given[name] else None for name in ("n", "before"))
        view = self._read_article(site, article, n, before)
        return self._page(
            request,
            "article.html",
            site=site,
            facts=self._shelf.facts().get(site),
            article=article,
            view=view,
            before=before,
            may_take_down=self._door.may_change(visitor_of(request), site),
            done=given["done"],
        )

    def compare(self, request: Request, site: str, article: str) -> Response:
        """Two versions of an article side by side."""
        given = read_query(request, old=_DIGITS, new=_DIGITS)
        self._check(request, site, article=article)
        wanted = [read_number(given["old"]), read_number(given["new"])]
        old, new = self._shelf.versions(site, article, wanted)
        withheld = is_withheld(old) or is_withheld(new)
        long = len(old.text) + len(new.text) > MOST_COMPARED
        return self._page(
            request,
            "compare.html",
            site=site,
            facts=self._shelf.facts().get(site),
            article=article,
            view=None if withheld or long else make_comparison_view(old, new),
            withheld=withheld,
            old=old,
            new=new,
        )

    def record(self, request: Request, site: str, article: str, n: str) -> Response:
        """The WARC record of a version, byte for byte as its segment has it: one gzip member."""
        read_query(request)
        self._check(request, site, article=article)
        version = self._archive.version(site, article, read_number(n))
        if version.state is State.REDACTED:
            raise Refused(410, "This version was taken down, and its evidence with it.")
        segment_number(version.evidence.warc)  # whatever the document says, nothing else of the bucket is handed out
        if version.evidence.length > MOST_RECORD:
            raise Refused(413, f"This record is too large for a page: it is at {version.evidence.warc} in the bucket.")
        return Response(
            self._archive.read_record(version.evidence),
            media_type="application/warc",
            headers={
                "content-disposition": f'attachment; filename="{site}-{article}-{version.n:06}.warc.gz"',
                "content-security-policy": "default-src 'none'; sandbox",
            },
        )

    def takedown(self, request: Request, site: str, article: str) -> Response:
        """The form of a takedown."""
        read_query(request)
        self._check(request, site, article=article)
        if not self._door.may_change(visitor_of(request), site):
            raise Refused(403, "Only an operator can take an article down.")
        return self._page(
            request,
            "takedown.html",
            site=site,
            facts=self._shelf.facts().get(site),
            article=article,
            view=self._read_article(site, article, None, None),
            token=make_token(self._door, visitor_of(request), f"/sites/{site}/articles/{article}/takedown"),
            most=acting.MOST_REASON,
        )

    def take_down(self, request: Request, site: str, article: str, form: FormDep) -> Response:
        """Order a takedown and carry it out."""
        self._check(request, site, article=article)
        self._check_form(request, site, form, f"/sites/{site}/articles/{article}/takedown")
        spans = [line.strip() for line in read_field(form, "spans", 4000).splitlines() if line.strip()]
        if len(spans) > acting.MOST_SPANS:
            raise Refused(400, f"At most {acting.MOST_SPANS} passages at once.")
        if read_field(form, "what", 10) not in ("all", "words") or (form["what"] == ["words"]) != bool(spans):
            raise Refused(400, "Say whether all of it is withheld, or which words.")
        before = self._archive.version_etags(site, article)
        acting.take_down(
            self._shelf,
            site,
            article,
            visitor=visitor_of(request),
            reason=read_reason(form),
            spans=spans,
        )
        done = "withheld" if self._archive.version_etags(site, article) != before else "nothing"
        return self._go(request, f"/sites/{site}/articles/{article}?done={done}")

    # --- search

    def search(self, request: Request) -> Response:
        """Versions by headline, address, date, site."""
        given = read_query(request, text=300, site=63, since=10, until=10)
        began = time.perf_counter()
        try:
            asked = read_asked(given)
        except ValueError as error:
            raise Refused(400, str(error)) from None
        shelf = self._shelf
        sites = shelf.sites()
        answer = None
        if asked == Asked():
            shelf.headlines.begin()
        else:
            visible = self._door.visible(visitor_of(request), self._known_sites(sites))
            answer = search(shelf, asked, visible, sites.values())
        return self._page(
            request,
            "search.html",
            given=given,
            answer=answer,
            names={site.id: site.name for site in sites.values()},
            took=time.perf_counter() - began,
        )

    # --- from Airflow's tabs

    def dag(self, request: Request, dag: str) -> Response:
        """The page of the site whose DAG this is."""
        read_query(request)
        site = dag.removeprefix(DAG_PREFIX)
        if not dag.startswith(DAG_PREFIX) or not SITE_ID.fullmatch(site):
            return self._page(request, "other_dag.html", status=200)
        if not self._door.visible(visitor_of(request), [site]):
            raise Refused(404, "There is no such site.")
        if read_health(self._archive, site) is None:
            return self._page(request, "no_run.html", site=site, facts=self._shelf.facts().get(site), run=None)
        return self._go(request, f"/sites/{site}")

    def dag_run(self, request: Request, dag: str, name: str) -> Response:
        """The page of the run that belongs to a DAG run: its id ends in a digest of Airflow's."""
        read_query(request)
        site = dag.removeprefix(DAG_PREFIX)
        if not dag.startswith(DAG_PREFIX) or not SITE_ID.fullmatch(site):
            return self._page(request, "other_dag.html", status=200)
        self._check(request, site)
        found = find_run(self._archive, site, name)
        if found is None:
            return self._page(request, "no_run.html", site=site, facts=self._shelf.facts().get(site), run=name)
        return self._go(request, f"/sites/{site}/runs/{found}")

    def static(self, request: Request, name: str) -> Response:
        """A static file."""
        read_query(request, v=12)
        if name not in list_static():
            raise Refused(404, "There is no such file.")
        body, kind, _ = list_static()[name]
        return Response(body, media_type=kind, headers={"cache-control": "private, max-age=86400"})

    # --- what went wrong

    def tell_refused(self, request: Request, error: Exception) -> Response:
        """An answer that is no page."""
        assert isinstance(error, Refused)
        return self._message(request, error.status, error.words)

    def tell_missing(self, request: Request, _: Exception) -> Response:
        """No route."""
        return self._message(request, 404, "There is no such page.")

    def tell_wrong_method(self, request: Request, _: Exception) -> Response:
        """A route that is asked otherwise."""
        return self._message(request, 405, "This page is not asked in this way.")

    def tell_error(self, request: Request, error: Exception) -> Response:
        """An error of the archive, with the operator's next step."""
        assert isinstance(error, MunimentError)
        step = error.next_step if isinstance(error, Permanent) else "Try again in a moment."
        if isinstance(error, NotInArchive):
            return self._message(request, 404, error.message, step)
        status = 503 if isinstance(error, Temporary) else 409 if request.method == "POST" else 502
        words = error.message if isinstance(error, Permanent) else str(error)
        words = words.partition("\n")[0][:600]  # of a damaged document, not what stands in it
        if isinstance(error, NotAllowed):
            status = 403
        elif isinstance(error, ArchiveError):
            log.warning("%s", words)
        return self._message(request, status, words, step)

    def tell_trouble(self, request: Request, error: Exception) -> Response:
        """An error of ours: the log has it."""
        log.error("%s %s", request.method, request.url.path, exc_info=error)
        return self._message(request, 500, "Something went wrong here; the log of the API server says what.")

    def _message(self, request: Request, status: int, words: str, step: str = "") -> Response:
        return self._page(request, "message.html", status=status, code=status, words=words, step=step)

    # --- underneath

    def _page(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        root = str(request.scope.get("root_path") or "")
        values |= {"root": root, "airflow": root.rpartition("/")[0], "visitor": visitor_of(request)}
        return HTMLResponse(self._templates.get_template(template).render(values), status_code=status)

    def _go(self, request: Request, path: str) -> Response:
        return RedirectResponse(f"{request.scope.get('root_path') or ''}{path}", status_code=303)

    def _check(self, request: Request, site: str, *, run: str | None = None, article: str | None = None) -> None:
        """Refuse ids that are none, and sites that the visitor may not see, in the same words."""
        good = SITE_ID.fullmatch(site) is not None
        good = good and (run is None or is_run(run))
        good = good and (article is None or (len(article) == _ARTICLE and set(article) <= _HEX))
        if not good or not self._door.visible(visitor_of(request), [site]):
            raise Refused(404, "There is no such page.")

    def _check_form(self, request: Request, site: str, form: dict[str, list[str]], path: str) -> None:
        visitor = visitor_of(request)
        if not is_token(self._door, visitor, path, read_field(form, "token", 100)):
            raise Refused(403, "This form is not of your session; load its page again.")
        if not self._door.may_change(visitor, site):
            raise Refused(403, "Only an operator can do that.")

    def _look(self, request: Request, now: datetime) -> tuple[Look, list[Line]]:
        """How the sites stand that the visitor may see; the others are taken out of what is told, too."""
        look, facts = self._shelf.look(), self._shelf.facts()
        seen = self._door.visible(visitor_of(request), look.sites | facts.keys())
        look = look.of(seen)
        known = seen - look.unread
        return look, make_lines(look.standings, {site: facts[site] for site in facts.keys() & known}, now)

    def _known_sites(self, declared: Iterable[str]) -> set[str]:
        return {*self._shelf.look().sites, *declared}

    def _read_reports(self, site: str, runs: list[str]) -> list[Report]:
        found = self._shelf.together(lambda run: self._archive.read_report(site, run), runs)
        return [report for report in found if report is not None]

    def _read_article(self, site: str, article: str, n: int | None, before: int | None) -> ArticleView:
        """An article with the version of number ``n``, or the one that stands, whole."""
        etags = self._archive.version_etags(site, article)
        count = len(etags)
        newest, listed = choose_window(count), choose_window(count, before)
        if newest is None or listed is None or (n is not None and n > count):
            raise Refused(404, "There is no such version.")
        wanted = {*listed.numbers, *([n] if n else newest.numbers)}
        versions = self._shelf.outlines(site, article, {number: etags[number] for number in wanted})
        whole = n or (current_version([each for each in versions if each.n in newest.numbers]) or versions[-1]).n
        versions = [self._archive.version(site, article, whole) if each.n == whole else each for each in versions]
        return make_article_view(versions, n or whole, count, listed)

    def _read_sample(self, site: str, run: str) -> tuple[list[Any], str | None]:
        """What would have been published, without what takedowns in force withhold."""
        from pipeline.takedown import Sieve  # noqa: PLC0415 - only here

        try:
            sieve = Sieve.read(self._archive, site)
            return take_sample(sieve.filter(self._archive.read_findings(site, run))), None
        except (NotInArchive, ArchiveError) as error:
            return [], error.message


# --- what is given


def visitor_of(request: Request) -> Visitor:
    """Who asks; the gate has put it there."""
    visitor = request.scope["state"]["visitor"]
    assert isinstance(visitor, Visitor)
    return visitor


def read_query(request: Request, **limits: int) -> dict[str, str]:
    """Parameters of an address by name, each given once at most and of so many characters; "" where one is not given.

    What no page knows is passed over.

    Raises:
        Refused: one is given twice, is too long, or holds control characters.
    """
    given = {}
    for name, limit in limits.items():
        values = request.query_params.getlist(name)
        if len(values) > 1 or (values and len(values[0]) > limit):
            raise Refused(400, f"The parameter “{name}” is given twice, or is too long.")
        value = values[0] if values else ""
        if not (value.isprintable() or value.replace("\u200c", "").replace("\u200d", "").isprintable()):
            raise Refused(400, f"The parameter “{name}” holds what cannot be printed.")
        given[name] = value.strip()
    return given


def read_field(form: dict[str, list[str]], name: str, limit: int) -> str:
    """A field of a form, given once.

    Raises:
        Refused: it is missing, given twice, or too long.
    """
    values = form.get(name, [])
    if len(values) != 1 or len(values[0]) > limit:
        raise Refused(400, f"The field “{name}” is missing, given twice, or too long.")
    return values[0]


def read_reason(form: dict[str, list[str]]) -> str:
    """Why something is done; not empty, one line."""
    reason = " ".join(read_field(form, "reason", acting.MOST_REASON).split())
    if not reason or not reason.isprintable():
        raise Refused(400, "Give a reason: it stands in the archive's journal.")
    return reason


def read_number(text: str) -> int:
    """The number of a version."""
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text)):
        raise Refused(404, "There is no such version.")
    return int(text)


def is_run(text: str) -> bool:
    """Whether that is the id of a run, of a day that there is."""
    if not RUN_ID.fullmatch(text) or not text.isascii():
        return False
    try:
        datetime.strptime(text[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return True


def cut(lines: list[Any], page: str) -> tuple[list[Any], int, int]:
    """A page of a list, how many pages there are, and which it is, from 1."""
    number = int(page) if page.isascii() and page.isdigit() else 1
    if page and not page.isdigit():
        raise Refused(400, "There is no such page.")
    pages = max(1, -(-len(lines) // PAGE))
    number = min(max(number, 1), pages)
    return lines[(number - 1) * PAGE : number * PAGE], pages, number


def split_key(key: str) -> tuple[str, int]:
    """Article and number in a version's key."""
    _, _, article, name = key.split("/")
    return article, int(name.removesuffix(".json"))


def find_run(archive: Archive, site: str, name: str) -> str | None:
    """The run of a site that a DAG run made: ``pipeline.model.run_id`` ends in a digest of its name."""
    import hashlib  # noqa: PLC0415 - only here

    ending = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return next((run for run in archive.runs(site) if run.endswith(f"-{ending}")), None)
