"""A tiny pack in the shape of a real one, made from the newsroom's pages."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import httpx

from bench.newsroom import Newsroom


def make_pack(folder: Path, pages_per_source: int) -> Path:
    """Write ``labels.jsonl`` and ``pages/`` with so many pages of each paper."""
    (folder / "pages").mkdir(parents=True)
    labels = []
    with Newsroom() as newsroom, httpx.Client(trust_env=False) as client:
        for paper in newsroom.papers.values():
            for number, (url, truth) in enumerate(list(paper.truth().items())[:pages_per_source]):
                name = f"{paper.id}_{number}"
                packed = gzip.compress(client.get(url).content, mtime=0)
                (folder / "pages" / f"{name}.html.gz").write_bytes(packed)
                labels.append(
                    {
                        "id": name,
                        "url": f"https://{paper.id}.example/{number}",
                        "source": paper.id,
                        "title": truth.title,
                        "authors": list(truth.authors),
                        "date": truth.published.date().isoformat(),
                        "body": truth.text,
                    }
                )
    (folder / "labels.jsonl").write_text("".join(json.dumps(label) + "\n" for label in labels), encoding="utf-8")
    return folder
