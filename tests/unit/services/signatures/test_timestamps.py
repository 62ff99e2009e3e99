"""A signature is timestamped by the authority that is set, asked over HTTP; without its answer there is none."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from asn1crypto import cms, tsp
from sqlmodel import Session, select

from connectors.timestamping import HttpTimestampAuthority, TimestampFailed
from models.database import Database
from models.signature import AuthorityKey, AuthorityRole, SealUse
from papers import acceptance
from services.clock import machine_now
from services.signatures import authority, sealing, trust
from services.signatures.registry import Purpose
from settings import get_settings
from tests.databases import Databases, new
from tests.factories.papers import ACCEPTED, facts
from tests.factories.signatures import judged
from workers.momentary import is_momentary

DIGEST = bytes(range(32))
Answer = Callable[[tsp.TimeStampReq], tuple[int, bytes]]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a state directory the process's own, whose data key encrypts what either database keeps."""
    monkeypatch.setenv("TONGQUAN_STATE_DIR", str(tmp_path))
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()


@pytest.fixture
def foreign(databases: Databases, state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Yield the database of another instance, whose authority is the one that is asked."""
    with new(databases, tmp_path_factory.mktemp("foreign")) as opened:
        with opened.transaction() as session:
            authority.make(session)
        yield opened


@pytest.fixture
def database(databases: Databases, state: Path) -> Iterator[Database]:
    with new(databases, state) as opened:
        yield opened


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """Serve a timestamp authority on a free port and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            status, body = answer(tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/tsr"
        finally:
            server.shutdown()
            thread.join()


def granting(session: Session, *, nonce: int | None = None, over: bytes | None = None) -> Answer:
    """Answer by another instance's authority, as asked or with another nonce or digest."""

    def answer(asked: tsp.TimeStampReq) -> tuple[int, bytes]:
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": authority.TIMESTAMP_POLICY.dotted_string,
                "message_imprint": {
                    "hash_algorithm": {"algorithm": "sha256"},
                    "hashed_message": over or asked["message_imprint"]["hashed_message"].native,
                },
                "serial_number": 4711,
                "gen_time": machine_now(),
                "nonce": nonce or asked["nonce"].native,
            }
        )
        token = authority.signed_timestamp(session, info.dump())
        response = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": cms.ContentInfo.load(token)})
        return 200, response.dump()

    return answer


def test_a_paper_bears_the_timestamp_of_the_authority_that_is_set(
    database: Database, foreign: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = acceptance.acceptance_notice(facts(), "号", ACCEPTED)
    with foreign.reading() as asked, serving(granting(asked)) as address, database.transaction() as session:
        monkeypatch.setenv("TONGQUAN_TIMESTAMP_URL", address)
        get_settings.cache_clear()
        pdf = sealing.seal_paper(session, paper, "1", "受理通知书", Purpose("S-28", "substantive")).pdf
        both = trust.roots(session) + trust.roots(asked)
        own = trust.roots(session)
        stamper = authority.read_certificates(asked.get_one(AuthorityKey, AuthorityRole.TIMESTAMP).certificate)[0]
    found = judged(pdf, both)
    assert found.bottom_line, found.pretty_print_details()
    assert found.timestamp_validity.signing_cert.serial_number == stamper.serial_number
    assert not judged(pdf, own).timestamp_validity.trusted


def test_without_the_authoritys_answer_there_is_no_paper_and_it_is_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = acceptance.acceptance_notice(facts(), "号", ACCEPTED)
    with serving(lambda _asked: (503, b"")) as address:
        monkeypatch.setenv("TONGQUAN_TIMESTAMP_URL", address)
        get_settings.cache_clear()
        with pytest.raises(sealing.TimestampUnavailable) as refused, database.transaction() as session:
            sealing.seal_paper(session, paper, "1", "受理通知书", Purpose("S-28", "substantive"))
    assert refused.value.status == 503
    assert is_momentary(refused.value), "the job is put off, and no retry is used up"
    with database.reading() as session:
        assert session.exec(select(SealUse)).all() == []


@pytest.mark.parametrize(
    "answer",
    [
        lambda _asked: (500, b""),
        lambda _asked: (200, b"no reply at all"),
        lambda _asked: (200, tsp.TimeStampResp({"status": {"status": "rejection"}}).dump()),
    ],
    ids=["fault", "nonsense", "rejection"],
)
def test_no_answer_is_no_timestamp(answer: Answer) -> None:
    with serving(answer) as address, pytest.raises(TimestampFailed, match="127"):
        HttpTimestampAuthority(address).stamp(DIGEST)


def test_nobody_answering_is_no_timestamp() -> None:
    with serving(lambda _asked: (200, b"")) as address:
        closed = address
    with pytest.raises(TimestampFailed):
        HttpTimestampAuthority(closed).stamp(DIGEST)


@pytest.mark.parametrize("changes", [{"nonce": 1}, {"over": bytes(32)}], ids=["another nonce", "another digest"])
def test_a_timestamp_over_something_else_is_none(foreign: Database, changes: dict[str, int | bytes]) -> None:
    with (
        foreign.reading() as session,
        serving(granting(session, **changes)) as address,  # type: ignore[arg-type]
        pytest.raises(TimestampFailed, match="not over what was sent"),
    ):
        HttpTimestampAuthority(address).stamp(DIGEST)
