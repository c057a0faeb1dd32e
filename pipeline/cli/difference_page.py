"""A difference as one page of HTML that needs nothing else: for a browser, a mail, a file beside a complaint.

No script, no picture, no font, nothing from elsewhere: the page's own Content-Security-Policy forbids it, and allows
its one style sheet by digest. Whatever came from a page of the web stands escaped in it, with control characters and
changes of direction made visible. What was inserted and deleted is told by ``ins`` and ``del``, by underline and
strike-through, by words for screen readers, and only then by colour.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from pipeline.comparison import Comparison, FieldChange, Paragraph, Piece, compare_lines
from pipeline.model import Version

_CONTEXT: Final = 1  # unchanged paragraphs that are shown beside a changed one
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_LINKABLE: Final = re.compile(r"https?://", re.IGNORECASE)

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1a1a1a; --dim: #5c5c5c; --paper: #fff; --line: #d5d5d5; --box: #f6f6f4;
  --ins: #0b5c2d; --ins-back: #dff3e4; --del: #98182b; --del-back: #fbe3e4; --move: #6b4e00; --link: #0b4f9c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e9e9e6; --dim: #a9a9a4; --paper: #17181a; --line: #3d3f42;
  --box: #212326; --ins: #a5e3b6; --ins-back: #14391f; --del: #ffb3b8; --del-back: #4a1b22; --move: #e8c66a;
  --link: #8fc0ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 54rem; padding: 1.5rem 1.25rem 3rem; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 Georgia, "Noto Serif", "Times New Roman", serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .2rem 0 .6rem; white-space: pre-wrap; }
h2 { font: 600 1rem/1.4 system-ui, sans-serif; margin: 2rem 0 .6rem; }
.meta, table, summary, .place, .legend { font-family: system-ui, sans-serif; font-size: .875rem; line-height: 1.5; }
.meta, .place, .legend { color: var(--dim); }
.meta { margin: 0 0 .3rem; }
a { color: var(--link); }
ins { color: var(--ins); background: var(--ins-back); text-decoration: underline; text-decoration-thickness: 1.5px;
  text-underline-offset: .18em; border-radius: 2px; }
del { color: var(--del); background: var(--del-back); text-decoration: line-through; border-radius: 2px; }
ins::before, ins::after, del::before, del::after { clip-path: inset(50%); position: absolute; width: 1px; height: 1px;
  overflow: hidden; white-space: nowrap; }
ins::before { content: " [inserted: "; } del::before { content: " [deleted: "; }
ins::after, del::after { content: "] "; }
.text p { margin: .3rem 0 .9rem; white-space: pre-wrap; }
.text .block { position: relative; border-inline-start: 3px solid transparent; padding-inline-start: .8rem; }
.text .changed { border-color: var(--line); } .text .added { border-color: var(--ins); }
.text .removed { border-color: var(--del); } .text .moved, .text .left { border-color: var(--move); }
.place { display: block; margin: 0; }
.left { margin: .3rem 0 .9rem; }
details { margin: .3rem 0 .9rem; padding-inline-start: .9rem; } summary { color: var(--dim); cursor: pointer; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
th, td { text-align: start; vertical-align: top; padding: .35rem .5rem .35rem 0; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--dim); font-weight: 600; } th:first-child { width: 8.5rem; font-weight: 600; }
td ul { margin: 0; padding-inline-start: 1.1rem; } td p { margin: 0; white-space: pre-wrap; }
.none { color: var(--dim); }
.evidence td { font-family: ui-monospace, monospace; font-size: .78rem; }
.note { background: var(--box); padding: .6rem .8rem; border-radius: 4px; }
@media (max-width: 40rem) { body { padding: 1rem .9rem 2rem; } h1 { font-size: 1.35rem; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, th, td { display: block; width: auto; } th:first-child { width: auto; padding-bottom: 0; }
  td { border-top: 0; padding-block: .15rem; } tr { border-top: 1px solid var(--line); padding-block: .3rem; }
  tbody th { border-top: 0; } td::before { content: attr(data-side); display: block; color: var(--dim);
  font: .75rem/1.4 system-ui, sans-serif; } }
@media print { body { max-width: none; } }
"""


