"""One order and every object that says what it withholds: replaced, one after the other, and put back."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import IO, BinaryIO

import orjson

from pipeline.archive import Archive
from pipeline.errors import WriteConflict
from pipeline.frontier import restate
from pipeline.lifecycle import standing_of
from pipeline.model import Replaced, TakedownOrder, Version
from pipeline.store import Item, KeyMissing, Lost, Stored
from pipeline.takedown.blank import Place, blank_member, read_places, write_blanked
from pipeline.takedown.cleaning import Target
from pipeline.takedown.forms import (
    Clean,
    clean_findings_bytes,
    clean_json_bytes,
    clean_version_bytes,
    in_order,
    metadata_of,
    pack,
    record_of_line,
    texts_of,
    type_of,
    unpack,
)
from pipeline.takedown.orders import TERMS, change_order, read_orders, read_target
from pipeline.takedown.seals import Seals, pack_members, parse_members
from pipeline.takedown.words import fold

_JSON, _GZIP = "application/json", "application/gzip"
_BATCH = 32  # objects that are replaced at once
_TRIES = 20
_PART = 1 << 20
_LOOKED_THROUGH = frozenset({"source", "redirect", "attempt", "policy", "robots"})
_FINDINGS = re.compile(r"runs/[^/]+/[^/]+/extracted-\d{5}\.jsonl\.zst")
_INDEX = re.compile(r"(?:indexes/[^/]+/[^/]+\.cdxj|runs/[^/]+/[^/]+/index-\d{5}\.cdxj(?:\.zst)?)")


@dataclass(frozen=True, kw_only=True)
class Step:
    """An object that a takedown touches."""

    key: str
    what: str  # in words


@dataclass(frozen=True, kw_only=True)
class _Change:
    """What an object is to become."""

    key: str
    standing: Stored
    pristine: bytes
    wanted: bytes
    clean: Clean


@dataclass
class Carrier:
    """One order, being carried out.

    Args:
        run: only this run's objects.
        dry: look only.
    """

    archive: Archive
    target: Target
    now: datetime
    run: str | None = None
    dry: bool = False
    steps: list[Step] = field(default_factory=list)
    _blanked: dict[str, dict[str, frozenset[int]]] = field(default_factory=dict)  # order → segment → offsets

    def __post_init__(self) -> None:
        self._order = self.target.order
        self._id = self._order.takedown
        self._site = self._order.site
        self._seals = Seals(self.archive, self._site)
        self._noted = {each.key for each in self._order.touched}
        self._targets = {self._id: self.target}

    def carry(self) -> None:
        """Clean every object, what readers read most first."""
        site, article = self._site, self._order.article
        numbers = range(1, self.archive.latest_number(site, article) + 1)
        keys = [self.archive.version_key(site, article, n) for n in numbers]
        self._clean_all(keys, clean_version_bytes, "version")
        if not self.dry:
            versions = [self.archive.version(site, article, n) for n in numbers]
            if versions:
                from pipeline.table import replace_rows  # noqa: PLC0415 - heavy, and every run asks whether something is taken down

                replace_rows(self.archive, versions, now=self.now, reason=f"takedown {self._id}")
                self._settle_state(versions)
        for run in self._runs():
            for key in self.archive.numbered_segments(site, run, again=False).values():
                self._blank_segment(key)
            listed = [entry.key for entry in self.archive.store.list(f"runs/{site}/{run}/")]
            self._clean_all([key for key in listed if _FINDINGS.fullmatch(key)], clean_findings_bytes, "findings")
            self._clean_all([key for key in listed if key.endswith(".json")], clean_json_bytes, "document")
            index = self.archive.index_key(site, run)
            indexes = [key for key in (*listed, index) if _INDEX.fullmatch(key)]
            self._clean_all(indexes, self._clean_index, "index")
        if self._order.destroy and not self.dry:
            self._clean_terms()

    def _runs(self) -> list[str]:
        if self.run is not None:
            return [self.run]
        folders = set(self.archive.runs(self._site))
        start = f"indexes/{self._site}/"
        return sorted(
            folders | {e.key.removeprefix(start).removesuffix(".cdxj") for e in self.archive.store.list(start)}
        )

    def _settle_state(self, versions: Sequence[Version]) -> None:
        """What is rebuilt out of the rest, and so is not sealed: frontier and learned blocks."""
        standing = standing_of(versions)
        if standing is not None:
            restate(self.archive, self._site, [standing])
        for entry in self.archive.store.list(f"sites/{self._site}/"):
            if entry.key.endswith(".json"):
                self._clean_mutable(entry.key)

    def _clean_mutable(self, key: str) -> None:
        for _ in range(_TRIES):
            try:
                stored = self.archive.store.get(key)
            except KeyMissing:
                return
            wanted = clean_json_bytes(stored.body, [self.target])
            if wanted == stored.body:
                return
            with suppress(Lost):
                self.archive.store.replace(key, wanted, etag=stored.etag, content_type=_JSON)
                return
        raise WriteConflict(f"{key} was replaced by others {_TRIES} times in a row; try again")

    # --- objects that are replaced as a whole

    def _clean_all(self, keys: Sequence[str], clean: Clean, what: str) -> None:
        with ThreadPoolExecutor(min(8, self.archive.store.threads), thread_name_prefix="takedown") as pool:
            for at in range(0, len(keys), _BATCH):
                some = keys[at : at + _BATCH]
                changes = [change for change in pool.map(partial(self._plan, clean=clean), some) if change is not None]
                self.steps += [Step(key=change.key, what=what) for change in changes]
                if changes and not self.dry:
                    self._replace(changes)

    def _plan(self, key: str, clean: Clean) -> _Change | None:
        try:
            standing = self.archive.store.get(key)
        except KeyMissing:
            return None
        sealed = self._seals.pristine(key)
        pristine = standing.body if sealed is None else sealed
        alone = clean(pristine, [self.target])
        if alone == pristine and not self._order.destroy:
            return None
        others = [self._target(name) for name in self._seals.in_force(key, but=self._id)]
        together = in_order([*others, self.target])
        wanted = clean(pristine, together)
        if alone == pristine and wanted == standing.body:
            return None  # only what is destroyed comes here: its seals may be clean already, and this not yet
        return _Change(
            key=key,
            standing=standing,
            pristine=pristine,
            wanted=wanted,
            clean=clean,
        )

    def _replace(self, changes: Sequence[_Change]) -> None:
        if self._order.destroy:
            for change in changes:
                self._clean_seals(change.key, lambda body, clean=change.clean: clean(body, [self.target]))  # type: ignore[misc]
        else:
            self._seal([(change.key, change.pristine) for change in changes])
        due = [change for change in changes if change.wanted != change.standing.body]
        self._note([(each.key, sha256(each.standing.body).hexdigest()) for each in due])
        for change in due:
            self._replace_one(change)

    def _replace_one(self, change: _Change) -> None:
        for _ in range(_TRIES):
            with suppress(Lost):
                self.archive.store.replace(
                    change.key,
                    change.wanted,
                    etag=change.standing.etag,
                    content_type=type_of(change.key),
                    metadata=metadata_of(change.key, change.wanted),
                )
                self.archive.forget(change.key)
                return
            again = self._plan(change.key, change.clean)
            if again is None or again.wanted == again.standing.body:
                return
            change = again
        raise WriteConflict(f"{change.key} was replaced by others {_TRIES} times in a row; try again")

    def _seal(self, objects: Sequence[tuple[str, bytes]]) -> None:
        items = [
            Item(key=self.archive.sealed_key(self._site, self._id, key), body=body, content_type=type_of(key))
            for key, body in objects
        ]
        self.archive.store.create_many(items)
        for key, _ in objects:
            self._seals.add(key, self._id)

    def _clean_seals(self, key: str, clean: Callable[[bytes], bytes]) -> None:
        """Take out of what others have sealed what is destroyed now."""
        for name in self._seals.all(key):
            sealed = self.archive.sealed_key(self._site, name, key)
            for _ in range(_TRIES):
                stored = self.archive.store.get(sealed)
                wanted = clean(stored.body)
                if wanted == stored.body:
                    break
                self._note([(sealed, sha256(stored.body).hexdigest())])
                with suppress(Lost):
                    self.archive.store.replace(sealed, wanted, etag=stored.etag, content_type=stored.content_type)
                    break

    def _clean_terms(self) -> None:
        """Other orders of the site are looked for by words that may be these."""
        for other in read_orders(self.archive, self._site):
            if other.takedown == self._id:
                continue
            key = self.archive.sealed_key(self._site, other.takedown, TERMS)
            try:
                stored = self.archive.store.get(key)
            except KeyMissing:
                continue
            terms = json.loads(stored.body)
            kept = {name: [word for word in words if not self._tells(word)] for name, words in terms.items()}
            if kept != terms:
                self._note([(key, sha256(stored.body).hexdigest())])
                body = json.dumps(kept, ensure_ascii=False).encode()
                with suppress(Lost):
                    self.archive.store.replace(key, body, etag=stored.etag, content_type=_JSON)

    def _tells(self, word: str) -> bool:
        return self.target.finder.stands_in(word) or fold(word) in self.target.lines

    def _note(self, keys: Sequence[tuple[str, str]]) -> None:
        """Say in the order what is about to be replaced: whoever goes on tells the journal of it."""
        new = [(key, before) for key, before in keys if key not in self._noted]
        if not new:
            return
        sealed = not self._order.destroy
        drafts = tuple(
            Replaced(
                key=key,
                before=before,
                after=None,
                sealed=self.archive.sealed_key(self._site, self._id, key) if sealed else None,
            )
            for key, before in new
        )

        def add(standing: TakedownOrder) -> TakedownOrder:
            known = {each.key for each in standing.touched}
            more = tuple(each for each in drafts if each.key not in known)
            return standing.model_copy(update={"touched": (*standing.touched, *more)})

        change_order(self.archive, self._site, self._id, add)
        self._noted |= {key for key, _ in new}

    def _target(self, takedown: str) -> Target:
        if takedown not in self._targets:
            order = next(each for each in read_orders(self.archive, self._site) if each.takedown == takedown)
            self._targets[takedown] = read_target(self.archive, order)
        return self._targets[takedown]

    # --- segments

    def _blank_segment(self, key: str) -> None:
        for _ in range(_TRIES):
            standing = self.archive.store.head(key)
            if standing is None:
                return
            with tempfile.TemporaryDirectory(prefix="muniment-takedown-") as folder, suppress(Lost):
                path = Path(folder) / "segment.warc.gz"
                self.archive.download_segment(key, path)
                with path.open("rb") as file:
                    self._blank_file(key, file, Path(folder), standing.etag)
                return
        raise WriteConflict(f"{key} was replaced by others {_TRIES} times in a row; try again")

    def _blank_file(self, key: str, file: BinaryIO, folder: Path, etag: str) -> None:
        places = read_places(file)
        holders = self._seals.in_force(key, but=self._id)
        sealed = {name: self._seals.members(key, [name]) for name in holders}
        earlier = {offset: body for members in sealed.values() for offset, body in members.items()}

        def read(place: Place) -> bytes:
            if place.offset in earlier:
                return earlier[place.offset]
            file.seek(place.offset)
            return file.read(place.length)

        own = set(self._seals.members(key, [self._id])) if self._id in self._seals.all(key) else None
        if own is None:
            own = {place.offset for place in self._pick(key, places, read, earlier)}
        for name, members in sealed.items():
            self._blanked.setdefault(name, {})[key] = frozenset(members)
        gone = {place.offset for place in places if place.blank and place.offset not in earlier}
        self._blanked.setdefault(self._id, {})[key] = frozenset(own | gone)
        if not own:
            return
        self.steps.append(Step(key=key, what=f"{len(own)} records"))
        if self.dry:
            return
        chosen = [place for place in places if place.offset in own]
        if self._order.destroy:
            blanks = {place.offset: blank_member(place, read(place)) for place in chosen}
            self._clean_seals(key, lambda body: pack_members(_overlay(parse_members(body), blanks)))
        elif self._id not in self._seals.all(key):
            with (folder / "sealed").open("wb") as target:
                target.write(json.dumps([[place.offset, place.length] for place in chosen]).encode() + b"\n")
                for place in chosen:
                    target.write(read(place))
            sealed_key = self.archive.sealed_key(self._site, self._id, key)
            self.archive.store.upload_file(sealed_key, folder / "sealed", content_type="application/octet-stream")
            self._seals.add(key, self._id)
        due = [place for place in chosen if not place.blank and place.offset not in earlier]
        if not due:
            return
        instead = {place.offset: blank_member(place, read(place)) for place in due}
        _write_segment(self.archive, key, file, places, instead, folder, etag, self._note)

    def _pick(
        self, key: str, places: Sequence[Place], read: Callable[[Place], bytes], earlier: Mapping[int, bytes]
    ) -> Iterator[Place]:
        """The records that say what is withheld."""
        groups: dict[str, list[Place]] = {}
        for place in places:
            if place.kind != "warcinfo" and (not place.blank or place.offset in earlier):
                groups.setdefault(place.capture, []).append(place)
        others = self._of_other_articles(key)
        for capture, group in groups.items():
            fields = {name: value for place in group for name, value in place.fields.items()}
            kind = fields.get("muniment-kind", "page")
            urls = {place.header("WARC-Target-URI") for place in group} | {fields.get("muniment-requested", "")}
            own = capture in self.target.records or (kind not in ("robots", "policy") and urls & self.target.urls)
            if own and self.target.whole:
                yield from group
            elif own:
                yield from (place for place in group if self._has_words(place, read))
            elif kind in _LOOKED_THROUGH or capture not in others:
                texts = (text for place in group for text in texts_of(read(place)))
                if any(self.target.gives_away(text) for text in texts):
                    yield from group

    def _has_words(self, place: Place, read: Callable[[Place], bytes]) -> bool:
        """Of a page with words to redact: whether a record has them, or may have them in a form of its own."""
        if place.kind == "conversion" or (place.kind == "response" and place.fields.get("status", "200")[:1] == "2"):
            return True
        return any(self.target.finder.stands_in_source(text) for text in texts_of(read(place)))

    def _of_other_articles(self, key: str) -> frozenset[str]:
        """Records of a segment that are the evidence of other articles: of these nothing is blanked."""
        match = re.fullmatch(r".*/([^/]+)-(\d{5})\.warc\.gz", key)
        assert match is not None
        found = self.archive.extracted_key(self._site, match[1], int(match[2]))
        try:
            body = self.archive.store.get(found).body
        except KeyMissing:
            return frozenset()
        lines = (orjson.loads(line) for line in unpack(body).splitlines())
        return frozenset(line["evidence"]["record_id"] for line in lines if line["kind"] in ("article", "unchanged"))

    def _clean_index(self, body: bytes, targets: Sequence[Target]) -> bytes:
        """An index without the lines of blank records."""
        gone = {
            (key.rsplit("/", maxsplit=1)[-1], offset)
            for target in targets
            for key, offsets in self._blanked.get(target.order.takedown, {}).items()
            for offset in offsets
        }
        packed = body.startswith(b"\x28\xb5\x2f\xfd")
        lines = (unpack(body) if packed else body).splitlines(keepends=True)
        kept = [line for line in lines if record_of_line(line) not in gone]
        if len(kept) == len(lines):
            return body
        return pack(b"".join(kept)) if packed else b"".join(kept)


class Restorer(Carrier):
    """One order, being ended."""

    def restore(self) -> None:
        """Put all back that it has sealed: versions first, indexes last."""
        keys = self._seals.keys_of(self._id)
        segments = [key for key in keys if key.startswith("warc/")]
        indexes = [key for key in keys if _INDEX.fullmatch(key)]
        versions = [key for key in keys if key.startswith("articles/")]
        for key in versions:
            self._restore(key, clean_version_bytes)
        numbers = range(1, self.archive.latest_number(self._site, self._order.article) + 1)
        standing = [self.archive.version(self._site, self._order.article, n) for n in numbers]
        from pipeline.table import replace_rows  # noqa: PLC0415 - heavy, and every run asks whether something is taken down

        replace_rows(self.archive, standing, now=self.now, reason=f"takedown {self._id} reinstated")
        if (known := standing_of(standing)) is not None:
            restate(self.archive, self._site, [known])
        for key in segments:
            self._restore_segment(key)
        for key in keys:
            if _FINDINGS.fullmatch(key):
                self._restore(key, clean_findings_bytes)
            elif key.endswith(".json") and key.startswith("runs/"):
                self._restore(key, clean_json_bytes)
        for key in indexes:
            self._restore(key, self._clean_index)

    def _restore(self, key: str, clean: Clean) -> None:
        pristine = self._seals.read(self._id, key)
        others = [self._target(name) for name in self._seals.in_force(key, but=self._id)]
        wanted = clean(pristine, in_order(others)) if others else pristine
        for _ in range(_TRIES):
            try:
                stored = self.archive.store.get(key)
            except KeyMissing:
                return  # the site's retention has removed it meanwhile
            if stored.body == wanted:
                return
            self._note([(key, sha256(stored.body).hexdigest())])
            with suppress(Lost):
                self.archive.store.replace(
                    key,
                    wanted,
                    etag=stored.etag,
                    content_type=type_of(key),
                    metadata=metadata_of(key, wanted),
                )
                self.archive.forget(key)
                return
        raise WriteConflict(f"{key} was replaced by others {_TRIES} times in a row; try again")

    def _restore_segment(self, key: str) -> None:
        members = self._seals.members(key, [self._id])
        for name in self._seals.in_force(key, but=self._id):
            held = self._seals.members(key, [name])
            self._blanked.setdefault(name, {})[key] = frozenset(held)
            members = {offset: body for offset, body in members.items() if offset not in held}
        for _ in range(_TRIES):
            standing = self.archive.store.head(key)
            if standing is None:
                return
            with tempfile.TemporaryDirectory(prefix="muniment-takedown-") as folder, suppress(Lost):
                path = Path(folder) / "segment.warc.gz"
                self.archive.download_segment(key, path)
                with path.open("rb") as file:
                    places = read_places(file)
                    due = {offset: body for offset, body in members.items() if _read_at(file, offset, body) != body}
                    if due:
                        _write_segment(self.archive, key, file, places, due, Path(folder), standing.etag, self._note)
                return
        raise WriteConflict(f"{key} was replaced by others {_TRIES} times in a row; try again")


def _write_segment(
    archive: Archive,
    key: str,
    file: BinaryIO,
    places: Sequence[Place],
    instead: Mapping[int, bytes],
    folder: Path,
    etag: str,
    note: Callable[[Sequence[tuple[str, str]]], None],
) -> None:
    """Replace a segment by itself with other members."""
    note([(key, _digest_file(file))])
    made = folder / "made.warc.gz"
    with made.open("wb") as target:
        write_blanked(file, target, places, instead=instead)
    archive.store.replace_file(key, made, etag=etag, content_type=_GZIP)
    archive.forget(key)


def _digest_file(file: BinaryIO) -> str:
    file.seek(0)
    digest = sha256()
    while part := file.read(_PART):
        digest.update(part)
    return digest.hexdigest()


def _read_at(file: IO[bytes], offset: int, like: bytes) -> bytes:
    file.seek(offset)
    return file.read(len(like))


def _overlay(members: Mapping[int, bytes], blanks: Mapping[int, bytes]) -> dict[int, bytes]:
    return {offset: blanks.get(offset, body) for offset, body in members.items()}
