"""What nothing accounts for; and runs and versions, held against the journal and against themselves."""

from __future__ import annotations

import re
from contextlib import suppress

from pipeline.archive import parse_version_key
from pipeline.audit.look import Look, Run
from pipeline.audit.told import Flaw
from pipeline.errors import ArchiveError
from pipeline.model import RUN_ID, Outcome

_RUN_FILES = re.compile(
    r"(orders|crawl|boilerplate|report|comparison|released|published)\.json|extracted-\d{5}\.jsonl\.zst|index-\d{5}\.cdxj\.zst"
)
_SITE_FILES = frozenset(
    {
        *("frontier.sqlite.zst", "boilerplate.json", "hosts.json", "backfill.json", "endangered.json", "normal.json"),
        "alerts.json",
    }
)


def judge_accounts(look: Look) -> None:
    """Name what nothing accounts for."""
    found = look.db.execute(
        """SELECT o.key, v.run FROM objects o LEFT JOIN expected e ON e.key = o.key
        LEFT JOIN versions v ON v.key = o.key WHERE e.key IS NULL"""
    ).fetchall()
    for key, of_run in found:
        why = _account_for(look, key, of_run)
        if why is not None:
            look.bad.add(key)
            for about in [about for about in look.found if about[0] == key]:
                del look.found[about]  # that it has no business there says it all
            look.name(Flaw(key=key, problem="unaccounted", expected=why, stands="an object"))


def _account_for(look: Look, key: str, of_run: str | None) -> str | None:  # noqa: PLR0911 - one return per kind
    """Why an object that no entry tells of has no business there; None: it has some."""
    site = look.site
    top, _, *rest = key.split("/")
    name = "/".join(rest)
    if top == "journal":
        return None  # told with the chain
    if top == "sites":
        return None if name in _SITE_FILES else "nothing: no object of a site has this name"
    if top in ("takedowns", "sealed"):
        return _account_for_takedown(look, top, name)
    if top == "articles":
        with suppress(ArchiveError):
            parse_version_key(key)
            return None if of_run is None and key not in look.bad else _account_for_run(look, of_run)
        return "nothing: that is no key of a version"
    if top == "warc":
        found = re.fullmatch(r"(\d{4})/(\d\d)/(\d\d)/([^/]+)-\d{5}\.warc\.gz", name)
        run = found[4] if found and found[4].startswith("".join(found.groups()[:3])) else ""
        return _account_for_run(look, run) if run else "nothing: that is no key of a segment"
    run, _, document = name.partition("/")
    if top == "indexes":
        run = name.removesuffix(".cdxj")
        if not RUN_ID.fullmatch(run) or run not in look.runs:
            return f"nothing: there is no run {run} of {site}"
        return f"nothing: run {run} was rejected" if look.runs[run].is_rejected else None
    if not RUN_ID.fullmatch(run) or not _RUN_FILES.fullmatch(document):
        return "nothing: no object of a run has this name"
    return _account_for_run(look, run, document)


def _account_for_run(look: Look, run: str | None, document: str = "") -> str | None:
    known = look.runs.get(run or "")
    if known is None or not known.names:
        return f"nothing: there is no run {run}"
    if document == "published.json" and known.is_rejected:
        return f"nothing: run {run} was rejected"
    if known.weak or not known.told & {"published", "rejected", "repaired"} or document == "published.json":
        return None
    if known.is_released and (not document or document == "released.json"):
        return None  # it is being published, or that was interrupted: told with the runs
    if not known.told & {"published", "repaired"} and not document:
        return f"nothing: run {run} was rejected"
    return f"nothing: the journal tells what run {run} made, and not this"


def _account_for_takedown(look: Look, top: str, name: str) -> str | None:
    takedown = name.split("/", maxsplit=1)[0].removesuffix(".json")
    if top == "takedowns":
        return None if RUN_ID.fullmatch(takedown) else "nothing: that is no key of a takedown"
    if not look.stands(look.archive.takedown_key(look.site, takedown)):
        return f"nothing: there is no takedown {takedown}"
    original = name.removeprefix(f"{takedown}/")
    if top == "takedowns" or original == "terms.json":
        return None
    if not look.is_known(original):
        return "nothing: the archive has and had no object of this name"
    return _account_for_seal(look, f"{top}/{look.site}/{name}", takedown, original)


def _account_for_seal(look: Look, key: str, takedown: str, original: str) -> str | None:
    """Why a sealed copy that no entry tells of has no business there.

    There are such copies: of takedowns on what others have emptied already, and of those that were killed. They have
    the bytes that the original had at some time. Of a segment only some records are sealed: that is not compared.
    """
    through = takedown in look.takedowns and takedown in look.ended
    if not through or original.startswith("warc/") or any(each.kind == "journal" for each in look.found.values()):
        return None
    read = look.db.execute("SELECT sha256 FROM looked WHERE key = ?", (key,)).fetchone()
    told = look.db.execute("SELECT sha256 FROM expected WHERE key = ?", (original,)).fetchone()
    if read is None or told is None or told["sha256"] is None:
        return None
    had = {told["sha256"], *look.before.get(original, ())}
    return None if read["sha256"] in had else f"nothing: {original} never had these bytes"


def judge_orders(look: Look) -> None:
    """Orders of takedowns are replaced at times, with the digest beside them: that they are orders at all."""
    for key in look.odd_orders:
        if key not in look.bad and look.stands(key):
            look.bad.add(key)
            look.name(Flaw(key=key, problem="wrong", expected="the order of a takedown", stands="it is none"))


