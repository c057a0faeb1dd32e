"""``muniment sites``: list, check, show the declared sites and CMS families, probe a new site, print the schema.

Everything here works on the site files alone, except ``check --live`` and ``probe``, which ask the site itself a
handful of questions. No store and no archive is touched.
"""

from __future__ import annotations

import typing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from pipeline.cli import preview
from pipeline.cli.output import JsonOption, console, plain_table, print_json, print_table, safe
from pipeline.errors import SiteFileError
from pipeline.settings import Settings, read_settings
from spiders.families import Families, Family
from spiders.site import (
    BUILTIN_FOLDER,
    ExtractRules,
    Problem,
    Site,
    SiteError,
    find_family_problems,
    find_site_files,
    load_site,
    load_sites,
    parse_site,
    read_site_files,
    schema_text,
    trace_site,
)
from spiders.values import Kind

if TYPE_CHECKING:
    from rich.table import Table

    from spiders.probe import SiteSeen
    from spiders.survey import Survey

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

EXIT_FAILED = 1
SETTING = "MUNIMENT_SITES"
_OFTEN = timedelta(minutes=10)
_TICKS = 200  # of a schedule are looked at


@dataclass(frozen=True, kw_only=True)
class CheckedSite:
    """What is to be said of one usable site file."""

    id: str
    name: str
    file: str
    unverified: tuple[str, ...]
    notes: tuple[str, ...]
    verify: tuple[str, ...]  # commands, in the order to run them


def site_folders(settings: Settings) -> list[Path]:
    """The folders with site files, built-in ones first."""
    return ([BUILTIN_FOLDER] if settings.builtin_sites else []) + list(settings.sites)


def known_families(*files: Path) -> Families:
    """The families that site files may name: built-in ones, those of MUNIMENT_SITES, and those beside these files."""
    beside = (folder for file in files for folder in Families.beside(file).near)
    return Families(folders=read_settings().sites, near=tuple(dict.fromkeys(beside)))


