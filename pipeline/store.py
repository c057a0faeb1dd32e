"""Any S3-compatible store, as the few operations that the archive is built of. The only user of boto3.

What it adds to boto3: conditional writes with their three answers (done, somebody was faster, error), a checksum
on every upload, which stays beside the object (user metadata ``sha256``) for whoever audits it later, bounded
time-outs and retries for what is temporary, botocore's errors as ours with the operator's next step, and
``self_test``, which finds out whether a store keeps the promises that the archive rests on. What it is not: it
knows no key of the archive (``pipeline.archive`` does), and it does not know which S3 server it talks to.
Portability, as found (see docs/decisions.md):

- ``If-Match`` on a missing key is answered 412 by some and 404 by others: both are ``Lost``.
- AWS may answer 409 to conditional writes that overlap: tried again, then ``WriteConflict``.
- ETags are kept and sent without quotes, which AWS, Ceph and SeaweedFS all take (Ceph 16 takes only that).
- Older servers check ``Content-MD5`` only, newer ones also ``x-amz-checksum-sha256``: both are sent.
- Listing order is by byte only among names of one folder (SeaweedFS walks a tree): nothing here needs more.
"""

from __future__ import annotations

import base64
import hashlib
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ResponseStreamingError,
    SSLError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.loaders import Loader

from pipeline import __version__
from pipeline.errors import ArchiveError, MunimentError, NotInArchive, StoreRefused, StoreUnavailable, WriteConflict
from pipeline.settings import Settings, read_store_access

CHECK_PREFIX = ".muniment-check/"
"""``self_test`` keeps its objects below this prefix and removes them afterwards."""

DIGEST_NAME = "sha256"
"""Name in an object's user metadata of the SHA-256, in hexadecimal digits, of what was written."""

_AGENT = f"muniment/{__version__} boto3/{boto3.__version__}"
"""Botocore's own lists all that it can do, and is put together twice a request: a tenth of the CPU of a write."""
_UNKNOWN = frozenset({404, 405, 501})  # how stores say that they have no such thing
_CONNECT_SECONDS = 5
_READ_SECONDS = 60
_ATTEMPTS = 4
_HURRIED_SECONDS = 5
_HURRIED_ATTEMPTS = 2
_CONFLICT_ATTEMPTS = 8
_PART = 1024 * 1024
_PAGE = 1000


class KeyMissing(NotInArchive):
    """There is no object under that key."""


class BucketMissing(StoreRefused):
    """There is no such bucket."""


class NotAllowed(StoreRefused):
    """The key is right, and may not do that; ``next_step`` names the role that may."""


