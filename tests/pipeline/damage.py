"""Damage done to an archive behind Muniment's back, with a client that knows nothing of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3

DIGEST = "sha256"


@dataclass(frozen=True, kw_only=True)
class Raw:
    """An object as the store gives it."""

    body: bytes
    metadata: Mapping[str, str]


@dataclass(kw_only=True)
class RawBucket:
    """A bucket; what is done to it can be undone."""

    client: Any
    name: str
    _kept: dict[str, Raw] = field(default_factory=dict)
    _states: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def _list(self, prefix: str = "") -> dict[str, tuple[str, Any]]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return {
            found["Key"]: (found["ETag"], found["LastModified"]) for page in pages for found in page.get("Contents", ())
        }

    def keys(self, prefix: str = "") -> list[str]:
        return sorted(self._list(prefix))

    def get(self, key: str) -> Raw:
        answer = self.client.get_object(Bucket=self.name, Key=key)
        return Raw(body=answer["Body"].read(), metadata=answer["Metadata"])

    def put(self, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> None:
        """Write an object as it is given, whatever stands there."""
        self.client.put_object(Bucket=self.name, Key=key, Body=body, Metadata=dict(metadata or {}))

    def put_consistently(self, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> None:
        """Write an object with the digest that belongs to it, as a forger would."""
        self.put(key, body, {**(metadata or {}), DIGEST: hashlib.sha256(body).hexdigest()})

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def keep(self) -> None:
        """Remember all that stands."""
        self._kept = {key: self.get(key) for key in self.keys()}
        self._states = self._list()

    def restore(self) -> None:
        """Put everything back that was remembered."""
        now = self._list()
        for key in now.keys() - self._kept.keys():
            self.delete(key)
        for key, raw in self._kept.items():
            if now.get(key) != self._states[key]:
                self.put(key, raw.body, raw.metadata)
        self._states = self._list()


def open_raw(access: Mapping[str, str], bucket: str) -> RawBucket:
    """A bucket of the store that these variables name."""
    client = boto3.client(
        "s3",
        endpoint_url=access["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=access["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=access["AWS_SECRET_ACCESS_KEY"],
        region_name=access["AWS_REGION"],
    )
    return RawBucket(client=client, name=bucket)


def flip_bit(raw: RawBucket, key: str) -> None:
    """One bit in the middle is another one; what is said beside the object stays."""
    found = raw.get(key)
    body = bytearray(found.body)
    body[len(body) // 2] ^= 1
    raw.put(key, bytes(body), found.metadata)


def cut_off(raw: RawBucket, key: str) -> None:
    """The last bytes are gone."""
    found = raw.get(key)
    raw.put(key, found.body[:-7], found.metadata)


def empty(raw: RawBucket, key: str) -> None:
    """Nothing is left but the name."""
    raw.put(key, b"", raw.get(key).metadata)


def take_away(raw: RawBucket, key: str) -> None:
    """The object is gone."""
    raw.delete(key)


def swap(raw: RawBucket, key: str) -> None:
    """Other bytes of the same length, with the digest and the metadata that belong to them."""
    found = raw.get(key)
    body = bytearray(found.body)
    body[len(body) // 2] ^= 1
    raw.put_consistently(key, bytes(body), found.metadata)


DAMAGES: Mapping[str, Callable[[RawBucket, str], None]] = {
    "a flipped bit": flip_bit,
    "cut off": cut_off,
    "emptied": empty,
    "taken away": take_away,
    "swapped": swap,
}


def forge_version(raw: RawBucket, key: str, **changes: Any) -> bytes:
    """Replace a version by one that says something else, with metadata that agrees."""
    found = raw.get(key)
    document = json.loads(found.body)
    for name, value in changes.items():
        document[name] = value
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    metadata = {name: str(document.get(name, value)) for name, value in found.metadata.items()}
    raw.put_consistently(key, body, {**found.metadata, **{k: v for k, v in metadata.items() if k in changes}})
    return body


def forge_chain(raw: RawBucket, site: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Write a site's whole journal anew, each entry changed or left out, so that its chain holds."""
    previous, number = "", 0
    keys = raw.keys(f"journal/{site}/")
    entries = [json.loads(raw.get(key).body) for key in keys]
    for key in keys:
        raw.delete(key)
    for entry in entries:
        changed = change(entry)
        if changed is None:
            continue
        number += 1
        body = json.dumps({**changed, "n": number, "previous": previous}, separators=(",", ":")).encode()
        raw.put_consistently(f"journal/{site}/{number:08}.json", body)
        previous = "sha256:" + hashlib.sha256(body).hexdigest()