@app.command("list")
def list_sites(
    kind: Annotated[str | None, typer.Option(help="Only sites of this kind.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the declared sites."""
    sites = [site for site in _all_sites().values() if kind in (None, site.kind)]
    if as_json:
        print_json(
            [
                {
                    "id": site.id,
                    "name": site.name,
                    "kind": site.kind,
                    "family": site.family,
                    "home": site.home,
                    "schedule": site.schedule,
                    "sources": [source.model_dump() for source in site.sources],
                    "unverified": site.unverified,
                }
                for site in sites
            ]
        )
        return
    table = plain_table("SITE", "KIND", "SCHEDULE", "SOURCES", "UNVERIFIED", "NAME")
    for site in sites:
        kinds = Counter(source.type for source in site.sources)
        table.add_row(
            site.id,
            site.kind,
            site.schedule,
            ", ".join(f"{count} {name}" if count > 1 else name for name, count in kinds.items()),
            ", ".join(site.unverified) or "-",
            safe(site.name),
        )
    print_table(table)
    unverified = sum(1 for site in sites if site.unverified)
    console(stderr=True).print(f"{len(sites)} sites; {unverified} have facts that were not seen on the live site.")


@app.command("show")
def show_site(
    site_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a site.")],
    as_json: JsonOption = False,
) -> None:
    """Show all that is declared of a site, defaults included, and where each value comes from."""
    from pipeline.endangered import describe_phase

    path, site = _find_site(site_id)
    family, filled = trace_site(path, families=known_families(path))

    def origin(key: str) -> str:
        """Who said it: the family, the file, or nobody (a default)."""
        if family is not None and key in filled:
            return f"family {family.id}"
        if key.startswith("extract."):
            return "file"
        part, _, name = key.partition(".")
        said = getattr(site, part) if name and part in ("crawl", "check") else site
        return "file" if (name if said is not site else part) in said.model_fields_set else "default"

    if as_json:
        told = {"family": family.id if family else None, "file": family.file if family else None, "keys": filled}
        print_json({**site.model_dump(mode="json"), "file": str(path), "from_family": told})
        return
    out = console()
    out.print(safe(f"{site.name} ({site.id})"), style="bold")
    out.print(f"{path}" + (f"\nfamily {family.id}: {family.file}" if family else "") + "\n")
    table = plain_table("KEY", "FROM", "VALUE")
    for name in type(site).model_fields:
        if name not in ("id", "name", "sources", "crawl", "check", "recheck", "extract"):
            table.add_row(name, origin(name), safe(_as_text(getattr(site, name))) or "-")
    for part in ("crawl", "check"):
        for name, value in getattr(site, part):
            key = f"{part}.{name}"
            table.add_row(key, origin(key), "default" if value is None else _as_text(value))
    for index, source in enumerate(site.sources):
        said = {key: value for key, value in source if key not in ("type", "url") and key in source.model_fields_set}
        extra = "".join(f", {key} {_as_text(value)}" for key, value in said.items() if value is not None)
        table.add_row(f"sources.{index}", origin("sources"), safe(f"{source.type} {source.url}{extra}"))
    for index, rung in enumerate(site.ladder):
        age = f"up to {_as_text(rung.age)}" if rung.age else "for ever"
        table.add_row(f"recheck.{index}", origin("recheck"), f"{age}: every {_as_text(rung.every)}")
    _add_rules(table, site, origin)
    print_table(table)
    if (closing := describe_phase(site, read_settings().now())) is not None:
        out.print(f"\n{safe(site.name)} {safe(closing)}.")


@app.command("families")
def list_families(
    family_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Show one family, with what it gives to a site.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the CMS families that a site file may name: built-in ones and those of MUNIMENT_SITES.

    Example, what a family gives to a site: muniment sites families jadu
    """
    families = known_families()
    if family_id is not None:
        family = families.find(family_id)
        if family is None:
            raise typer.BadParameter(f"There is no family {family_id!r}; known: {', '.join(families.by_id)}.")
        _show_family(family, as_json=as_json)
        return
    if as_json:
        print_json([family.model_dump(mode="json") for family in families.by_id.values()])
        return
    table = plain_table("FAMILY", "NAME", "NEWSROOM", "SOURCES", "UNVERIFIED")
    for family in families.by_id.values():
        sources = ", ".join(source.get("type", "?") for source in family.site.get("sources", ()))
        table.add_row(
            family.id, safe(family.name), family.newsroom, sources or "-", ", ".join(family.unverified) or "-"
        )
    print_table(table)
    for problem in families.problems:
        console(stderr=True).print(safe(str(problem)), style="red")


def _show_family(family: Family, *, as_json: bool) -> None:
    if as_json:
        print_json(family.model_dump(mode="json"))
        return
    out = console()
    out.print(safe(f"{family.name} ({family.id})"), style="bold")
    out.print(f"{family.file}\n{safe(family.notes.strip())}\n")
    table = plain_table("KEY", "VALUE")
    for key, value in family.site.items():
        parts = value.items() if isinstance(value, dict) else enumerate(value) if key == "sources" else None
        if parts is None:
            table.add_row(key, safe(_as_text(tuple(value) if isinstance(value, list) else value)))
            continue
        for name, item in parts:
            text = ", ".join(f"{k} {v}" for k, v in item.items()) if isinstance(item, dict) else str(item)
            table.add_row(f"{key}.{name}", safe(text))
    for mark in family.recognise:
        table.add_row(f"recognise.{mark.where}", safe(f"{mark.pattern} (weight {mark.weight})"))
    print_table(table)


@app.command("check")
def check_sites(
    wanted: Annotated[
        list[str] | None, typer.Argument(metavar="[ID|FILE]...", help="Sites or site files; none: all sites.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Also ask the named sites themselves: robots.txt, each source, one article.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check site files: every mistake with file, key and remedy; what is unverified, and how to verify it.

    Exit code 1 when a file cannot be used or, with --live, when a source does not do what its file says.
    """
    if live and not wanted:
        raise typer.BadParameter("--live asks the sites that are named: muniment sites check --live ID")
    sites, problems = _read_wanted(wanted or [])
    now = datetime.now(UTC)
    checked = [_check_site(path, site, now=now) for path, site in sites.items()]
    seen = _ask_sites(list(sites.values())) if live else []
    ok = not problems and all(site.ok for site in seen)
    if as_json:
        print_json(
            {
                "ok": ok,
                "problems": [asdict(problem) for problem in problems],
                "sites": [asdict(site) for site in checked],
                **({"live": [{"ok": site.ok, **asdict(site)} for site in seen]} if live else {}),
            }
        )
    else:
        _print_check(checked, problems, full=bool(wanted))
        for site in seen:
            _print_seen(site)
    if not ok:
        raise typer.Exit(EXIT_FAILED)


@app.command("probe")
def probe(
    url: Annotated[str, typer.Argument(metavar="URL", help="The site's front page.")],
    out_file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the site file here; its name gives the id.")
    ] = None,
    site_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The site's id; left out: made of its host.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="What sort of publication it is; left out: guessed.")] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Allow loopback and private addresses (tests, intranets).")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """From a front page alone: find feeds, sitemaps, listings, family, policy and article pattern; write a site file.

    Asks at most 25 documents, politely; previews three articles. The file goes to stdout unless --out names one. Exit
    code 1 when no file could be made; the reason is told.

    Example: muniment sites probe https://www.example.gov.uk/ --out example.toml
    """
    from spiders.draft import draft_site, suggest_id

    kinds = typing.get_args(Kind)
    if kind is not None and kind not in kinds:
        raise typer.BadParameter(f"--kind is one of {', '.join(kinds)}")
    if out_file is not None and out_file.exists():
        raise typer.BadParameter(f"{out_file} is there already; a probe overwrites nothing")
    address = url if "://" in url else f"https://{url}"
    survey = _survey(address, allow_private=allow_private)
    chosen_id = site_id or (out_file.stem if out_file else suggest_id(survey))
    text = ""
    problems: tuple[Problem, ...] = ()
    if not survey.trouble:
        today = datetime.now(UTC).date()
        text = draft_site(survey, site_id=chosen_id, day=today, kind=typing.cast("Kind | None", kind))
        problems = _find_draft_problems(text, chosen_id, str(out_file or f"{chosen_id}.toml"))
    ok = not survey.trouble and not problems
    if as_json:
        print_json({"ok": ok, "id": chosen_id, "problems": [asdict(one) for one in problems], "file": text,
                    **_survey_facts(survey)})  # fmt: skip
    else:
        _print_survey(survey)
        for problem in problems:
            console(stderr=True).print(safe(f"error  {problem}"), style="red")
    if out_file is not None and ok:
        out_file.write_text(text, encoding="utf-8")
        console(stderr=True).print(f"{out_file} is written. Next: muniment sites check {out_file}")
    elif text and not as_json:
        typer.echo(text, nl=False)
    if not ok:
        raise typer.Exit(EXIT_FAILED)


def _survey(url: str, *, allow_private: bool) -> Survey:
    """Ask a site; what a page is says the pipeline's own judgement."""
    import time

    from pipeline.extract import judge_capture
    from spiders.site import CrawlRules
    from spiders.survey import Fetched, Judged, survey_site

    stand_in: dict[str, Site] = {}

    def judge(page: Fetched) -> Judged:
        site = stand_in.setdefault(
            urlsplit(page.url).netloc, preview.stand_in_site(page.url, allow_private=allow_private)
        )
        headers = {"content-type": page.content_type} if page.content_type else {}
        capture = preview.make_capture(
            url=page.url, requested=page.requested, body=page.body, headers=headers, now=datetime.now(UTC)
        )
        finding = judge_capture(site, capture, "")
        article = finding.article
        if article is None:
            return Judged(url=page.requested, kind=finding.kind, reason=finding.reason or "")
        return Judged(
            url=page.requested,
            kind=finding.kind,
            title=article.title,
            published=article.published.value.date().isoformat() if article.published else "",
            published_from=article.published.source if article.published else "",
            words=article.words,
            lines=tuple(article.text.split("\n")[:3]),
        )

    return survey_site(
        url,
        judge=judge,
        user_agent=preview.user_agent(private=allow_private),
        families=known_families(),
        pause=time.sleep,
        allow_private=allow_private,
        delay=0.0 if allow_private else CrawlRules().delay,
    )


def _find_draft_problems(text: str, site_id: str, file: str) -> tuple[Problem, ...]:
    try:
        parse_site(text, id=site_id, file=file, families=known_families())
    except SiteError as error:
        return error.problems
    return ()


def _survey_facts(survey: Survey) -> dict[str, Any]:
    """What was seen, for machines; long lists of addresses are counted, not printed."""
    return {
        "asked": survey.asked,
        "home": survey.home,
        "status": survey.status,
        "trouble": survey.trouble or None,
        "scripted": survey.scripted,
        "name": survey.name,
        "language": survey.language,
        "robots": survey.robots,
        "crawl_delay": survey.crawl_delay,
        "mining": survey.mining,
        "families": [
            {"family": one.family.id, "score": one.score, "evidence": one.evidence} for one in survey.families
        ],
        "newsroom": survey.newsroom,
        "sources": [
            {**asdict(one), "urls": len(one.urls), "dates": len(one.dates), "examples": one.urls[:5]}
            for one in survey.sources
        ],
        "shape": asdict(survey.shape) if survey.shape else None,
        "articles": [asdict(one) for one in survey.articles],
        "notes": survey.notes,
        "requests": survey.requests,
    }


def _print_survey(survey: Survey) -> None:
    """What was seen, for people; on stderr, because the file goes to stdout."""
    from spiders.draft import describe_source

    out = console(stderr=True)
    out.print(safe(f"{survey.home}  {survey.name}"), style="bold")
    out.print(safe(f"robots.txt {survey.robots or 'was not asked'}; {survey.requests} requests in all"))
    for said in survey.mining:
        out.print(safe(f"text and data mining: {said}"))
    for one in survey.families[:3]:
        out.print(safe(f"family {one.family.id} (score {one.score}): {'; '.join(one.evidence)}"))
    if not survey.families and not survey.trouble:
        out.print("family: none that is known")
    for source in survey.sources:
        out.print(safe(f"  {'use ' if source.chosen else 'skip'}  {describe_source(source)}"))
    if survey.shape:
        out.print(safe(f"article  {survey.shape.article}"))
        out.print(f"         {survey.shape.covered} of {survey.shape.known} known addresses match")
    for page in survey.articles:
        if page.kind != "article":
            out.print(safe(f"  {page.kind}: {page.reason}  {page.url}"), style="yellow")
            continue
        out.print(safe(f"  {page.title}  {page.published or 'no date'}  {page.words} words"), style="bold")
        for line in page.lines[:2]:
            out.print(safe(f"      {line[:140]}{'…' if len(line) > 140 else ''}"))
    for note in survey.notes[-5:]:
        out.print(safe(f"note: {note}"))
    if survey.trouble:
        out.print(safe(f"No site file: {survey.trouble}."), style="red")


@app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of a site file, for editors."""
    typer.echo(schema_text(), nl=False)


def _all_sites() -> dict[str, Site]:
    try:
        return load_sites(site_folders(read_settings()), setting=SETTING)
    except SiteError as error:
        raise SiteFileError(str(error), next_step="Correct the file; `muniment sites check` tries again.") from error


def _site_files() -> tuple[list[Path], list[Problem]]:
    problems: list[Problem] = []
    return list(find_site_files(site_folders(read_settings()), setting=SETTING, problems=problems)), problems


def _find_site(site_id: str) -> tuple[Path, Site]:
    """A site by id, whatever is wrong with other files."""
    paths, _problems = _site_files()
    path = next((path for path in paths if path.stem == site_id), None)
    if path is None:
        raise _no_such_site(site_id, paths)
    try:
        return path, load_site(path, families=known_families(path))
    except SiteError as error:
        raise SiteFileError(str(error), next_step="Correct the file; `muniment sites check` tries again.") from error


def _no_such_site(site_id: str, paths: Iterable[Path]) -> typer.BadParameter:
    import difflib

    near = difflib.get_close_matches(site_id, [path.stem for path in paths], n=1)
    hint = f" Did you mean {near[0]}?" if near else " `muniment sites list` shows them."
    return typer.BadParameter(f"No site file declares {site_id!r}.{hint}")


def _read_wanted(wanted: Sequence[str]) -> tuple[dict[Path, Site], list[Problem]]:
    """The named sites and files, or all sites of the folders, and what is wrong with them."""
    if not wanted:
        paths, problems = _site_files()
        families = known_families()
        sites, wrong = read_site_files(paths, families=families)
        return sites, problems + wrong + find_family_problems(families)
    by_id: dict[str, Path] = {}
    problems = []
    if not all(_is_file(name) for name in wanted):
        paths, problems = _site_files()
        by_id = {path.stem: path for path in reversed(paths)}
    chosen = []
    for name in wanted:
        if not _is_file(name) and name not in by_id:
            raise _no_such_site(name, by_id.values())
        chosen.append(Path(name) if _is_file(name) else by_id[name])
    families = known_families(*chosen)
    sites, wrong = read_site_files(dict.fromkeys(chosen), families=families)
    return sites, [*problems, *wrong, *families.problems]


def _is_file(name: str) -> bool:
    return name.endswith(".toml") or "/" in name


def _check_site(path: Path, site: Site, *, now: datetime) -> CheckedSite:
    return CheckedSite(
        id=site.id,
        name=site.name,
        file=str(path),
        unverified=site.unverified,
        notes=tuple(_find_notes(path, site, now=now)),
        verify=tuple(_verify_commands(site)) if site.unverified else (),
    )


def _find_notes(path: Path, site: Site, *, now: datetime) -> Iterator[str]:
    """What is allowed but worth a second look."""
    from pipeline.endangered import describe_phase
    from spiders.urls import canonical_url

    if not site.examples:
        yield "no examples: add the URLs of two or three articles, so that article is tested whenever it is changed"
    for key, urls in (("examples", site.examples), ("counter_examples", site.counter_examples)):
        for url in urls:
            try:
                canonical = canonical_url(url)
            except ValueError as error:
                yield f"{key}: {url} has no canonical form ({error})"
                continue
            if canonical != url:
                yield f"{key}: {url} is not in canonical form; write {canonical}"
    if site.crawl.robots == "ignore":
        yield "crawl.robots is ignore: keep the publisher's leave where others find it"
    if site.crawl.allow_private:
        yield "crawl.allow_private is true: right for tests and intranets only"
    if not site.crawl.allow_private and site.crawl.delay < 1:
        yield f"crawl.delay is {site.crawl.delay:g} s: below 1 s only with the publisher's leave"
    yield from filter(None, [describe_phase(site, now)])
    yield from filter(None, [_note_schedule(site, now)])
    if not (site.description.strip() and site.how_to_tell.strip()):
        yield "description or how_to_tell is missing: the operator reads them in Airflow"
    if path.is_relative_to(BUILTIN_FOLDER) and path.parent.name != site.country:
        yield f"lies in {path.parent.name}/, but country is {site.country}"


def _note_schedule(site: Site, now: datetime) -> str | None:
    """What is to be said of how often the site runs now: near an endangered site's date, not by its own schedule."""
    from itertools import pairwise

    from croniter import croniter

    from pipeline.endangered import schedule_in_force, spread_schedule

    schedule, own = schedule_in_force(site, now), spread_schedule(site.schedule, site.id)
    times = croniter(schedule, now)
    gap = min(later - one for one, later in pairwise([times.get_next(datetime) for _ in range(_TICKS)]))
    named = f"schedule is {schedule}" + ("" if schedule == site.schedule else f" (in force instead of {site.schedule})")
    if gap < _OFTEN:
        return f"{named}: more often than every ten minutes"
    if schedule != own and gap < timedelta(seconds=site.crawl.run_seconds):
        return (
            f"{named}: a run may take {site.crawl.run_seconds:g} s (crawl.run_seconds), longer than from one to the "
            f"next ({gap.total_seconds():g} s), which then waits"
        )
    return None


def _verify_commands(site: Site) -> Iterator[str]:
    """What to run, on a machine with the live web, to see whether the unverified facts are so."""
    yield f"muniment sites check --live {site.id}"
    for source in site.sources:
        yield f"curl -sSL --compressed -A \"$MUNIMENT_CONTACT\" '{source.url}' | head -c 2000"
    yield f"muniment run {site.id} --limit 5"


def _print_check(checked: Sequence[CheckedSite], problems: Sequence[Problem], *, full: bool) -> None:
    """The result for people: problems last, where a terminal shows them."""
    out = console()
    for site in checked:
        out.print(f"ok  {site.id}" + (f"  unverified: {', '.join(site.unverified)}" if site.unverified else ""))
        for note in site.notes:
            out.print(safe(f"    note: {note}"))
        if full and site.verify:
            out.print("    to verify on the live web:")
            for command in site.verify:
                out.print(f"      {safe(command)}")
    unverified = [site.id for site in checked if site.unverified]
    if unverified and not full:
        out.print(
            f"\n{len(unverified)} of {len(checked)} sites have facts that were not seen live. To verify one:\n"
            f"  muniment sites check {unverified[0]}          prints the commands\n"
            f"  muniment sites check --live {unverified[0]}   asks the site (needs MUNIMENT_CONTACT)\n"
            "Then take the key out of the file's unverified list."
        )
    for problem in problems:
        where = f"{problem.file}: {problem.key}" if problem.key else problem.file
        out.print(safe(f"error  {where}: {problem.problem}"), style="red")
        out.print(safe(f"       {problem.remedy}"))
    if problems:
        out.print(f"\n{len(problems)} problems in {len({problem.file for problem in problems})} files.")


def _ask_sites(sites: Sequence[Site]) -> list[SiteSeen]:
    from spiders.probe import probe_site

    agent = preview.user_agent(private=all(site.crawl.allow_private for site in sites))
    now = read_settings().now()
    return [probe_site(site, user_agent=agent, now=now) for site in sites]


def _print_seen(seen: SiteSeen) -> None:
    out = console()
    out.print(f"\n{seen.site} as it answered ({seen.requests} requests):")
    for source in seen.sources:
        status = f"HTTP {source.status}, " if source.status else ""
        said = (
            f"{status}{source.error}"
            if source.error
            else f"{status}{source.articles} of {source.listed} links are articles"
        )
        out.print(safe(f"  {'ok   ' if source.ok else 'error'}  {source.type} {source.url}: {said}"))
        for mark, urls in (("article", source.examples), ("other", source.others)):
            for url in urls:
                out.print(safe(f"           {mark:7}  {url}"))
    if seen.article:
        said = seen.article_error or f"HTTP {seen.article_status}"
        out.print(safe(f"  {'ok   ' if seen.article_status == 200 else 'error'}  article {seen.article}: {said}"))
    if seen.ok:
        out.print("  It does what its file says. If the links named article are articles and the others are not, take")
        out.print(f"  the keys out of its unverified list; then: muniment run {seen.site} --limit 5")


def _add_rules(table: Table, site: Site, origin: Callable[[str], str]) -> None:
    for index, rules in enumerate(site.extract):
        table.add_row(f"extract.{index}", origin(f"extract.{index}"), safe(_tell_rules(rules)))


def _tell_rules(rules: ExtractRules) -> str:
    """A table of extraction rules in a few lines."""
    days = " ".join(f"{name} {day}" for name, day in (("from", rules.from_), ("until", rules.until)) if day is not None)
    lines = [days or "all captures"]
    lines += [f"body {rules.body}"] if rules.body else []
    lines += [f"strip {selector}" for selector in rules.strip] + [f"keep {selector}" for selector in rules.keep]
    lines += [f"{name} {selector}" for name, selector in rules.fields if selector]
    return "\n".join(lines)


def _as_text(value: object) -> str:
    if isinstance(value, timedelta):
        return _as_duration(value)
    if isinstance(value, tuple):
        return "\n".join(str(item) for item in value)
    return "" if value is None else str(value).strip()


def _as_duration(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"