class Lost(WriteConflict):
    """A conditional write found another state than the one it was made for: read again, then decide."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An object with what the store says of it. ``etag`` has no quotes."""

    body: bytes
    etag: str
    metadata: Mapping[str, str]
    content_type: str
    encoding: str = ""  # Content-Encoding; nothing of Muniment's is written with one


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An object as a listing or a HEAD shows it; ``metadata`` only from HEAD. ``size`` in bytes."""

    key: str
    size: int
    etag: str
    modified: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    encoding: str = ""  # from reading an object


@dataclass(frozen=True, kw_only=True)
class Item:
    """An object to be created."""

    key: str
    body: bytes
    content_type: str
    metadata: Mapping[str, str] | None = None


class Store:
    """One bucket of an S3-compatible store; may be used by many threads at once.

    Every request of every method goes through ``_call(operation, **arguments)``, with the names of boto3's
    client: a subclass that overrides it sees each one before it is made and after it was answered, which is
    how tests end a process at a chosen request. Nothing else of this class may reach the network.

    Args:
        bucket: its name.
        session: where region and credentials come from.
        endpoint: address of the server; None: as ``session`` has it.
        threads: how many requests may be under way at once.
        anonymous: make requests without a key.
        hurried: tell a store that does not answer as such after seconds instead of minutes: somebody is waiting.
    """

    def __init__(
        self,
        bucket: str,
        *,
        session: boto3.Session,
        endpoint: str | None = None,
        threads: int = 16,
        anonymous: bool = False,
        hurried: bool = False,
    ) -> None:
        self.bucket = bucket
        self._session = session
        self._threads = threads
        self._config = Config(
            connect_timeout=_HURRIED_SECONDS if hurried else _CONNECT_SECONDS,
            read_timeout=_HURRIED_SECONDS if hurried else _READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _HURRIED_ATTEMPTS if hurried else _ATTEMPTS},
            max_pool_connections=max(threads, 16) + 4,
            request_checksum_calculation="when_required",  # we send our own; older servers choke on trailers
            response_checksum_validation="when_supported",
            user_agent=_AGENT,
            signature_version=UNSIGNED if anonymous else None,
        )
        try:
            self._client: Any = session.client("s3", endpoint_url=endpoint, config=self._config)
        except (BotoCoreError, ValueError) as error:
            raise _explained(error, bucket, endpoint or "the configured endpoint") from error
        self.endpoint: str = self._client.meta.endpoint_url

    # --- reading

    @property
    def threads(self) -> int:
        """How many requests may be under way at once."""
        return self._threads

    def get(self, key: str) -> Stored:
        """The whole object, its checksum verified where the store keeps one.

        Raises:
            KeyMissing: there is none.
        """
        answer = self._ask(key, "get_object", Key=key, ChecksumMode="ENABLED")
        return Stored(
            body=answer["Body"],
            etag=_bare(answer["ETag"]),
            metadata=answer.get("Metadata", {}),
            content_type=answer.get("ContentType", ""),
            encoding=answer.get("ContentEncoding", ""),
        )

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset`` on; fewer only where the object ends.

        Raises:
            KeyMissing: there is no such object.
            ArchiveError: the object ends before ``offset``.
        """
        if offset < 0 or length < 0:
            raise ValueError("offset and length of a range must not be negative")
        if length == 0:
            return b""
        answer = self._ask(key, "get_object", Key=key, Range=f"bytes={offset}-{offset + length - 1}")
        body = bytes(answer["Body"])
        if answer["ResponseMetadata"]["HTTPStatusCode"] == 200:  # a server that ignores ranges sends it all
            body = body[offset : offset + length]
        return body

    def head(self, key: str) -> Entry | None:
        """What the store says of an object, with its user metadata; None when there is none."""
        try:
            answer = self._ask(key, "head_object", Key=key)
        except KeyMissing:
            return None
        return Entry(
            key=key,
            size=answer["ContentLength"],
            etag=_bare(answer["ETag"]),
            modified=answer["LastModified"],
            metadata=answer.get("Metadata", {}),
        )

    def download_file(self, key: str, path: Path) -> None:
        """Write the object to ``path``, in constant memory; a file stands there only when all of it came.

        Raises:
            KeyMissing: there is none.
        """
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            with part.open("wb") as file:
                self._ask(key, "get_object", Key=key, ChecksumMode="ENABLED", into=file)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def read_into(self, key: str, file: IO[bytes]) -> Entry:
        """Write the object into a file, in constant memory; what the store says of it.

        Args:
            file: is told to ``seek(0)`` and ``truncate()`` before each try.

        Raises:
            KeyMissing: there is none.
        """
        answer = self._ask(key, "get_object", Key=key, into=file)
        return Entry(
            key=key,
            size=answer["ContentLength"],
            etag=_bare(answer["ETag"]),
            modified=answer["LastModified"],
            metadata=answer.get("Metadata", {}),
            encoding=answer.get("ContentEncoding", ""),
        )

    def list(self, prefix: str, *, start_after: str | None = None) -> Iterator[Entry]:
        """The objects whose key begins with ``prefix``; in the order of their names within one folder.

        Args:
            start_after: begin behind this key.
        """
        for page in self._pages(prefix, StartAfter=start_after):
            for found in page.get("Contents", ()):
                yield Entry(
                    key=found["Key"], size=found["Size"], etag=_bare(found["ETag"]), modified=found["LastModified"]
                )

    def list_folders(self, prefix: str) -> Iterator[str]:
        """Names of the folders directly below ``prefix`` (which ends with ``/`` or is empty), in order."""
        for page in self._pages(prefix, Delimiter="/"):
            for found in page.get("CommonPrefixes", ()):
                yield found["Prefix"][len(prefix) :].rstrip("/")

    # --- writing

    def create(self, key: str, body: bytes, *, content_type: str, metadata: Mapping[str, str] | None = None) -> bool:
        """Write an object only if there is none under that key; the store decides, not we.

        Returns:
            False when the key exists. That may be our own write whose answer was lost: who must know reads it.
        """
        return self._create(
            key,
            body,
            content_type,
            metadata,
            sha256=hashlib.sha256(body).digest(),
            md5=hashlib.md5(body, usedforsecurity=False).digest(),
        )

    def create_many(self, items: Iterable[Item], threads: int | None = None) -> dict[str, bool]:
        """``create`` for many objects, so many at once; ``items`` is read as it is needed.

        Returns:
            For each key what ``create`` said, in the order of ``items``.

        Raises:
            The first error met; what was under way is finished before, nothing is begun after it.
        """
        created: dict[str, bool] = {}
        count = threads or self._threads
        with ThreadPoolExecutor(max_workers=count, thread_name_prefix="store") as pool:
            pending: set[Future[tuple[str, bool]]] = set()
            for item in items:
                created[item.key] = False  # its place in the order
                pending.add(pool.submit(self._create_item, item))
                if len(pending) >= 2 * count:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    created.update(future.result() for future in done)
            created.update(future.result() for future in pending)
        return created

    def upload_file(
        self, key: str, path: Path, *, content_type: str, metadata: Mapping[str, str] | None = None
    ) -> bool:
        """``create`` from a file of up to 5 GiB, in constant memory."""
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        with path.open("rb") as file:
            while part := file.read(_PART):
                sha256.update(part)
                md5.update(part)
            file.seek(0)
            return self._create(key, file, content_type, metadata, sha256=sha256.digest(), md5=md5.digest())

    def replace(
        self, key: str, body: bytes, *, etag: str | None, content_type: str, metadata: Mapping[str, str] | None = None
    ) -> str:
        """Write an object only if it still is in the state that was read.

        Args:
            etag: of the state that was read; None: there was no object.

        Returns:
            The new ETag.

        Raises:
            Lost: another writer was faster, or our own write came through and its answer did not. Read
                again and apply again: what is written this way must be made so that applying twice is harmless.
        """
        return self._replace(
            key,
            body,
            {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag},
            content_type,
            metadata,
            sha256=hashlib.sha256(body).digest(),
            md5=hashlib.md5(body, usedforsecurity=False).digest(),
        )

    def replace_file(
        self, key: str, path: Path, *, etag: str, content_type: str, metadata: Mapping[str, str] | None = None
    ) -> str:
        """``replace`` from a file of up to 5 GiB, in constant memory."""
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        with path.open("rb") as file:
            while part := file.read(_PART):
                sha256.update(part)
                md5.update(part)
            file.seek(0)
            return self._replace(
                key, file, {"IfMatch": etag}, content_type, metadata, sha256=sha256.digest(), md5=md5.digest()
            )

    def purge(self, key: str, *, current: bool = False) -> datetime | None:
        """Remove the earlier states of an object that bucket versioning has kept, as far as locks let it.

        Args:
            current: the object itself, too.

        Returns:
            Until when the store locks one of them; None: none is left.
        """
        locked: datetime | None = None
        wanted: dict[str, str] = {}
        try:
            while True:
                page = self._call("list_object_versions", Prefix=key, **wanted)
                for found in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    if found["Key"] == key and (current or not found.get("IsLatest")):
                        until = self._purge_one(key, found["VersionId"])
                        locked = max(filter(None, (locked, until)), default=None)
                if not page.get("IsTruncated"):
                    break
                wanted = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page.get("NextVersionIdMarker", "")}
        except ClientError as error:
            if _status(error) not in {405, 501}:  # a store without versions
                raise self._explained(error) from error
        except (BotoCoreError, OSError) as error:
            raise self._explained(error) from error
        if current and self.head(key) is not None:
            self.delete(key)  # what is locked is hidden at least
        return locked

    def _purge_one(self, key: str, version: str) -> datetime | None:
        try:
            self._call("delete_object", Key=key, VersionId=version)
        except ClientError as error:
            if _status(error) not in {400, 403, 409}:
                raise
            with suppress(ClientError):
                held = self._call("get_object_retention", Key=key, VersionId=version)["Retention"]
                until: datetime = held["RetainUntilDate"]
                return until
            raise
        return None

    def delete(self, key: str) -> None:
        """Remove an object; it is no error when there is none. Nothing of the archive is ever removed this way."""
        self._ask(key, "delete_object", Key=key)

    # --- the bucket

    def has_bucket(self) -> bool:
        """Whether the bucket exists and is ours to use."""
        try:
            self._call("head_bucket")
        except ClientError as error:
            if _status(error) == 404:
                return False
            raise self._explained(error) from error
        except (BotoCoreError, OSError) as error:
            raise self._explained(error) from error
        return True

    def create_bucket(self) -> None:
        """Make the bucket; it is no error when it is ours already."""
        region = self._client.meta.region_name
        where = (
            {}
            if region in {None, "us-east-1", "auto", "aws-global"}
            else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        try:
            self._call("create_bucket", **where)
        except ClientError as error:
            if _code(error) not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"} or not self.has_bucket():
                raise self._explained(error) from error
        except (BotoCoreError, OSError) as error:
            raise self._explained(error) from error

    def has_versioning(self) -> bool:
        """Whether bucket versioning is on; a store that does not know it has it off."""
        return bool(self._look("get_bucket_versioning").get("Status") == "Enabled")

    def turn_versioning(self, on: bool) -> None:
        """Turn bucket versioning on, or suspend it: then what is replaced or deleted stays as an earlier version."""
        self._ask("", "put_bucket_versioning", VersioningConfiguration={"Status": "Enabled" if on else "Suspended"})

    def object_lock(self) -> tuple[str, int] | None:
        """Mode and days of the bucket's default retention; None: no lock, or a store that has none."""
        answer = self._look("get_object_lock_configuration", unknown=_UNKNOWN | {400})
        found = answer.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {})
        days = int(found.get("Days", 0)) + 365 * int(found.get("Years", 0))
        return (str(found["Mode"]).lower(), days) if days else None

    def turn_lock_on(self, mode: str, days: int) -> None:
        """Lock each object that is written from now on for so many days; the bucket must have versioning.

        Args:
            mode: ``governance`` (who has the right may lift it) or ``compliance`` (nobody can).
            days: how long.
        """
        rule = {"DefaultRetention": {"Mode": mode.upper(), "Days": days}}
        self._ask(
            "", "put_object_lock_configuration", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
        )

    def lifecycle_rules(self) -> tuple[dict[str, Any], ...]:
        """The bucket's lifecycle rules, as S3 has them; empty where there are none."""
        return tuple(self._look("get_bucket_lifecycle_configuration").get("Rules", ()))

    def set_lifecycle_rules(self, rules: Iterable[Mapping[str, Any]]) -> None:
        """Replace the bucket's lifecycle rules; none: remove them."""
        wanted = [dict(rule) for rule in rules]
        if wanted:
            self._ask("", "put_bucket_lifecycle_configuration", LifecycleConfiguration={"Rules": wanted})
        else:
            self._ask("", "delete_bucket_lifecycle")

    def options_for_table(self) -> dict[str, str]:
        """Endpoint and credentials in the words of Rust's object_store, which delta-rs and Polars use."""
        found = self._session.get_credentials()
        if found is None:
            raise self._explained(NoCredentialsError())
        keys = found.get_frozen_credentials()
        options = {
            "AWS_ACCESS_KEY_ID": str(keys.access_key),
            "AWS_SECRET_ACCESS_KEY": str(keys.secret_key),
            "AWS_REGION": self._client.meta.region_name or "us-east-1",
        }
        if keys.token:
            options["AWS_SESSION_TOKEN"] = keys.token
        if not self.endpoint.endswith(".amazonaws.com"):
            # Both, or the environment's variable for S3 alone would go before what is said here.
            options["AWS_ENDPOINT_URL"] = options["AWS_ENDPOINT_URL_S3"] = self.endpoint
            options["AWS_VIRTUAL_HOSTED_STYLE_REQUEST"] = "false"
            if self.endpoint.startswith("http://"):
                options["AWS_ALLOW_HTTP"] = "true"
        return options

    def with_credentials(self, access_key: str | None, secret_key: str | None) -> Store:
        """The same bucket seen by somebody else; ``None`` for both: by somebody without a key."""
        return type(self)(
            self.bucket,
            session=_begin_session(access_key, secret_key, self._client.meta.region_name),
            endpoint=self.endpoint,
            threads=self._threads,
            anonymous=access_key is None,
        )

    def access_key(self) -> str | None:
        """The name of who asks; not the secret."""
        found = self._session.get_credentials()
        return str(found.get_frozen_credentials().access_key) if found else None

    def refuses(self, operation: str, **arguments: Any) -> bool:
        """Whether the store refuses a request that ``self_test`` expects it to refuse (400, 401, 403)."""
        try:
            self._call(operation, **arguments)
        except ClientError as error:
            if _status(error) in {400, 401, 403}:
                return True
            raise self._explained(error) from error
        except (BotoCoreError, OSError) as error:
            raise self._explained(error) from error
        return False

    # --- underneath

    def _create_item(self, item: Item) -> tuple[str, bool]:
        return item.key, self.create(item.key, item.body, content_type=item.content_type, metadata=item.metadata)

    def _create(
        self,
        key: str,
        body: bytes | IO[bytes],
        content_type: str,
        metadata: Mapping[str, str] | None,
        *,
        sha256: bytes,
        md5: bytes,
    ) -> bool:
        try:
            self._call(
                "put_object",
                Key=key,
                Body=body,
                ContentType=content_type,
                Metadata={**(metadata or {}), DIGEST_NAME: sha256.hex()},
                ContentMD5=_base64(md5),
                ChecksumSHA256=_base64(sha256),
                IfNoneMatch="*",
            )
        except ClientError as error:
            if _is_precondition(error):
                return False
            raise self._explained(error, key) from error
        except (BotoCoreError, OSError) as error:
            raise self._explained(error, key) from error
        return True

    def _replace(
        self,
        key: str,
        body: bytes | IO[bytes],
        condition: Mapping[str, str],
        content_type: str,
        metadata: Mapping[str, str] | None,
        *,
        sha256: bytes,
        md5: bytes,
    ) -> str:
        try:
            answer = self._call(
                "put_object",
                Key=key,
                Body=body,
                ContentType=content_type,
                Metadata={**(metadata or {}), DIGEST_NAME: sha256.hex()},
                ContentMD5=_base64(md5),
                ChecksumSHA256=_base64(sha256),
                **condition,
            )
        except ClientError as error:
            if _is_precondition(error) or ("IfMatch" in condition and _code(error) in {"NoSuchKey", "404"}):
                raise Lost(f"{key} changed since it was read") from error
            raise self._explained(error, key) from error
        except (BotoCoreError, OSError) as error:
            raise self._explained(error, key) from error
        return _bare(answer["ETag"])

    def _ask(self, key: str, operation: str, **arguments: Any) -> Any:
        try:
            return self._call(operation, **arguments)
        except ClientError as error:
            if _code(error) in {"NoSuchKey", "NotFound", "404"}:
                raise KeyMissing(
                    f"There is no {key} in bucket {self.bucket}.", next_step="Check the name of what was asked for."
                ) from error
            if _code(error) in {"InvalidRange", "416"}:
                raise ArchiveError(
                    f"{key} is shorter than the range asked of it.",
                    next_step="The document that pointed there disagrees with the file; restore it from a backup.",
                ) from error
            raise self._explained(error, key) from error
        except (BotoCoreError, OSError) as error:
            raise self._explained(error, key) from error

    def _look(self, operation: str, *, unknown: frozenset[int] = _UNKNOWN) -> Mapping[str, Any]:
        """What is set on the bucket; empty where nothing is, or the store does not know such a thing (by status)."""
        try:
            answer: Mapping[str, Any] = self._call(operation)
        except ClientError as error:
            if _status(error) in unknown:
                return {}
            raise self._explained(error) from error
        except (BotoCoreError, OSError) as error:
            raise self._explained(error) from error
        return answer

    def _pages(self, prefix: str, **arguments: str | None) -> Iterator[Mapping[str, Any]]:
        wanted = {name: value for name, value in arguments.items() if value is not None}
        while True:
            page = self._ask(prefix, "list_objects_v2", Prefix=prefix, MaxKeys=_PAGE, **wanted)
            yield page
            if not page.get("IsTruncated"):
                return
            wanted["ContinuationToken"] = page["NextContinuationToken"]

    def _call(self, operation: str, **arguments: Any) -> Any:
        """One request to the store, tried again while that may help; the seam of the class, see there.

        ``into``, for ``get_object``: a file that takes the body; without it ``Body`` is bytes in the answer.
        """
        for attempt in range(1, _CONFLICT_ATTEMPTS):
            try:
                return self._perform(operation, dict(arguments))
            except (ClientError, BotoCoreError) as error:
                if not _may_pass(error):
                    raise
            time.sleep(random.uniform(0, min(2.0, 0.05 * 2**attempt)))  # noqa: S311 - only not all at once
        return self._perform(operation, arguments)

    def _perform(self, operation: str, arguments: dict[str, Any]) -> Any:
        into: IO[bytes] | None = arguments.pop("into", None)
        if hasattr(arguments.get("Body"), "seek"):
            arguments["Body"].seek(0)
        answer = getattr(self._client, operation)(Bucket=self.bucket, **arguments)
        if operation == "get_object":
            stream = answer["Body"]
            try:
                if into is None:
                    answer["Body"] = stream.read()
                else:
                    into.seek(0)
                    into.truncate()
                    for part in stream.iter_chunks(_PART):
                        into.write(part)
            finally:
                stream.close()
        return answer

    def _explained(self, error: Exception, key: str = "") -> MunimentError:
        return _explained(error, self.bucket, self.endpoint, key)


