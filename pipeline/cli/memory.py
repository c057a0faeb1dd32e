"""``muniment memory``: what was learned of the blocks that repeat on a site's pages, in words."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.output import JsonOption, console, print_json, safe
from pipeline.cli.runs import SiteArgument
from pipeline.settings import read_settings


def add_to(app: typer.Typer) -> None:
    """Add this module's command to the main app."""
    app.command("memory")(memory)


def memory(
    site: SiteArgument,
    run_id: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="What the pages of this run were read by.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What was learned of the blocks that repeat on a site's pages: left out of their texts, or kept, and why.

    Without --run it is what the next run begins with. Example: muniment memory localgov
    """
    from pipeline.boilerplate import Memory
    from pipeline.errors import NotInArchive
    from pipeline.steps import open_workplace, recall

    work = open_workplace(read_settings())
    own = work.site(site)
    known = recall(work, site) if run_id is None else work.archive.read_lessons(site, run_id, Memory)
    if known is None:
        raise NotInArchive(
            f"Nothing was learned for run {run_id} of {site}.",
            next_step="It had no page to read, or is not extracted yet; `muniment memory SITE` shows what is known.",
        )
    if as_json:
        print_json(
            {
                "site": site,
                "on": own.memory,
                "run": known.run or None,
                "pages": len(known.pages),
                "stories": known.stories,
                "lessons": [{**lesson.model_dump(mode="json"), "words": lesson.describe()} for lesson in known.lessons],
            }
        )
        return
    out = console()
    if not own.memory:
        out.print(f"{site} learns nothing: its file says memory = false.")
    if not known.lessons:
        out.print(f"Nothing is known of {site} yet: {known.stories} different stories were seen.")
        return
    out.print(f"{site}: {known.summary}; learned from {known.stories} different stories, last in run {known.run}.")
    for line in known.describe():
        out.print(safe(line))
