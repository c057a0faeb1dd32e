"""The ``muniment`` command: the same steps and readers as everybody else calls, for a terminal.

Exit codes: 0 done, 1 failed and will fail again until something is changed, 2 the command was called
wrongly, 3 the gate rejected the run, 75 failed for now (try again), 130 interrupted. Messages go to
stderr; with ``--json`` stdout carries one JSON document and nothing else.
"""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer
from rich.logging import RichHandler

from pipeline import __version__
from pipeline.cli import (
    alerts,
    audit,
    export,
    extract,
    inspection,
    intake,
    memory,
    preview,
    reextraction,
    runs,
    sites,
    stack,
    store,
    table,
    takedown,
    versions,
)
from pipeline.cli.output import console, fail
from pipeline.errors import MunimentError, RunRejected, Temporary

EXIT_FAILED, EXIT_REJECTED, EXIT_TEMPORARY, EXIT_INTERRUPTED = 1, 3, 75, 130

app = typer.Typer(
    name="muniment",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Crawl news sites, keep the clean text of every article and every version of it, with its evidence, "
        "in an S3 store.\n\n"
        "Begin with `muniment store up`, `muniment sites list` and `muniment run SITE`; `muniment up` starts "
        "Airflow beside the store."
    ),
)
app.add_typer(
    sites.app,
    name="sites",
    help="The declared sites: list, check, show; probe a new one; CMS families; the schema of a site file.",
)
app.add_typer(store.app, name="store", help="The embedded S3 store, and the self-test of any store.")
app.add_typer(table.app, name="table", help="The table of all versions: how it stands, maintenance, making it anew.")
runs.add_to(app)
alerts.add_to(app)
inspection.add_to(app)
reextraction.add_to(app)
versions.add_to(app)
intake.add_to(app)
preview.add_to(app)
extract.add_to(app)
memory.add_to(app)
export.add_to(app)
takedown.add_to(app)
audit.add_to(app)
stack.add_to(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"muniment {__version__}")
        raise typer.Exit


@app.callback()
def configure(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every log line.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Set up logging for all commands."""
    on_terminal = sys.stderr.isatty()
    handler: logging.Handler
    if on_terminal:
        handler = RichHandler(console=console(stderr=True), show_path=False, markup=False)
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # On a terminal the progress bars say what happens; in a log the lines do.
    logging.getLogger("muniment").setLevel(logging.INFO if verbose or not on_terminal else logging.WARNING)


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except RunRejected as error:
        fail(error)
        sys.exit(EXIT_REJECTED)
    except Temporary as error:
        fail(error)
        sys.exit(EXIT_TEMPORARY)
    except MunimentError as error:
        fail(error)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(EXIT_FAILED)