def draw_page(old: Version, new: Version, comparison: Comparison) -> str:
    """The whole page.

    Args:
        comparison: ``compare_versions(old, new)``.
    """
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    title = new.title or old.title or new.url
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            '<meta name="robots" content="noindex">',
            f"<title>{_escape(title)}: versions {old.n} and {new.n}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            "<header>",
            f'<p class="meta">{_escape(new.publisher)} · {_link(new.url)}</p>',
            f'<h1{_language(new)} dir="auto">{_draw(comparison.title) or _escape(new.url)}</h1>',
            f'<p class="meta">{_between(old, new)}: {_escape(_summary(comparison))}</p>',
            *(f'<p class="note">{_escape(note)}</p>' for note in _notes(old, new)),
            '<p class="legend"><ins>Underlined</ins> was inserted, <del>struck through</del> was deleted.</p>',
            "</header>",
            "<main>",
            *_draw_text(old, new, comparison.paragraphs),
            *_draw_fields(old, new, comparison.fields),
            *_draw_evidence(old, new),
            "</main>",
            "</body>",
            "</html>",
            "",
        )
    )


def _between(old: Version, new: Version) -> str:
    return f"From version {old.n}, captured {_time(old)}, to version {new.n}, captured {_time(new)}"


def _summary(comparison: Comparison) -> str:
    if not comparison.has_edits:
        return "headline and text are the same."
    counts = [
        f"{sum(paragraph.kind == kind for paragraph in comparison.paragraphs)} {kind}"
        for kind in ("changed", "added", "removed", "moved")
        if any(paragraph.kind == kind for paragraph in comparison.paragraphs)
    ]
    told = f"{_count(comparison.words_added, 'word')} added, {comparison.words_removed} removed"
    if counts:
        told += f"; paragraphs: {', '.join(counts)}"
    return f"{told}. {'Edit of ' + ', '.join(comparison.classes) if comparison.classes else 'A cosmetic edit'}."


def _notes(old: Version, new: Version) -> Iterator[str]:
    for version in (old, new):
        if not version.text:
            yield f"Version {version.n} has no text: it says that the article is {version.state}."
        if version.note:
            yield f"Version {version.n}: {version.note}"


# --- text


def _draw_text(old: Version, new: Version, paragraphs: Sequence[Paragraph]) -> Iterator[str]:
    yield f'<section class="text"><h2>Text</h2><div{_language(new if new.text else old)}>'
    if not paragraphs:
        yield '<p class="none">Neither version has a text.</p>'
    for hidden, group in groupby(
        zip(paragraphs, hide_unchanged(paragraphs, _CONTEXT), strict=True), lambda pair: pair[1]
    ):
        shown = [paragraph for paragraph, _ in group]
        if hidden:
            yield f'<details><summary lang="en" dir="ltr">{_count(len(shown), "unchanged paragraph")}</summary>'
        yield from map(_draw_paragraph, shown)
        if hidden:
            yield "</details>"
    yield "</div></section>"


def hide_unchanged(paragraphs: Sequence[Paragraph], context: int) -> list[bool]:
    """Which paragraphs stand so far from any change that they need not be shown; a single one is shown all the same."""
    near = [False] * len(paragraphs)
    for at, paragraph in enumerate(paragraphs):
        if paragraph.kind != "same":
            for place in range(max(0, at - context), min(len(near), at + context + 1)):
                near[place] = True
    hidden: list[bool] = []
    for shown, run in groupby(near):
        size = len(list(run))
        hidden += [not shown and size > 1] * size
    return hidden


def _draw_paragraph(paragraph: Paragraph) -> str:
    match paragraph.kind:
        case "left":
            return (
                f'<p class="block left"><span class="place" lang="en" dir="ltr">Paragraph {paragraph.old} stood here; '
                f"now paragraph {paragraph.new}.</span></p>"
            )
        case "moved":
            place = (
                f'<span class="place" lang="en" dir="ltr">Moved: paragraph {paragraph.old} before, '
                f"paragraph {paragraph.new} now.</span>"
            )
        case _:
            place = ""
    text = _draw(paragraph.pieces) or '<span class="none" lang="en">(an empty line)</span>'
    return f'<div class="block {paragraph.kind}" dir="auto">{place}<p>{text}</p></div>'


def _draw(pieces: Iterable[Piece]) -> str:
    tags = {"same": "{}", "added": "<ins>{}</ins>", "removed": "<del>{}</del>"}
    return "".join(
        tags[piece.mark].format(_escape(piece.text if piece.mark == "same" else _show_blanks(piece.text)))
        for piece in pieces
    )


_BLANKS: Final = {" ": "␣", "\u00a0": "⍽", "\t": "⇥"}
_UNSEEN: Final = re.compile("[\u00ad\u200b\u2060\ufeff]")


