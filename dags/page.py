"""Write the page that an operator reads in Airflow's "Details" of a site's DAG, from the site file alone."""

from __future__ import annotations

from pipeline.endangered import describe_closing
from pipeline.model import pool_name
from spiders.site import Site, Source

_SOURCES = {"feed": "RSS or Atom feed", "sitemap": "sitemap", "listing": "listing page"}


_FAILURES = """\
| Task | What it means | What to do |
|---|---|---|
| `crawl` red | The crawl could not start or could not finish. | Read the last lines of its log: they name the next \
step. |
| `extract` red | A segment could not be read. | The log names the segment; clear the task. |
| `blocked` red | **The site refuses us**, and the run was rejected for that. | Its log says how, and what to do; \
articles in the archive stay as they are. |
| `check` red | **The run was rejected**: what was fetched does not look like this site. Nothing of it was published. \
| Read the end of its log: each check with its figure and limit. See *A rejected run* in `docs/operators.md`. |
| `publish` red | The store or the table was busy or away for longer than the retries. | Clear the task: it does \
nothing twice. |
| amber, *up for retry* | A temporary failure. | Wait: Airflow tries again by itself. |"""


def describe_site(site: Site, *, bucket: str, asset: str, schedule: str | None = None) -> str:
    """Markdown: what the site is, where its articles come from, how to tell that it works, what to do if not.

    Args:
        site: the site.
        bucket: the archive's bucket.
        asset: name of the Asset that a published run updates.
        schedule: the cron line in force, where it is not the file's.
    """
    parts = [
        f"# {site.name}",
        site.description.strip() or f"{_article_of(site.kind)} {site.kind} publication.",
        _list_facts(site, bucket=bucket, asset=asset, schedule=schedule or site.schedule),
        _describe_closing(site),
        "## Where its articles come from",
        "\n".join(f"- {_describe_source(source)}" for source in site.sources),
        f"A page counts as an article when its address matches\n\n    {site.article}",
        _describe_exclusions(site),
        _describe_pace(site),
        "## How to tell that it works",
        site.how_to_tell.strip(),
        f"""Every run ends with four green tasks (`blocked` is skipped unless the site refuses us, `go_on` unless a \
backfill is under way). The log of `publish` says what became of every address; the events of the Asset `{asset}` \
carry the same counts; \
`muniment status {site.id}` prints the last run.""",
        "## What to do when it fails",
        site.when_it_fails.strip(),
        _FAILURES,
        _describe_unverified(site),
        """More: `docs/operators.md` (runs, states, messages), `docs/sites.md` (site files), \
`docs/downstream.md` (reading the articles).""",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _describe_closing(site: Site) -> str:
    # Dates, not days left: the text changes with the file only, and Airflow keeps every version of a DAG.
    told = describe_closing(site)
    return "" if told is None else f"**Endangered:** {told} `muniment endangered {site.id}` says how it stands."


def _list_facts(site: Site, *, bucket: str, asset: str, schedule: str) -> str:
    facts = (
        f"Front page: <{site.home}>",
        f"Kind: {site.kind}" + (f"; CMS: {site.family}" if site.family else ""),
        f"Publisher: {site.publisher}" if site.publisher else "",
        f"Runs: `{schedule}`, {site.timezone}{_tell_spread(site, schedule)}; *Trigger* starts one now",
        f"Archive: bucket `{bucket}`, under `warc/{site.id}/`, `runs/{site.id}/`, `articles/{site.id}/`",
        f"Asset for downstream DAGs: `{asset}`",
        f"Site file: `{site.id}.toml`",
    )
    return "\n".join(f"- {fact}" for fact in facts if fact)


def _tell_spread(site: Site, schedule: str) -> str:
    if schedule == site.schedule or site.endangered is not None:
        return ""
    return f" (the file: `{site.schedule}`; a minute of its own keeps it apart from other sites)"


def _describe_pace(site: Site) -> str:
    rules = site.crawl
    text = (
        f"A run fetches at most {rules.fetch_at_most:,} article pages, {rules.concurrency} at a time, "
        f"{rules.delay:g} s apart, for at most {_minutes(rules.run_seconds)}; robots.txt: {rules.robots}."
    )
    if rules.windows:
        text += (
            f" It is crawled only at {', '.join(rules.windows)} ({site.timezone}): outside of that the tasks of a run "
            "are skipped, and *Trigger* with `now` crawls all the same."
        )
    if rules.group:
        text += (
            f" Its crawl waits in the pool `{pool_name(rules.group)}`, so that sites of one server are not crawled at "
            "the same time. If `crawl` stays grey and *scheduled*, that pool does not exist: "
            "`muniment dags pools > pools.json && airflow pools import pools.json` makes it."
        )
    return text


def _article_of(word: str) -> str:
    return "An" if word[0] in "aeiou" else "A"


def _describe_source(source: Source) -> str:
    text = f"{_SOURCES.get(source.type, source.type)}: <{source.url}>"
    if source.follow:
        text += f" (and what it links to that matches `{source.follow}`)"
    return text


def _describe_exclusions(site: Site) -> str:
    if not site.exclude:
        return ""
    return "unless one of these finds something in it:\n\n" + "\n".join(f"    {pattern}" for pattern in site.exclude)


def _describe_unverified(site: Site) -> str:
    if not site.unverified:
        return ""
    keys = ", ".join(f"`{key}`" for key in site.unverified)
    return f"**Not yet verified against the live site:** {keys}. `muniment sites check {site.id}` says how to."


def _minutes(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:g} minutes"
