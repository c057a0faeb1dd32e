"""Holds the archive against the newsroom's truth, from within a worker: ``python - < check_archive.py``.

Prints one line with the number of articles and a digest of all that readers see; two prints are equal only if
they see the same.
"""

import hashlib
import json
import urllib.request

from pipeline.reader import Archive

with urllib.request.urlopen("http://newsroom.example:8600/truth.json", timeout=10) as answer:
    truth = {item["url"]: item for item in json.load(answer)}
archive = Archive()
seen = hashlib.sha256()
found = {}
for batch in archive.articles(site="newsroom"):
    for row in batch.to_pylist():
        found[row["url"]] = archive.version(row["url"])
for url in sorted(found):
    seen.update(found[url].model_dump_json().encode())
assert found.keys() == truth.keys(), f"not both there and here: {sorted(truth.keys() ^ found.keys())}"

for url, version in found.items():
    assert version.title == truth[url]["title"], (url, version.title)
    theirs, ours = truth[url]["text"].split(), version.text.split()
    assert ours == theirs, f"{url}: {len(ours)} words, {len(theirs)} were published"
print(f"{len(found)} articles, word by word as published, {seen.hexdigest()[:16]}")
