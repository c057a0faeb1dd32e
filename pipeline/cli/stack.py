"""``muniment up`` and ``muniment dags``: our own Airflow in the foreground, or how another one finds us."""

from __future__ import annotations

import os
import shlex
import signal
import threading
from types import FrameType
from typing import Annotated

import typer

from pipeline.cli.output import JsonOption, console, print_json
from pipeline.settings import read_settings

dags = typer.Typer(no_args_is_help=True, help="How an Airflow that is there already finds our DAGs.")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to the main command."""
    app.command("up")(up)
    app.add_typer(dags, name="dags")


def up(
    show_log: Annotated[bool, typer.Option("--log", help="Show Airflow's own log lines, too.")] = False,
) -> None:
    """Start the embedded store and Airflow, print their addresses and the log-in, and stay until Ctrl-C.

    What is below MUNIMENT_HOME is used again the next time: DAG runs, the archive, the password. When the
    environment names another store (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or AWS_ACCESS_KEY_ID), no embedded
    one is started.
    """
    from pipeline.stack import USER, Stack

    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        if ended.is_set():
            return  # a second Ctrl-C must not leave half of it behind
        ended.set()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)

    settings = read_settings()
    out = console()
    out.print(f"Starting the store and Airflow below {settings.home} (about half a minute) ...")
    stack = Stack(settings)
    try:
        stack.start()
        server = stack.server
        out.print(f"Airflow   {server.address}   user {USER}, password {server.password()}")
        if stack.store is not None:
            out.print(f"Store     {stack.store.environment()['AWS_ENDPOINT_URL_S3']}   bucket {settings.bucket}")
            out.print(f"          secret in {stack.store.secret}")
        else:
            out.print(f"Store     the one that the environment names; bucket {settings.bucket}")
        out.print(f"Logs      {server.log_file}")
        out.print("Switch a site on in Airflow (it is paused at first), or trigger it. Ctrl-C ends both.")
        for line in stack.server.follow_log():
            if show_log:
                out.print(line)
    except KeyboardInterrupt:
        ended.set()
        out.print("Ending Airflow and the store ...")
    finally:
        ended.set()
        stack.stop()
    out.print("Ended.")


@dags.command("path")
def print_path() -> None:
    """Print the folder with our DAG files: AIRFLOW__CORE__DAGS_FOLDER=$(muniment dags path)."""
    from pipeline.stack import DAGS_FOLDER

    print(DAGS_FOLDER)


@dags.command("env")
def print_environment(json: JsonOption = False) -> None:
    """Print the variables for an existing Airflow: our DAGs beside its own, and the settings in force.

    For a shell: eval "$(muniment dags env)". Airflow's scheduler, DAG processor and workers all need them, and
    the store's AWS_* variables, which are not printed here because they are secret.
    """
    from pipeline.stack import bundle_environment

    given = {name: value for name, value in os.environ.items() if name.startswith("MUNIMENT_")}
    found = bundle_environment() | dict(sorted(given.items()))
    if json:
        print_json(found)
        return
    for name, value in found.items():
        print(f"export {name}={shlex.quote(value)}")


@dags.command("pools")
def pools() -> None:
    """Print the Airflow pools that politeness groups and MUNIMENT_CRAWLS need, for `airflow pools import`.

    A crawl whose pool does not exist is never started, and Airflow says so only in its scheduler's log.
    """
    from pipeline.stack import list_pools
    from pipeline.steps import read_sites

    settings = read_settings()
    print_json(list_pools(read_sites(settings).values(), settings))
