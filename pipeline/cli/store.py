"""``muniment store``: the embedded store of this machine, and the self-test of any store."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.cli.output import JsonOption, needing, plain_table, print_json, print_table
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


@app.command()
def policy(
    role: Annotated[
        str, typer.Argument(metavar="ROLE", help="reader, writer, auditor or steward; docs/protection.md says who.")
    ],
    conditional: Annotated[
        bool, typer.Option("--conditional", help="Writers: refuse every overwriting write. AWS only.")
    ] = False,
) -> None:
    """Print the least that a role needs on this archive's buckets, as an IAM policy (JSON).

    Example: muniment store policy reader > reader.json; aws iam create-policy --policy-name muniment-reader \\
    --policy-document file://reader.json
    """
    from pipeline.protection import ROLES, policy_of

    if role not in ROLES:
        raise typer.BadParameter(f"{role!r} is no role; there are: {', '.join(ROLES)}", param_hint="ROLE")
    settings = read_settings()
    print_json(policy_of(role, settings.bucket, settings.table_bucket, conditional=conditional))


@app.command()
@needing("steward")
def protect(
    mode: Annotated[
        str, typer.Option(metavar="MODE", help="governance: a steward may lift the lock; compliance: nobody can.")
    ] = "governance",
    days: Annotated[int, typer.Option(min=0, help="Days for which each object is locked; 0: no lock.")] = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how the bucket is guarded now.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Guard the archive's bucket by versioning, object lock and lifecycle rules, where the store has them.

    Before and after, conditional writes must hold; on a store where they do not in a versioned bucket, versioning is
    turned off again. `keep_raw` in a site's file decides how long its WARC segments stay. Read docs/protection.md
    first: what is locked cannot be destroyed by a takedown before its days are over.

    Example: muniment store protect --days 90 --dry-run
    """
    from pipeline.protection import protect as protect_bucket
    from pipeline.protection import read_guards
    from pipeline.steps import read_sites
    from pipeline.store import connect

    if mode not in {"governance", "compliance"}:
        raise typer.BadParameter("governance or compliance", param_hint="--mode")
    settings = read_settings()
    store, tables = connect(settings), connect(settings, settings.table_bucket)
    sites = read_sites(settings).values()
    if dry_run:
        guards = read_guards(store, tables, sites)
    else:
        guards = protect_bucket(store, tables, sites, mode=mode, days=days)
    if as_json:
        print_json([asdict(guard) for guard in guards])
        return
    table = plain_table("guard", "state", "message")
    for guard in guards:
        table.add_row(guard.name, "on" if guard.on else "off", guard.message)
    print_table(table)


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
