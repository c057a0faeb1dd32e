"""How often ``muniment sites probe`` ends in a site file that works, without a hand edit.

For every simulated home (``bench.homes``) the real command is called with its front page. A file *works* when
``muniment sites check`` takes it, and a real crawl with it finds at least 90% of the seeded articles with at most 5%
of other pages among what it fetched. For homes of CMS families a file of five lines that names the family is crawled
beside it. Ended with status 1 when a home's file does not work.

    python -m bench.probe                       # all homes
    python -m bench.probe drupal flat-slugs     # some
    python -m bench.probe --json FILE
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from bench.homes import LATER, OF_FAMILIES, SCRIPTED, UNSEEN, Built, Home, serve
from bench.measure import ROOT, render_table
from pipeline.cli import app
from spiders.protocol import write_plan
from spiders.site import Site, SiteError, load_site
from spiders.warc import read_captures

FOUND_AT_LEAST = 0.90
OTHERS_AT_MOST = 0.05
_RUN = "20261122T093000Z-0a1b2c3d"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one home."""

    home: str
    kind: str  # "family", "unseen", or "later": unseen, too, and written after the probe was first corrected
    family: str  # recognised
    right_family: bool
    requests: int
    sources: str
    checked: bool  # the file passes sites check
    found: float  # share of seeded articles that a crawl with the file found
    others: float  # share of other pages among what it fetched
    five_lines: float | None  # share found with a file of five lines that names the family
    trouble: str

    @property
    def works(self) -> bool:
        """Whether the file can be used as it was written."""
        return self.checked and self.found >= FOUND_AT_LEAST and self.others <= OTHERS_AT_MOST


def try_home(home: Home, folder: Path) -> Outcome:
    """Probe one home and crawl it with what came of it."""
    with serve(home) as built:
        told = probe_home(built, folder / "probed.toml")
        families = [one["family"] for one in told.get("families", ())]
        sources = "+".join(one["type"] for one in told.get("sources", ()) if one["chosen"])
        checked, found, others = False, 0.0, 0.0
        trouble = told.get("trouble") or "; ".join(one["problem"] for one in told.get("problems", ()))
        try:
            site = load_site(folder / "probed.toml")
            checked = True
        except SiteError as error:
            trouble = trouble or str(error)
        else:
            found, others = crawl_home(built, site, folder / "probed")
        five = None
        if home.family is not None:
            five = crawl_home(built, five_line_site(built, folder), folder / "five")[0]
        return Outcome(
            home=home.id,
            kind="family" if home in OF_FAMILIES else "unseen" if home in UNSEEN else "later",
            family=families[0] if families else "-",
            right_family=(families[0] if families else None) == home.family,
            requests=told.get("requests", 0),
            sources=sources or "-",
            checked=checked,
            found=found,
            others=others,
            five_lines=five,
            trouble=trouble,
        )


def probe_home(built: Built, out: Path) -> dict[str, Any]:
    """What the real command says of a home; the file is written to ``out``."""
    command = ["sites", "probe", built.start, "--allow-private", "--json", "--out", str(out)]
    ended = CliRunner().invoke(app, command, env={"MUNIMENT_BUILTIN_SITES": "0", "MUNIMENT_SITES": ""})
    try:
        told: dict[str, Any] = json.loads(ended.stdout)
    except ValueError:
        raise RuntimeError(f"{built.home.id}: the probe said no JSON: {ended.output[-2000:]}") from ended.exception
    return told


def five_line_site(built: Built, folder: Path) -> Site:
    """The file that a person would write who knows the family."""
    home = built.home
    lines = {"name": "Anytown", "home": built.start, "kind": "council", "family": home.family or "", **home.five_lines}
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())
    path = folder / "five.toml"
    path.write_text(text + "\n[crawl]\nallow_private = true\ndelay = 0.0\n", encoding="utf-8")
    return load_site(path)


