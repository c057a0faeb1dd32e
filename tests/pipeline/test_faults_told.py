"""A dozen faults, each seeded into a paper with three weeks of good history: what an operator reads last must name it.

For each: the verdict (what is bad is not published, what is good is not held back), the cause, and the next step in
words; and an alarm, told once. Real servers, a real store, the steps that Airflow's tasks call.
"""

from __future__ import annotations

import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline import steps
from pipeline.alerts import Outgoing, watch
from pipeline.archive import Archive, open_archive
from pipeline.errors import ArchiveError, DiskFull, Permanent, RunRejected, StoreRefused, StoreUnavailable
from pipeline.model import Report
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.store import Item, Store, connect
from pipeline.workers import Extractor
from tests.loopback import LoopbackSite
from tests.pipeline.gazette import Gazette, first_day, shift_dates

DAYS = 24

pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What became of a run, as an operator reads it."""

    report: Report | None  # None: it did not come to that
    published: bool
    last: str  # what the log ends with
    alarms: tuple[Outgoing, ...]  # what the watch sent after it

    def check(self, name: str) -> str:
        """The verdict of a check."""
        assert self.report is not None
        return next(check.verdict for check in self.report.checks if check.name == name)


class Desk:
    """An archive with three weeks of a paper, and who runs the site and looks at it."""

    def __init__(self, settings: Settings, paper: Gazette, began: datetime, extractor: Extractor) -> None:
        self.settings, self.paper, self.began = settings, paper, began
        self.extractor = extractor

    def at(self, day: int, settings: Settings | None = None) -> Settings:
        """The settings on the evening of a day."""
        moment = self.began + timedelta(days=day, hours=18)
        self.paper.now = moment
        return (settings or self.settings).model_copy(update={"clock_ahead": moment - datetime.now(UTC)})

    def write_site(self, **changes: str) -> None:
        """Declare the paper otherwise than it was."""
        (folder,) = self.settings.sites
        self.paper.write_site(folder, **changes)

    def run(self, day: int = DAYS, settings: Settings | None = None, *, look: bool = True) -> Told:
        """The site's run of a day by all its steps, and the watch after it."""
        now = self.at(day, settings)
        report, published, last = None, False, ""
        work: steps.Workplace | None = None
        run = steps.new_run(now)
        try:
            work = steps.open_workplace(now)
            for segment in steps.crawl(work, "gazette", run).segments:
                steps.extract(work, "gazette", run, segment, extractor=self.extractor)
            report = steps.check(work, "gazette", run)
            published = steps.publish(work, "gazette", run) is not None
            last = report.message
        except RunRejected as rejected:
            assert work is not None
            report, last = work.archive.read_report("gazette", run), str(rejected)
        return Told(report=report, published=published, last=last, alarms=tuple(self.look(day)) if look else ())

    def look(self, day: int) -> Iterator[Outgoing]:
        """What the watch sends ten minutes after the run of a day."""
        now = self.at(day)
        sent: list[Outgoing] = []
        archive = open_archive(now)
        watch(archive, steps.read_sites(now), now.now() + timedelta(minutes=10), notifiers={"desk": sent.append})
        yield from sent


