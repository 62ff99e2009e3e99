"""What exporters send again after a crash is known by the last record of each request."""

import http.client

import pytest

from bridge.exporter_endpoint import ExporterEndpoint
from bridge.feed import FOREIGN_TOLERANCE, Feed
from bridge.projection.records import Bulk, parse_bulk
from bridge.repeated import Last, last_record
from engine.exporters import FeedAccount
from models.database import Database
from tests.factories.bridge_records import BASE_MS, Log, bulk, bulk_body, feed_over


def test_the_last_record_of_a_request_is_found_whatever_its_length() -> None:
    log = Log()
    bodies = [bulk_body([log.task("CREATED", key, 1) for key in range(count)]) for count in (1, 2, 100)]
    assert [last_record(body) for body in bodies] == [
        Last("tq-feed", 1, 1, BASE_MS + 1),
        Last("tq-feed", 1, 3, BASE_MS + 3),
        Last("tq-feed", 1, 103, BASE_MS + 103),
    ]
    assert last_record(bodies[2].rstrip(b"\n")) == last_record(bodies[2])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"{}",
        b"{}\n{}\n",
        b"no json\nat all\n",
        bulk_body([Log().task("CREATED", 1, 1)]).replace(b"1-1", b"1-9"),
        bulk_body([Log().task("CREATED", 1, 1)]).replace(b"1-1", b"x-1"),
        bulk_body([Log().task("CREATED", 1, 1)])[:-3],
    ],
)
def test_anything_unusual_is_no_repetition(body: bytes) -> None:
    assert last_record(body) is None


def test_a_request_of_two_partitions_is_read_record_by_record() -> None:
    log = Log()
    first = log.record("USER_TASK", "CREATED", 20, {}, partition=2, position=900)
    assert last_record(bulk_body([first, log.task("CREATED", 30, 1)])) is None


def test_what_was_taken_is_known_and_what_was_not_is_not(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    first, second = bulk_body([log.task("CREATED", 20, 10)]), bulk_body([log.task("CREATED", 30, 10)])
    assert not taken(feed, first)
    feed.apply(parse_bulk(first))
    assert taken(feed, first)
    assert not taken(feed, second)
    assert not taken(feed, first.replace(b"tq-feed", b"tq-history"))


def test_a_new_process_reads_the_first_request_and_knows_the_others(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    bodies = [bulk_body([log.task("CREATED", key, 10)]) for key in (20, 30, 40)]
    for body in bodies:
        feed.apply(parse_bulk(body))
    restarted = feed_over(database)
    assert not taken(restarted, bodies[0])
    restarted.apply(parse_bulk(bodies[0]))
    assert taken(restarted, bodies[2])


def test_records_newer_than_all_that_was_taken_are_left_to_the_feeds_own_check(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    for key in (20, 30):
        feed.apply(bulk(log.task("CREATED", key, 10)))
    newest = BASE_MS + 2 + int(FOREIGN_TOLERANCE.total_seconds() * 1000)
    assert feed.has_taken(Last("tq-feed", 1, 1, newest))
    assert not feed.has_taken(Last("tq-feed", 1, 1, newest + 1))


def test_the_endpoint_acknowledges_a_repetition_and_forwards_the_rest(database: Database) -> None:
    feed = feed_over(database)
    applied: list[Bulk] = []

    def apply(request: Bulk) -> None:
        feed.apply(request)
        applied.append(request)

    log = Log()
    bodies = [bulk_body([log.task("CREATED", key, 10)]) for key in (20, 30)]
    endpoint = ExporterEndpoint("127.0.0.1:0", apply, account=FeedAccount("feed", "s"), has_taken=feed.has_taken)
    endpoint.start()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=60)
        for body in (bodies[0], bodies[0], bodies[1], bodies[0], bodies[1]):
            connection.request("POST", "/_bulk", body, {"Authorization": "Basic ZmVlZDpz"})
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b'{"took":1,"errors":false,"items":[]}')
        connection.close()
    finally:
        endpoint.stop()
    assert [request.records[0].key for request in applied] == [20, 30]


def taken(feed: Feed, body: bytes) -> bool:
    last = last_record(body)
    assert last is not None
    return feed.has_taken(last)