def crawl_home(built: Built, site: Site, folder: Path) -> tuple[float, float]:
    """Run the real crawl child: share of seeded articles found, share of other pages among those fetched."""
    spool = folder / "spool"
    spool.mkdir(parents=True)
    (folder / "site.json").write_text(site.model_dump_json())
    write_plan(folder / "plan.sqlite", known=(), done=(), now=datetime.now(UTC))
    command = [sys.executable, "-m", "spiders", "--run", _RUN, "--contact", "", "--site", str(folder / "site.json")]
    command += ["--plan", str(folder / "plan.sqlite"), "--spool", str(spool)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if ended.returncode not in (0, 1):
        said = (ended.stdout + ended.stderr)[-2000:]
        raise RuntimeError(f"{built.home.id}: the crawl ended with {ended.returncode}: {said}")
    fetched: set[str] = set()
    for path in spool.glob("*.warc.gz"):
        with path.open("rb") as stream:
            fetched |= {one.requested for one in read_captures(stream) if one.kind == "page" and one.status == 200}
    seeded = set(built.articles)
    return len(fetched & seeded) / len(seeded), len(fetched - seeded) / max(1, len(fetched))


def try_homes(homes: Sequence[Home]) -> list[Outcome]:
    """Every home, one after the other."""
    outcomes = []
    for home in homes:
        with tempfile.TemporaryDirectory(prefix="probe-") as folder:
            outcomes.append(try_home(home, Path(folder)))
        one = outcomes[-1]
        print(f"{'ok  ' if one.works else 'FAIL'} {one.home}: {one}", file=sys.stderr)
    return outcomes


def main() -> int:
    """Print what became of each home, and the shares that end in a working file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("homes", nargs="*", help="ids of homes; none: all")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    asked = parser.parse_args()
    homes = [home for home in (*OF_FAMILIES, *UNSEEN, *LATER, SCRIPTED) if not asked.homes or home.id in asked.homes]
    told_scripted = None
    if SCRIPTED in homes:
        with serve(SCRIPTED) as built, tempfile.TemporaryDirectory(prefix="probe-") as folder:
            told_scripted = str(probe_home(built, Path(folder) / "x.toml").get("trouble"))
    outcomes = try_homes([home for home in homes if home is not SCRIPTED])
    rows = [
        (
            one.home, one.kind, one.family, "yes" if one.right_family else "no", one.requests, one.sources,
            f"{one.found:.0%}", f"{one.others:.0%}", "–" if one.five_lines is None else f"{one.five_lines:.0%}",
            "yes" if one.works else f"no: {one.trouble[:60]}",
        )
        for one in outcomes
    ]  # fmt: skip
    columns = (
        "home",
        "kind",
        "recognised as",
        "right",
        "requests",
        "sources",
        "found",
        "others",
        "five lines",
        "works",
    )
    print(render_table(columns, rows))
    figures: dict[str, object] = {}
    for kind in ("family", "unseen", "later"):
        of_kind = [one for one in outcomes if one.kind == kind]
        if of_kind:
            figures[kind] = sum(one.works for one in of_kind) / len(of_kind)
            print(f"\n{kind}: {sum(one.works for one in of_kind)} of {len(of_kind)} end in a working file")
    five = [one.five_lines for one in outcomes if one.five_lines is not None]
    if five:
        figures["five_lines"] = sum(share >= FOUND_AT_LEAST for share in five) / len(five)
        print(f"five lines: {sum(share >= FOUND_AT_LEAST for share in five)} of {len(five)} find at least 90%")
    if outcomes:
        figures["requests"] = sum(one.requests for one in outcomes) / len(outcomes)
        print(f"requests: {figures['requests']:.1f} on average, at most {max(one.requests for one in outcomes)}")
    if told_scripted is not None:
        print(f"a home drawn by script: {told_scripted}")
    if asked.json:
        asked.json.write_text(json.dumps({**figures, "homes": [asdict(one) for one in outcomes]}, indent=2) + "\n")
    return 0 if all(one.works for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