class Over(Protocol):
    """What is laid over a bucket: see ``pipeline.rehearsal``."""

    def has(self, key: str) -> bool:
        """Whether the object was written over."""

    def put(self, key: str, body: Any, content_type: str, metadata: Mapping[str, str]) -> dict[str, Any]:
        """Keep an object; what a store answers."""

    def head(self, key: str) -> dict[str, Any]:
        """What is told of an object that was written over."""

    def get(self, key: str) -> bytes:
        """Its bytes."""

    def entries(self, prefix: str, after: str) -> dict[str, dict[str, Any]]:
        """The objects below a prefix, as a listing has them."""


class Overlaid(Store):
    """A bucket that is only read: what is written goes into what lies over it, and is read from there.

    Requests that neither read nor put an object are refused, whatever they are.
    """

    def __init__(self, store: Store, over: Over) -> None:
        self.__dict__.update(store.__dict__)
        self._over = over
        self._writing = threading.Lock()

    def _call(self, operation: str, **arguments: Any) -> Any:
        key = arguments.get("Key", "")
        if operation == "put_object":
            with self._writing:
                self._hold_condition(key, arguments)
                return self._over.put(key, arguments["Body"], arguments["ContentType"], arguments["Metadata"])
        if operation == "list_objects_v2":
            return self._list(arguments)
        if not operation.startswith(("get_", "head_", "list_")):
            raise RuntimeError(f"{operation} in a bucket that is only read")
        if not self._over.has(key):
            return super()._call(operation, **arguments)
        answer = self._over.head(key)
        if operation == "get_object":  # whole where a range is wanted, too, which status 200 says
            answer["Body"] = self._over.get(key)
            if (into := arguments.get("into")) is not None:
                into.write(answer["Body"])
        return answer

    def _hold_condition(self, key: str, arguments: Mapping[str, Any]) -> None:
        """Raise as a store would, where a conditional write does not hold."""
        try:
            standing = str(self._call("head_object", Key=key)["ETag"])
        except ClientError as error:
            if _status(error) != 404:
                raise
            standing = ""
        wanted = arguments.get("IfMatch")
        if (arguments.get("IfNoneMatch") == "*" and standing) or (wanted and _bare(wanted) != _bare(standing)):
            raise ClientError(
                {"Error": {"Code": "PreconditionFailed"}, "ResponseMetadata": {"HTTPStatusCode": 412}},  # type: ignore[typeddict-item]
                "PutObject",
            )

    def _list(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """A page of the bucket's own listing; what lies over it comes with the last page, in order there."""
        page: dict[str, Any] = super()._call("list_objects_v2", **arguments)
        if page.get("IsTruncated"):
            return page
        prefix = arguments["Prefix"]
        found = self._over.entries(prefix, arguments.get("StartAfter", ""))
        folders = {one["Prefix"] for one in page.get("CommonPrefixes", ())}
        if delimiter := arguments.get("Delimiter"):
            for key in list(found):
                first, slash, _ = key.removeprefix(prefix).partition(delimiter)
                if slash:
                    folders.add(f"{prefix}{first}{slash}")
                    del found[key]
        merged = {one["Key"]: one for one in page.get("Contents", ())} | found
        return page | {
            "Contents": [merged[key] for key in sorted(merged)],
            "CommonPrefixes": [{"Prefix": name} for name in sorted(folders)],
        }


def connect(settings: Settings, bucket: str | None = None, *, hurried: bool = False) -> Store:
    """The store that the settings name: the archive's bucket, or another one of the same store.

    Args:
        settings: where it is.
        bucket: the other one.
        hurried: see ``Store``.

    Raises:
        StoreRefused: the AWS configuration cannot be used. No request is made yet.
        SettingsError: the embedded store's secret cannot be read.
    """
    access = read_store_access(settings)
    try:
        session = (
            _begin_session(None, None, None)
            if access is None
            else _begin_session(access.access_key, access.secret_key, access.region, access.session_token)
        )
    except BotoCoreError as error:
        raise _explained(error, bucket or settings.bucket, "the configured endpoint") from error
    return Store(
        bucket or settings.bucket,
        session=session,
        endpoint=access.endpoint if access else None,
        threads=settings.upload_threads,
        hurried=hurried,
    )


@cache
def _read_models() -> Loader:
    """botocore's description of S3, of 2 MB: read once for a process, not once for a session."""
    loader: Loader = botocore.session.Session().get_component("data_loader")
    return loader


def _begin_session(
    access_key: str | None, secret_key: str | None, region: str | None, token: str | None = None
) -> boto3.Session:
    """A session with these credentials; with none, boto3 looks for them when they are needed."""
    inner = botocore.session.Session()
    inner.register_component("data_loader", _read_models())
    return boto3.Session(
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        aws_session_token=token,
        region_name=region,
        botocore_session=inner,
    )


# --- the self-test


@dataclass(frozen=True, kw_only=True)
class StoreCheck:
    """One promise of the store, whether it keeps it, and what was seen."""

    name: str
    passed: bool
    message: str


class _Broken(Exception):
    """A promise is broken; the message says how it showed."""


_RACERS = 16


def self_test(store: Store, tables: Store | None = None) -> list[StoreCheck]:
    """Find out whether a store keeps the promises that an archive rests on.

    Args:
        store: the archive's bucket, which exists.
        tables: the table's bucket, when it is another one.

    Returns:
        A named check for each promise, and for each bucket; a store with one that failed must not be used.

    Raises:
        StoreUnavailable: the store did not answer, so nothing is known.
    """
    buckets = [store] if tables is None or tables.bucket == store.bucket else [store, tables]
    checks: list[StoreCheck] = []
    for bucket in buckets:
        folder = f"{CHECK_PREFIX}{secrets.token_hex(8)}/"
        try:
            checks.extend(_hold(bucket, folder, name) for name in _PROMISES)
        finally:
            with suppress(StoreRefused):  # a key that may not delete is a good key for an archive
                for entry in list(bucket.list(folder)):
                    bucket.delete(entry.key)
    checks.append(_hold(buckets[-1], "", _NO_VERSIONING))
    return checks


def _hold(store: Store, folder: str, name: str) -> StoreCheck:
    """Hold the store to one promise."""
    test = _PROMISES.get(name, _check_versioning)
    full = f"{store.bucket}: {name}"
    try:
        return StoreCheck(name=full, passed=True, message=test(store, folder))
    except _Broken as broken:
        return StoreCheck(name=full, passed=False, message=str(broken))
    except (KeyMissing, Lost, ArchiveError, StoreRefused) as error:
        return StoreCheck(name=full, passed=False, message=f"It could not be tested: {error}")


def _check_reading(store: Store, folder: str) -> str:
    key, body = f"{folder}read", secrets.token_bytes(4096)
    if not store.create(key, body, content_type="application/octet-stream", metadata={"muniment": "check"}):
        raise _Broken("A new object could not be created under a key that nobody has.")
    found, part, seen = store.get(key), store.get_range(key, 1000, 24), store.head(key)
    if found.body != body or part != body[1000:1024] or seen is None or seen.size != len(body):
        raise _Broken("What was read is not what had been written.")
    if seen.metadata.get("muniment") != "check" or seen.metadata.get(DIGEST_NAME) != hashlib.sha256(body).hexdigest():
        raise _Broken("The store drops user metadata.")
    return "An object, a range of it and its metadata came back at once."


def _check_listing(store: Store, folder: str) -> str:
    keys = [f"{folder}list/{number:06}.json" for number in (3, 1, 10, 2)]
    store.create_many(Item(key=key, body=key.encode(), content_type="text/plain") for key in keys)
    found = [entry.key for entry in store.list(f"{folder}list/")]
    later = [entry.key for entry in store.list(f"{folder}list/", start_after=sorted(keys)[1])]
    folders = list(store.list_folders(folder))
    if (found, later, folders) != (sorted(keys), sorted(keys)[2:], ["list"]):
        raise _Broken(f"The listing was {found}, behind the second {later}, folders {folders}.")
    return "Objects were listed at once and in order."


def _check_creation(store: Store, folder: str) -> str:
    """16 writers create one key: one may win, and what stands must be the winner's."""
    key = f"{folder}create"
    wins = _race(lambda number: store.create(key, b"writer %d" % number, content_type="text/plain"))
    if len(wins) != 1:
        raise _Broken(
            f"{len(wins)} of {_RACERS} writers were told that they had created the same object; it must be one. "
            "Versions would overwrite each other."
        )
    if store.get(key).body != b"writer %d" % wins[0]:
        raise _Broken("The writer who was told that he won is not the one whose object stands.")
    return f"One of {_RACERS} writers won."


def _check_replacement(store: Store, folder: str) -> str:
    """16 writers replace one state: one may win; and a state that never was may not be replaced."""
    key = f"{folder}replace"
    etag = store.replace(key, b"first", etag=None, content_type="text/plain")

    def replace(number: int) -> bool:
        try:
            store.replace(key, b"writer %d" % number, etag=etag, content_type="text/plain")
        except Lost:
            return False
        return True

    wins = _race(replace)
    if len(wins) != 1:
        raise _Broken(
            f"{len(wins)} of {_RACERS} writers were told that they had replaced the same state; it must be one. "
            "Updates of the frontier would be lost."
        )
    if store.get(key).body != b"writer %d" % wins[0]:
        raise _Broken("The writer who was told that he won is not the one whose object stands.")
    with suppress(Lost):
        store.replace(f"{folder}never", b"x", etag=etag, content_type="text/plain")
        raise _Broken("An object that never was could be replaced.")
    return f"One of {_RACERS} writers won."


def _check_checksums(store: Store, folder: str) -> str:
    other = b"something else"
    wrong = {
        "SHA-256": {"ChecksumSHA256": _base64(hashlib.sha256(other).digest())},
        "MD5": {"ContentMD5": _base64(hashlib.md5(other, usedforsecurity=False).digest())},
    }
    enforced = [
        method
        for method, header in wrong.items()
        if store.refuses("put_object", Key=f"{folder}sum-{method}", Body=b"as it was sent", **header)
    ]
    if not enforced:
        raise _Broken("Neither a wrong SHA-256 nor a wrong MD5 was noticed; damage on the way would be stored.")
    return f"Enforced: {', '.join(enforced)}."


def _check_wrong_keys(store: Store, folder: str) -> str:
    return _turn_away(
        {
            "a wrong secret": store.with_credentials(store.access_key(), secrets.token_urlsafe(30)),
            "an unknown access key": store.with_credentials("NOBODY" + secrets.token_hex(7).upper(), "wrong" * 8),
        },
        folder,
    )


def _check_anonymous(store: Store, folder: str) -> str:
    return _turn_away({"a request without a key": store.with_credentials(None, None)}, folder)


def _turn_away(intruders: Mapping[str, Store], folder: str) -> str:
    attempts: dict[str, dict[str, Any]] = {
        "read an object": {"operation": "get_object", "Key": f"{folder}read"},
        "list the bucket": {"operation": "list_objects_v2", "Prefix": folder, "MaxKeys": 1},
        "write an object": {"operation": "put_object", "Key": f"{folder}intruder", "Body": b"intruder"},
    }
    got_in = [
        f"{who} could {what}"
        for who, intruder in intruders.items()
        for what, attempt in attempts.items()
        if not intruder.refuses(**attempt)
    ]
    if got_in:
        raise _Broken(f"The store is open: {'; '.join(got_in)}.")
    return "Reading, listing and writing were refused."


def _check_versioning(store: Store, _folder: str) -> str:
    if store.has_versioning():
        raise _Broken(
            "Bucket versioning is on. On some stores conditional writes do not hold then, and commits get lost: "
            "turn it off, or name another bucket in MUNIMENT_TABLES_BUCKET."
        )
    return "It is off."


_NO_VERSIONING = "no bucket versioning under the table"
_PROMISES: dict[str, Callable[[Store, str], str]] = {
    "read after write": _check_reading,
    "list after write": _check_listing,
    "If-None-Match holds": _check_creation,
    "If-Match holds": _check_replacement,
    "wrong checksums are refused": _check_checksums,
    "wrong keys are refused": _check_wrong_keys,
    "requests without a key are refused": _check_anonymous,
}


def _race(run: Callable[[int], bool]) -> list[int]:
    """Let the racers begin at one moment; the numbers of those that say that they won."""
    gate = threading.Barrier(_RACERS)

    def racer(number: int) -> bool:
        gate.wait(timeout=60)
        return run(number)

    with ThreadPoolExecutor(max_workers=_RACERS, thread_name_prefix="race") as pool:
        return [number for number, won in enumerate(pool.map(racer, range(_RACERS))) if won]


# --- errors

_KEY_STEP = (
    "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL_S3 (they must belong together). In Airflow, "
    "its connection muniment_archive goes before them, where there is one."
)

_REFUSALS = {
    "InvalidAccessKeyId": ("the store does not know the access key", _KEY_STEP),
    "SignatureDoesNotMatch": ("the secret key does not fit the access key", _KEY_STEP),
    "AuthorizationHeaderMalformed": ("the store refuses the signature, often for a wrong region", "Set AWS_REGION."),
    "InvalidToken": ("the session token is not valid", "Fetch new credentials; unset AWS_SESSION_TOKEN."),
    "ExpiredToken": ("the credentials have expired", "Fetch new credentials."),
    "RequestTimeTooSkewed": ("this machine's clock is wrong", "Set the clock (timedatectl set-ntp true)."),
    "RequestExpired": ("this machine's clock is wrong", "Set the clock (timedatectl set-ntp true)."),
    "NoSuchBucket": ("there is no such bucket", "Correct MUNIMENT_BUCKET, or run: muniment store check --create"),
    "PermanentRedirect": ("the bucket lies in another region", "Set AWS_REGION to the bucket's region."),
    "301": ("the bucket lies in another region", "Set AWS_REGION to the bucket's region."),
    "BucketAlreadyExists": ("the bucket belongs to somebody else", "Choose another name: MUNIMENT_BUCKET."),
    "InvalidBucketName": ("the store does not take the bucket's name", "Choose another name: MUNIMENT_BUCKET."),
    "QuotaExceeded": ("the store's quota is used up", "Raise the quota, or free some space."),
    "NotImplemented": ("the store does not implement what was asked", "Use a store that passes: muniment store check"),
    "AccessDenied": ("the key may not do that", "Give the key s3:GetObject, PutObject, ListBucket on the bucket."),
    "403": ("the key is wrong or may not do that", _KEY_STEP),
}
_NOT_ALLOWED = frozenset({"AccessDenied", "403"})
_PATIENCE = {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "Throttling", "ThrottlingException",
             "TooManyRequests", "RequestLimitExceeded", "BandwidthLimitExceeded", "RequestThrottled"}  # fmt: skip
_BUSY = _PATIENCE - {"InternalError", "ServiceUnavailable"}
_TRIED_BY_BOTOCORE = {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "RequestThrottled",
                      "BandwidthLimitExceeded"}  # fmt: skip
_CONFLICTS = {"ConditionalRequestConflict", "OperationAborted"}
_DAMAGE = {"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "InvalidDigest", "IncompleteBody"}


def role_for(operation: str, key: str) -> str:
    """The least role whose policy (``pipeline.protection``) allows a request, in words; ``operation`` as AWS names it.

    Args:
        key: of the object, or the beginning of the keys that are listed.
    """
    top = key.partition("/")[0]
    withheld = top in _WITHHELD
    if operation in _WRITES:
        return "steward" if withheld else "writer"
    if operation in _READS:
        return "auditor" if top == "sealed" else "writer or auditor" if withheld or top == "sites" else "reader"
    return "auditor" if operation.startswith(("Get", "List", "Head")) else "steward"


_WITHHELD = frozenset({"sealed", "takedowns"})  # names that readers know nothing of
_WRITES = frozenset({"PutObject"})
_READS = frozenset({"GetObject", "HeadObject", "ListObjectsV2"})


def role_step(role: str) -> str:
    """What to do when a key may not do what somebody of that role may."""
    return (
        f"Use a key of the role {role}: `muniment store policy` prints what each role may (docs/protection.md). "
        "Or check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL_S3: they must belong together."
    )


def _explained(error: Exception, bucket: str, endpoint: str, key: str = "") -> MunimentError:
    """What botocore's error means to us."""
    place = f"Bucket {bucket} at {endpoint}"
    found: MunimentError
    match error:
        case ClientError():
            found = _explained_answer(error, place, key)
        case NoCredentialsError() | PartialCredentialsError():
            found = StoreRefused(
                f"{place}: there are no complete credentials.",
                next_step="Run: muniment store up  (embedded store); or set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.",
            )
        case ProfileNotFound():
            found = StoreRefused(f"{error}.", next_step="Correct or unset AWS_PROFILE.")
        case SSLError():
            found = StoreRefused(
                f"{place}: no trusted TLS connection: {error}",
                next_step="Set AWS_CA_BUNDLE to the certificate of your own authority, or correct the endpoint.",
            )
        case FlexibleChecksumError():
            found = StoreUnavailable(f"{place}: an object arrived damaged: {error}")
        case IncompleteReadError() | ResponseStreamingError():
            found = StoreUnavailable(f"{place} broke off its answer: {error}")
        case BotoConnectionError() | HTTPClientError() | OSError():
            hint = "Does it run, is the address right?"
            if endpoint.startswith("http://127.0.0.1:"):
                hint = "The embedded store is started by: muniment store up"
            found = StoreUnavailable(f"{place} does not answer: {_root_of(error)}. {hint}")
        case _:
            found = StoreRefused(
                f"{place}: {error}", next_step="Check AWS_ENDPOINT_URL_S3, AWS_REGION and the AWS configuration files."
            )
    return found


def _explained_answer(error: ClientError, place: str, key: str) -> MunimentError:
    code, status = _code(error), _status(error)
    said = error.response.get("Error", {}).get("Message", "")
    if code in _CONFLICTS:
        return WriteConflict(f"{place}: other writers were faster too often ({code}).")
    if code in _DAMAGE:
        return StoreUnavailable(f"{place}: what we sent arrived damaged ({code}).")
    if code in _REFUSALS:
        meaning, step = _REFUSALS[code]
        kind: type[StoreRefused] = BucketMissing if code == "NoSuchBucket" else StoreRefused
        if code in _NOT_ALLOWED:
            kind, step = NotAllowed, role_step(role_for(error.operation_name, key))
        return kind(f"{place}: {meaning} ({code}, {error.operation_name}).", next_step=step)
    if code in _PATIENCE or status >= 500 or status == 429:
        does, hint = "asks for patience", ""
        if error.operation_name == "PutObject" and code not in _BUSY:  # so SeaweedFS tells that its disk is full
            does = "cannot write now, as when its disk is full"
            hint = " If that goes on, look whether the store's disk is full: with room, the same step goes on."
        return StoreUnavailable(f"{place} {does}: {code} {said}{hint}")
    if status in {401, 403}:
        meaning, _ = _REFUSALS["403"]
        step = role_step(role_for(error.operation_name, key))
        return NotAllowed(f"{place}: {meaning} ({code}, {error.operation_name}).", next_step=step)
    return StoreRefused(f"{place} refused {error.operation_name}: {code} {said}", next_step="Run: muniment store check")


def _root_of(error: BaseException) -> str:
    """The innermost cause in words that a person knows."""
    cause: BaseException = error
    seen = [cause]
    while (deeper := cause.__cause__ or cause.__context__ or getattr(cause, "reason", None)) is not None:
        if not isinstance(deeper, BaseException) or deeper in seen:
            break
        cause = deeper
        seen.append(cause)
    for found in seen:
        if isinstance(found, socket.gaierror) or "NameResolution" in type(found).__name__:
            return "its name could not be resolved (DNS)"
        if isinstance(found, ConnectionRefusedError):
            return "connection refused"
        if isinstance(found, TimeoutError) or "Timeout" in type(found).__name__:
            return "time-out"
    return str(error) or type(error).__name__


def _may_pass(error: BaseException) -> bool:
    """What botocore does not try again by itself, and we do."""
    if isinstance(error, ClientError):  # botocore knows a 429 only by the names that AWS gives it
        return _code(error) in _CONFLICTS or (_status(error) == 429 and _code(error) not in _TRIED_BY_BOTOCORE)
    return isinstance(error, (IncompleteReadError, ResponseStreamingError, FlexibleChecksumError))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _is_precondition(error: ClientError) -> bool:
    return _status(error) == 412 or _code(error) == "PreconditionFailed"


def _bare(etag: str) -> str:
    return etag.strip('"')


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode("ascii")
