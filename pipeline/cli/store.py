"""``muniment store``: the embedded store of this machine, and the self-test of any store."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from pipeline.cli.output import JsonOption, plain_table, print_json, print_table
from pipeline.errors import StoreRefused
from pipeline.seaweed import EmbeddedStore, StoreStatus
from pipeline.settings import read_settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def embedded_store() -> EmbeddedStore:
    """The embedded store of the settings."""
    settings = read_settings()
    return EmbeddedStore(settings.home, settings.store_port)


@app.command()
def up(as_json: JsonOption = False) -> None:
    """Start the embedded store and leave it running; made, with a new secret, the first time."""
    _print_status(embedded_store().up(), as_json)


@app.command()
def down(as_json: JsonOption = False) -> None:
    """Stop the embedded store; what it holds is kept."""
    stopped = embedded_store().down()
    if as_json:
        print_json({"stopped": stopped})
    else:
        print("The embedded store has been stopped." if stopped else "The embedded store was not running.")


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Say whether the embedded store runs, where it is, and which file holds its secret."""
    _print_status(embedded_store().status(), as_json)


@app.command()
def env() -> None:
    """Print shell exports that point other tools at the embedded store. THIS PRINTS THE SECRET.

    Use it as: eval "$(muniment store env)"
    """
    for name, value in embedded_store().environment().items():
        print(f"export {name}={shlex.quote(value)}")


@app.command()
def check(
    create: Annotated[bool, typer.Option("--create", help="Make the buckets when they do not exist.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Test whether the store in use keeps the promises that an archive needs; takes some seconds.

    It races 16 writers against each other, tries wrong keys, no key and wrong checksums, below the prefix
    .muniment-check/ of each bucket in use, and removes what it wrote. Exit code 1 when a promise is broken.
    """
    from pipeline.store import connect, self_test

    settings = read_settings()
    buckets = [connect(settings, name) for name in dict.fromkeys((settings.bucket, settings.table_bucket))]
    for bucket in buckets:
        if not bucket.has_bucket():
            if not create:
                raise StoreRefused(
                    f"There is no bucket {bucket.bucket} at {bucket.endpoint}.",
                    next_step="Make it: muniment store check --create; or correct MUNIMENT_BUCKET.",
                )
            bucket.create_bucket()
    checks = self_test(buckets[0], buckets[-1])
    passed = all(found.passed for found in checks)
    if as_json:
        print_json(
            {
                "endpoint": buckets[0].endpoint,
                "passed": passed,
                "checks": [{"name": found.name, "passed": found.passed, "message": found.message} for found in checks],
            }
        )
    else:
        table = plain_table("check", "result", "message")
        for found in checks:
            table.add_row(found.name, "passed" if found.passed else "FAILED", found.message)
        print_table(table)
        print(f"{buckets[0].endpoint} {'can' if passed else 'CANNOT'} hold an archive.")
    if not passed:
        raise typer.Exit(1)


def _print_status(found: StoreStatus, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "running": found.running,
                "answers": found.answers,
                "pid": found.pid,
                "endpoint": found.endpoint,
                "data": str(found.data),
                "secret": str(found.secret),
                "log": str(found.log),
            }
        )
        return
    if found.running:
        print(f"The embedded store runs (process {found.pid})" + ("." if found.answers else ", but does not answer."))
    else:
        print("The embedded store is not running. Start it: muniment store up")
    table = plain_table("what", "where")
    for what, where in (
        ("endpoint", found.endpoint or "none yet"),
        ("data", found.data),
        ("secret", found.secret),
        ("log", found.log),
    ):
        table.add_row(what, str(where))
    print_table(table)
