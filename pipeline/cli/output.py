"""How the commands print: JSON for machines, tables and plain text for people.

Rich decides on colours: none when the output is not a terminal or ``NO_COLOR`` is set. Text that came
from a page has its control characters made visible, so that it cannot drive the terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Final

import orjson
import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from pipeline.errors import MunimentError, Permanent

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def console(*, stderr: bool = False) -> Console:
    """A console for stdout or stderr; long lines are not wrapped when it is no terminal."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, soft_wrap=not stream.isatty(), highlight=False, markup=False)


def print_json(value: object) -> None:
    """One JSON document on stdout, indented, UTF-8."""

    def other(item: object) -> object:
        if isinstance(item, BaseModel):
            return item.model_dump(mode="json")
        raise TypeError(f"{type(item).__name__} has no JSON form")

    sys.stdout.write(orjson.dumps(value, default=other, option=orjson.OPT_INDENT_2).decode() + "\n")


@contextmanager
def needing(role: str) -> Iterator[None]:
    """Around a command: where the store says that the key may not do something, tell the role that the command needs.

    Args:
        role: as `muniment store policy` has it.
    """
    from pipeline.store import NotAllowed, role_step

    try:
        yield
    except NotAllowed as error:
        raise NotAllowed(error.message, next_step=role_step(role)) from error


def plain_table(*columns: str) -> Table:
    """A table without a frame: columns by white space, so that ``cut`` and ``awk`` can read it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_table(table: Table) -> None:
    """Print a table as wide as it needs to be when it goes to a file or a pipe."""
    out = console()
    if not sys.stdout.isatty():
        out = Console(width=4000, soft_wrap=True, highlight=False, markup=False, no_color=True)
    out.print(table)


def safe(text: str) -> str:
    """Text from a page with control and bidirectional characters replaced by what they are called.

    >>> safe("a\\x1b[31mb\\n")
    'a\\\\x1b[31mb\\n'
    """
    return "".join(
        char if char == "\n" or (char.isprintable() or char == "\u00a0") else char.encode("unicode_escape").decode()
        for char in text
    )


def tell_particulars(story: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and words of what an article says beside its text, one after the other; what it does not say is left out.

    Args:
        story: an article or a version as JSON has it.
    """
    for name, describe in _PARTICULARS.items():
        value = story[name]
        for item in value if isinstance(value, list) else [] if value is None else [value]:
            words = describe(item)
            if words:
                yield name, words


def _join(*words: str | None) -> str:
    return " / ".join(filter(None, words))


_PARTICULARS: Final[Mapping[str, Callable[[Any], str]]] = {
    "kind": lambda kind: "" if kind == "article" else kind,
    "standfirst": str,
    "byline": str,
    "agencies": str,
    "free": lambda free: "yes" if free else "no",
    "embargo": lambda moment: f"{moment['value']} (read: {moment['original']})",
    "ward": str,
    "committee": str,
    "images": lambda image: _join(image["url"], image["caption"], image["credit"] and f"credit: {image['credit']}"),
    "notices": lambda notice: _join(notice["kind"], notice["time"], notice["text"]),
    "notes_to_editors": lambda notes: _join(*notes.split("\n")),
    "contacts": lambda contact: _join(contact["name"], contact["email"], contact["phone"]),
    "documents": lambda document: _join(document["url"], document["title"]),
    "document_of": str,
}


def fail(error: MunimentError) -> None:
    """Say on stderr what went wrong and what to do next."""
    out = console(stderr=True)
    out.print(safe(error.message if isinstance(error, Permanent) else str(error)), style="red")
    if isinstance(error, Permanent):
        out.print(f"Next step: {safe(error.next_step)}")
    else:
        out.print("Next step: try again; if it persists, docs/operators.md#troubleshooting.")