def _show_blanks(text: str) -> str:
    """What was inserted or deleted, with what nobody could see of it made visible."""
    text = _UNSEEN.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)
    if not text.isspace():
        return text
    return "".join(_BLANKS.get(char, f"[U+{ord(char):04X}]") for char in text)


# --- tables


def _draw_fields(old: Version, new: Version, fields: Sequence[FieldChange]) -> Iterator[str]:
    yield "<section><h2>Headline and metadata</h2>"
    rows = []
    if old.title != new.title:
        pieces = compare_lines(old.title, new.title)
        rows.append(_row("headline", old, new, _side(pieces, "removed"), _side(pieces, "added")))
    for change in fields:
        if change.pieces:
            before, after = _side(change.pieces, "removed"), _side(change.pieces, "added")
        else:
            before, after = _list("del", change.old, change.kept), _list("ins", change.new, change.kept)
        rows.append(_row(change.name.replace("_", " "), old, new, before, after))
    if rows:
        yield f"<table>{_head('field', old, new)}<tbody>"
        yield from rows
        yield "</tbody></table>"
    else:
        yield '<p class="none">No difference.</p>'
    yield "</section>"


def _side(pieces: Sequence[Piece], side: str) -> str:
    return f'<p dir="auto">{_draw(piece for piece in pieces if piece.mark in ("same", side))}</p>'


def _list(tag: str, words: Sequence[str], kept: int) -> str:
    if not words:
        return f'<p class="none">{"no others" if kept else "nothing"}</p>'
    items = [f"<{tag}>{_escape(word)}</{tag}>" for word in words]
    if len(items) == 1:
        return f'<p dir="auto">{items[0]}</p>'
    lines = "".join(f'<li dir="auto">{item}</li>' for item in items)
    return f"<ul>{lines}</ul>"


def _head(first: str, old: Version, new: Version) -> str:
    return (
        f'<thead><tr><th scope="col">{first}</th><th scope="col">version {old.n}</th>'
        f'<th scope="col">version {new.n}</th></tr></thead>'
    )


def _row(label: str, old: Version, new: Version, before: str, after: str) -> str:
    return (
        f'<tr><th scope="row">{_escape(label)}</th><td data-side="version {old.n}">{before}</td>'
        f'<td data-side="version {new.n}">{after}</td></tr>'
    )


def tell_evidence(version: Version) -> list[tuple[str, str]]:
    """What proves a version, as labels and words."""
    evidence = version.evidence
    return [
        ("captured", _time(version)),
        ("change, state", f"{version.change}, {version.state}"),
        ("answered", f"{evidence.status} from {version.final_url}"),
        ("run", version.run),
        ("WARC", evidence.warc),
        ("record", f"{evidence.record_id} ({evidence.record_type})"),
        ("at byte", f"{evidence.offset}, {evidence.length} bytes"),
        ("payload", evidence.payload_digest),
        ("text digest", version.digest),
        ("read by", f"{version.extractor}; {version.code}"),
    ]


def _draw_evidence(old: Version, new: Version) -> Iterator[str]:
    yield f'<section><h2>Evidence</h2><p class="meta">Article {_escape(new.article)} of {_escape(new.site)}.</p>'
    yield f'<table class="evidence">{_head("what", old, new)}<tbody>'
    for (label, before), (_, after) in zip(tell_evidence(old), tell_evidence(new), strict=True):
        yield _row(label, old, new, f"<p>{_escape(before)}</p>", f"<p>{_escape(after)}</p>")
    yield "</tbody></table></section>"


# --- words


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _time(version: Version) -> str:
    return f"{version.captured_at:%Y-%m-%d %H:%M:%S} UTC"


def _language(version: Version) -> str:
    tag = version.language or ""
    return f' lang="{tag}"' if _LANGUAGE.fullmatch(tag) else ' lang=""'


def _link(url: str) -> str:
    shown = f"<bdi>{_escape(url)}</bdi>"
    if not _LINKABLE.match(url):
        return shown
    return f'<a href="{html.escape(url, quote=True)}" rel="noreferrer nofollow">{shown}</a>'


_OVERRIDES: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _escape(text: str) -> str:
    """Text for HTML: no markup, no control character, nothing that turns the direction of what follows.

    Joiners and marks of direction that scripts need (U+200C to U+200F) stay.
    """
    if any(char in _OVERRIDES or unicodedata.category(char) in ("Cc", "Cs") for char in text):
        text = "".join(
            char.encode("unicode_escape").decode()
            if char in _OVERRIDES or (char not in "\n\t" and unicodedata.category(char) in ("Cc", "Cs"))
            else char
            for char in text
        )
    return html.escape(text, quote=True)
