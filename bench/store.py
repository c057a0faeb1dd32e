"""What the store costs: creating objects beside a bare ``put_object``, with and without fsync.

Starts embedded stores of its own in a scratch folder and writes the same objects, of random bytes, in four ways:
``Store.create`` and a bare boto3 ``put_object``, each into a store with fsync on (as Muniment runs it) and off.
The ways take turns in short rounds, and the median of the rounds is reported: the machine's mood is shared.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench.measure import count_cores, render_table
from pipeline.seaweed import EmbeddedStore
from pipeline.store import Item, Store

_OBJECTS = 400
_ROUNDS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.store", description=__doc__)
    parser.add_argument("--objects", type=int, default=_OBJECTS, help="objects a round (default %(default)s)")
    parser.add_argument("--size", type=int, default=10_240, help="bytes of an object (default %(default)s)")
    parser.add_argument("--threads", type=int, default=16, help="requests at once (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="rounds of each way (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")
    given = parser.parse_args(arguments)
    ways: dict[str, Callable[[list[Item]], object]] = {}
    starts: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as scratch:
        synced, loose = (EmbeddedStore(Path(scratch) / name, 0) for name in ("synced", "loose"))
        loose.data.mkdir(parents=True)
        (loose.data / ".muniment-fsync").touch()  # says that it is on already; so it is left off
        for name, embedded in (("fsync", synced), ("no fsync", loose)):
            began = time.perf_counter()
            embedded.up(tied=True)
            starts[name] = time.perf_counter() - began
        try:
            for name, embedded in (("fsync", synced), ("no fsync", loose)):
                store, client = connect_both(embedded, given.threads)
                ways[f"`Store.create_many`, {name}"] = store.create_many
                ways[f"bare `put_object`, {name}"] = _bare_put(client, store.bucket, given.threads)
            figures = _measure(ways, given.objects, given.size, given.rounds)
        finally:
            synced.down()
            loose.down()
    base = figures["bare `put_object`, fsync"]
    rows = [
        (way, f"{rate:.0f}", f"{1000 * given.threads / rate:.1f}", f"{rate / base:.2f}")
        for way, rate in figures.items()
    ]
    print(
        f"{given.objects} objects of {given.size} bytes a round, {given.threads} threads, {count_cores()} cores, "
        f"median of {given.rounds} rounds; first start of a store {starts['fsync']:.1f} s.\n"
    )
    print(render_table(("way", "objects/s", "ms each", "to bare put, fsync"), rows))
    if given.json:
        given.json.write_text(json.dumps({"objects_per_second": figures, "start_seconds": starts}, indent=2))
    return 0


def connect_both(embedded: EmbeddedStore, threads: int) -> tuple[Store, Any]:
    """A new bucket of an embedded store, as ``Store`` and as a bare boto3 client see it."""
    access = embedded.environment()
    endpoint = access["AWS_ENDPOINT_URL_S3"]
    session = boto3.Session(
        aws_access_key_id=access["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=access["AWS_SECRET_ACCESS_KEY"],
        region_name=access["AWS_REGION"],
    )
    store = Store("bench", session=session, endpoint=endpoint, threads=threads)
    store.create_bucket()
    return store, session.client("s3", endpoint_url=endpoint, config=Config(max_pool_connections=threads + 4))


def _bare_put(client: Any, bucket: str, threads: int) -> Callable[[list[Item]], object]:
    def put(items: list[Item]) -> object:
        with ThreadPoolExecutor(threads) as pool:
            return list(
                pool.map(
                    lambda item: client.put_object(
                        Bucket=bucket, Key=item.key, Body=item.body, ContentType=item.content_type
                    ),
                    items,
                )
            )

    return put


def _measure(ways: dict[str, Callable[[list[Item]], object]], objects: int, size: int, rounds: int) -> dict[str, float]:
    """Objects per second of each way."""
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, write in ways.items():
            folder = secrets.token_hex(4)
            items = [
                Item(key=f"{folder}/{at:06}", body=os.urandom(size), content_type="application/octet-stream")
                for at in range(objects)
            ]
            began = time.perf_counter()
            write(items)
            if number:  # the first round opens connections and volumes
                rates[way].append(objects / (time.perf_counter() - began))
    return {way: statistics.median(found) for way, found in rates.items()}


if __name__ == "__main__":
    raise SystemExit(main())