@pytest.fixture(scope="module")
def extractor() -> Iterator[Extractor]:
    """One worker for all runs."""
    with Extractor(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def paper() -> Iterator[Gazette]:
    """The paper, served."""
    with Gazette(began=first_day(datetime.now(UTC))) as served:
        yield served


@pytest.fixture(scope="module")
def history(
    seaweed: EmbeddedStore, paper: Gazette, extractor: Extractor, tmp_path_factory: pytest.TempPathFactory
) -> list[Item]:
    """The objects of an archive with three weeks of good runs."""
    folder = tmp_path_factory.mktemp("history")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in seaweed.environment().items():
            patch.setenv(name, value)
        paper.write_site(folder / "sites")
        settings = Settings(
            home=folder / "home", scratch=folder / "scratch", bucket="history", sites=(folder / "sites",),
            builtin_sites=False, processes=1,
        )  # fmt: skip
        desk = Desk(settings, paper, paper.now, extractor)
        for day in range(DAYS):
            assert desk.run(day, look=False).published
        store = connect(settings)
        return [_read_item(store, entry.key) for entry in store.list("")]


def _read_item(store: Store, key: str) -> Item:
    stored = store.get(key)
    return Item(key=key, body=stored.body, content_type="application/octet-stream", metadata=stored.metadata)


@pytest.fixture
def desk(
    history: list[Item], paper: Gazette, extractor: Extractor, settings: Settings, store: Store, tmp_path: Path
) -> Iterator[Desk]:
    """A fresh copy of the archive with its history; nothing is wrong yet."""
    store.create_many(history)
    paper.write_site(tmp_path / "sites")
    sites = {"sites": (tmp_path / "sites",), "builtin_sites": False, "processes": 1}
    yield Desk(settings.model_copy(update=sites), paper, first_day(datetime.now(UTC)), extractor)
    paper.fault = None


def names(text: str, *wanted: str) -> None:
    """Check that a text has all of these, in any case."""
    missing = [each for each in wanted if each.lower() not in text.lower()]
    assert not missing, f"{missing} not in:\n{text}"


def told_once(desk: Desk, first: Told, *wanted: str) -> None:
    """Check that one alarm was sent, in these words, and that the next look sends none."""
    (alarm,) = first.alarms
    names(f"{alarm.subject}\n{alarm.text}", *wanted)
    assert not list(desk.look(DAYS))


# --- faults of the site ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_redesign_is_refused_and_named_with_what_to_correct(desk: Desk) -> None:
    desk.paper.fault = "redesign"
    told = desk.run()
    assert not told.published
    assert told.check("article-yield") == "reject"
    names(told.last, "almost certainly a redesign", "muniment inspect", "[[extract]]", "muniment reextract")
    told_once(desk, told, "its pages are built otherwise", "[[extract]]", "muniment reextract")


@pytest.mark.slow
def test_a_consent_wall_is_refused_and_named(desk: Desk) -> None:
    desk.paper.fault = "consent wall"
    told = desk.run()
    assert not told.published
    assert told.check("blocked") == "reject"
    names(told.last, "almost certainly a consent wall", "private browser window", "Ask the publisher")
    told_once(desk, told, "a question about consent", "Ask the publisher")
    assert "muniment release" not in told.alarms[0].text  # there is nothing to release


@pytest.mark.slow
def test_an_empty_feed_is_named_with_its_address_and_offers_nothing_to_release(desk: Desk) -> None:
    desk.paper.fault = "empty feed"
    told = desk.run()
    assert not told.published
    assert told.check("listing") == "reject"
    names(told.last, "an empty source", "/feed.xml lists 0", "muniment sites check --live gazette")
    told_once(desk, told, "names none that fit", "muniment sites check --live gazette")
    assert "muniment reextract" not in told.alarms[0].text


@pytest.mark.slow
def test_a_poisoned_sitemap_is_not_taken_for_a_redesign(desk: Desk) -> None:
    desk.paper.fault = "poisoned sitemap"
    told = desk.run()
    assert not told.published
    names(told.last, "pages that are not the site's own", "400 of 405 new addresses", "/sitemap.xml", "`exclude`")
    assert "[[extract]]" not in told.last
    told_once(desk, told, "not built as its own are", "broken into")


@pytest.mark.slow
def test_a_name_that_does_not_resolve_is_told_with_how_to_see_whose_fault_it_is(desk: Desk) -> None:
    desk.write_site(home="http://gazette.invalid")
    told = desk.run()
    assert not told.published
    assert told.check("sources") == "reject"
    names(
        told.last, "an outage", "gazette.invalid", "does not resolve (DNS)", "getent hosts", "this machine's resolver"
    )
    assert not told.alarms  # a site is down for an hour now and then: a day of it is told
    told = desk.run(DAYS + 1)
    names(told.alarms[0].text, "getent hosts gazette.invalid", "does not resolve")


@pytest.mark.slow
def test_an_expired_certificate_is_told_with_how_to_see_whose_fault_it_is(desk: Desk, tmp_path: Path) -> None:
    with LoopbackSite(tls=make_expired(tmp_path)) as site:
        desk.write_site(home=site.origin)
        told = desk.run()
    assert not told.published
    names(told.last, "its certificate is not good: expired", "browser", "publisher's to mend", "this machine's clock")


@pytest.mark.slow
def test_a_slow_site_is_published_and_told_with_what_is_normal_for_it(desk: Desk) -> None:
    desk.paper.fault = "slow"
    told = desk.run()
    assert told.published
    assert told.check("pace") == "warn"
    names(told.last, "a slow site: the middle answer took 4.0 s; normal is 0.0", "requests")
    assert not told.alarms  # nothing is lost


@pytest.mark.slow
def test_a_run_that_its_time_did_not_suffice_for_is_published_and_told_with_what_waits(desk: Desk) -> None:
    desk.paper.fault = "slow"
    desk.write_site(crawl="run_seconds = 10")
    told = desk.run()
    assert told.published
    assert told.report is not None
    waiting = told.report.counts["crawl-deferred"]
    names(told.last, "cut off (run_seconds spent, after", f"{waiting} of", "wait for the next run")


@pytest.mark.slow
def test_a_site_slower_than_its_time_out_is_told_as_such(desk: Desk) -> None:
    desk.paper.fault = "slow"
    desk.write_site(crawl="timeout = 1")
    told = desk.run()
    assert not told.published
    names(told.last, "time-out", "an outage", "crawl.timeout")


@pytest.mark.slow
def test_a_site_that_doubled_its_output_is_published_and_told(desk: Desk) -> None:
    desk.paper.fault = "doubled"
    told = desk.run()
    assert told.published
    assert told.report is not None
    assert told.report.counts["new"] >= 2 * 5
    assert told.check("volume") == "warn"
    names(told.last, "addresses are new in 24 hours; the most in so long a time was 7", "[volume]")
    assert not told.alarms


# --- faults on our side -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("days", "word"), [(3, "behind"), (-400, "ahead of")])
def test_a_clock_that_jumped_is_told_as_ours_and_nothing_is_published(desk: Desk, days: int, word: str) -> None:
    # That our clock is behind is seen by the servers' clocks being ahead of it.
    routes = shift_dates(desk.paper, timedelta(days=days))
    try:
        told = desk.run()
    finally:
        desk.paper.web.routes = routes
    assert not told.published
    assert told.check("clock") == "reject"
    names(told.last, "a wrong clock on our side", f"{abs(days)} days {word}", "date -u", "timedatectl")
    told_once(desk, told, "clock", "timedatectl")


def full_disk(error: pytest.ExceptionInfo[DiskFull]) -> None:
    names(str(error.value), "scratch folder", "is full", "nothing is wrong with the site", "MUNIMENT_SCRATCH")


@pytest.mark.slow
def test_a_full_scratch_disk_is_told_as_ours(desk: Desk, small_disk: Path) -> None:
    (small_disk / "others").write_bytes(b"x" * 190_000)
    with pytest.raises(DiskFull) as error:
        desk.run(settings=desk.settings.model_copy(update={"scratch": small_disk}))
    full_disk(error)


@pytest.mark.slow
def test_a_scratch_disk_that_fills_up_while_pages_are_fetched_is_told_as_ours(desk: Desk, small_disk: Path) -> None:
    (small_disk / "others").write_bytes(b"x" * 100_000)
    with pytest.raises(DiskFull) as error:
        desk.run(settings=desk.settings.model_copy(update={"scratch": small_disk}))
    full_disk(error)


def test_a_store_that_does_not_answer_is_told_as_ours(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StoreUnavailable) as error:
        open_archive(settings)
    names(str(error.value), "does not answer: connection refused", "muniment store up")


def test_an_archive_that_is_gone_is_not_begun_anew(settings: Settings, archive: Archive) -> None:
    open_archive(settings)
    for entry in archive.store.list(""):
        archive.store.delete(entry.key)
    with pytest.raises(ArchiveError) as error:
        open_archive(settings)
    names(str(error.value), "empty or gone", "mounted", "restore the backup", "to begin an empty archive")
    memo = Path(error.value.next_step.rpartition("remove ")[2].rstrip("."))
    memo.unlink()
    open_archive(settings)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [("AWS_SECRET_ACCESS_KEY", "secret key does not fit"), ("AWS_ACCESS_KEY_ID", "does not know the access key")],
)
def test_a_wrong_key_is_told_as_ours(
    name: str, meaning: str, settings: Settings, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert archive.store.bucket == settings.bucket
    monkeypatch.setenv(name, "wrong" * 4)
    with pytest.raises(StoreRefused) as error:
        open_archive(settings)
    assert isinstance(error.value, Permanent)
    names(str(error.value), meaning, name, "must belong together")


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 200 KB."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder], check=False, capture_output=True
        )
        if mounted.returncode:
            pytest.skip("only root may mount a small file system")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def make_expired(folder: Path) -> ssl.SSLContext:
    """A certificate that was good until two days ago."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gazette")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(now - timedelta(days=90)).not_valid_after(now - timedelta(days=2))
    )
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "tls.pem").write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    return context