def judge_runs(look: Look, published: set[str]) -> None:
    """Name runs and takedowns that no entry tells of, runs that have not ended, and figures that do not add up."""
    untold = [
        f"takedown {takedown}, which is through; restore nothing that it replaced"
        for takedown, kinds in sorted(look.ended.items())
        if not kinds & (look.takedowns.get(takedown, set()) | look.weak_takedowns.get(takedown, set()))
    ]
    runs: dict[str, str] = {}
    for run, each in sorted(look.runs.items()):
        if not each.told & {"published", "rejected", "repaired"}:
            if run in published:
                key = look.archive.published_key(look.site, run)
                row = look.db.execute("SELECT recorded FROM looked WHERE key = ?", (key,)).fetchone()
                if row is not None and row["recorded"] and key not in look.bad:
                    about = f"run {run}, which is published"
                    untold.append(about)
                    runs[about] = run
            elif each.names and "published.json" not in each.names:
                command = f"run {look.site} --run {run}"
                look.tell(
                    f"runs/{look.site}/{run}/",
                    f"run {run} has not ended: it has {', '.join(sorted(each.names))}. If nobody is at work on it, "
                    f"go on with: muniment {f'reextract {run}' if _is_reextraction(look, run) else command}",
                )
        elif each.is_released and _waits_for_release(look, run):
            look.tell(
                look.archive.released_key(look.site, run),
                f"run {run} was released and is not published. If nobody is at work on it, go on with: muniment "
                f"release {run}",
            )
        _judge_figures(look, run, each)
    # Where entries are lost, they told of as many runs or takedowns.
    for number, about in enumerate(untold[look.lost_entries :], start=1):
        look.name(
            Flaw(
                key=look.archive.journal_key(look.site, look.last.n + number),
                problem="missing",
                expected=f"the entry that tells of {about}",
                stands="nothing: the journal was cut off",
            ),
            run=runs.get(about),
        )


def _is_reextraction(look: Look, run: str) -> bool:
    with suppress(ArchiveError):  # damaged: that is told of it
        orders = look.archive.read_orders(look.site, run)
        return orders is not None and orders.mode == "reextract"
    return False


def _waits_for_release(look: Look, run: str) -> bool:
    """Whether a released run is to be published itself, and not by the re-extraction of its captures."""
    with suppress(ArchiveError):
        release = look.archive.read_release(look.site, run)
        return release is not None and release.into is None
    return False


def _judge_figures(look: Look, run: str, each: Run) -> None:
    """Whether a run's figures add up."""
    key = look.archive.published_key(look.site, run)
    told = each.entry or each.published
    if told is None or key in look.bad:
        return
    sums = (sum(told.outcomes.values()), sum(told.versions.values()))
    if sums != (told.discovered, len(told.made)):
        expected = f"{told.discovered} URLs that ended somehow, {len(told.made)} versions"
        look.name(Flaw(key=key, problem="wrong", expected=expected, stands=f"{sums[0]} and {sums[1]}"))
    if each.summary is None or look.chosen is not None or look.again:
        return
    findings = [f"runs/{look.site}/{run}/{name}" for name in each.names if name.startswith("extracted-")]
    if any(name in look.bad or name in look.replaced for name in findings):
        return
    uncaptured = sum(each.summary.outcomes.get(outcome.value, 0) for outcome in Outcome)
    ended = len(each.requested) + uncaptured
    if ended != each.summary.discovered and not _misses_findings(look, run):
        crawl = look.archive.crawl_key(look.site, run)
        stands = f"{len(each.requested)} have findings, {uncaptured} ended without a capture"
        look.name(Flaw(key=crawl, problem="wrong", expected=f"{each.summary.discovered} URLs", stands=stands), run=run)


def _misses_findings(look: Look, run: str) -> bool:
    folder = f"runs/{look.site}/{run}/extracted-"
    return any(key.startswith(folder) for key in look.bad)


def judge_versions(look: Look) -> None:
    """Numbers without gaps, and each version made by the run that says so."""
    found = look.db.execute(
        "SELECT key FROM objects WHERE key >= ? AND key < ? ORDER BY key",
        (f"articles/{look.site}/", f"articles/{look.site}0"),
    )
    before = ("", 0)
    for (key,) in found.fetchall():
        with suppress(ArchiveError):
            _, article, n = parse_version_key(key)
            last = before[1] if before[0] == article else 0
            before = (article, n)
            if key in look.bad:
                continue  # of a number that never was
            for number in range(last + 1, n):
                missing = look.archive.version_key(look.site, article, number)
                if missing not in look.bad:
                    stands = f"nothing, and version {n} is there"
                    look.name(Flaw(key=missing, problem="missing", expected="a version", stands=stands))
    query = """SELECT v.key, v.run, e.run AS told FROM versions v JOIN expected e ON e.key = v.key
        WHERE e.run IS NOT NULL AND e.run <> v.run"""
    for row in look.db.execute(query).fetchall():
        if row["key"] not in look.bad:
            flaw = Flaw(key=row["key"], problem="wrong", expected=f"made by run {row['told']}", stands=row["run"])
            look.name(flaw)
    query = "SELECT count(*) FROM versions v JOIN objects o ON o.key = v.key WHERE v.state = 'redacted'"
    if not look.again:
        look.told.withheld += look.db.execute(query).fetchone()[0]


def tell_expired(look: Look) -> None:
    """Say which evidence is gone because the site keeps raw data for so long only: that is no damage."""
    if look.expired:
        first, last = min(look.expired), max(look.expired)
        count = f"{len(look.expired)} segment{'s have' if len(look.expired) > 1 else ' has'}"
        look.tell(
            first,
            f"{count} expired, from {first} to {last}: the site's raw data is kept for so long only (keep_raw). "
            "The versions that rest on them stand.",
        )
