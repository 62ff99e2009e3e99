"""Metrics for Prometheus: what this process answered, and the product's state read from the database."""

import shutil
import time
from collections.abc import Iterator
from threading import Lock
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.database import Database
from services.clock import machine_now
from services.health import OperatingFigures, operating_figures
from settings import get_settings

FIGURES_LIVE_SECONDS: Final = 10.0
"""How long the counted state is served again before it is counted anew."""

UNMATCHED: Final = "unmatched"


class Metrics:
    """The registry of one web process."""

    def __init__(self, database: Database) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "tongquan_http_requests", "Answered requests.", ("method", "route", "status"), registry=self._registry
        )
        self._durations = Histogram(
            "tongquan_http_request_seconds", "Time to answer.", ("method", "route"), registry=self._registry
        )
        self._registry.register(_Figures(database))

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, route, str(status)).inc()
        self._durations.labels(method, route).observe(seconds)

    def exposition(self) -> bytes:
        """Return every metric in Prometheus's text format."""
        return generate_latest(self._registry)


class MeasuredRequests:
    """ASGI middleware that counts and times every request by its route, never by its address."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count its answer; an unforeseen error is a 500."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def send_counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_counted)
        finally:
            route = getattr(scope.get("route"), "path", UNMATCHED)
            method = scope["method"] if route != UNMATCHED else "*"
            self.metrics.observe(method, route, status, time.perf_counter() - begun)


class _Figures(Collector):
    """The product's state, counted at most every ten seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._counted_at = float("-inf")
        self._figures: OperatingFigures | None = None

    def describe(self) -> Iterator[Metric]:
        """Describe nothing in advance, so that registering needs no database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield one metric family for each figure."""
        figures = self._current()
        cases = GaugeMetricFamily("tongquan_cases", "Cases by state code.", labels=("state",))
        for state, number in figures.cases_by_state.items():
            cases.add_metric((state,), number)
        yield cases
        yield GaugeMetricFamily("tongquan_tasks_open", "Open tasks.", figures.open_tasks)
        yield GaugeMetricFamily("tongquan_incidents_open", "Open incidents.", figures.open_incidents)
        yield GaugeMetricFamily("tongquan_set_aside_records", "Records that could not be read.", figures.set_aside)
        yield GaugeMetricFamily(
            "tongquan_tampered_documents", "Papers found changed since they were issued.", figures.tampered_documents
        )
        outbox = GaugeMetricFamily("tongquan_outbox_commands", "Commands not sent.", labels=("status",))
        outbox.add_metric(("pending",), figures.outbox_pending)
        outbox.add_metric(("dead",), figures.outbox_dead)
        yield outbox
        yield GaugeMetricFamily(
            "tongquan_outbox_oldest_seconds",
            "How long the oldest command that waits to be sent has waited.",
            figures.outbox_oldest_seconds,
        )
        webhooks = GaugeMetricFamily("tongquan_webhook_deliveries", "Webhooks not delivered.", labels=("status",))
        webhooks.add_metric(("pending",), figures.webhooks_pending)
        webhooks.add_metric(("dead",), figures.webhooks_dead)
        yield webhooks
        yield GaugeMetricFamily(
            "tongquan_oldest_job_seconds",
            "Product time since the oldest automatic step began that is not done and has no incident.",
            figures.oldest_job_seconds,
        )
        beats = GaugeMetricFamily(
            "tongquan_heartbeat_age_seconds", "Time since a component's last sign of life.", labels=("component",)
        )
        for component, age in figures.heartbeat_age_seconds.items():
            beats.add_metric((component,), age)
        yield beats
        lag = GaugeMetricFamily(
            "tongquan_feed_lag_seconds", "Product time since the newest record taken.", labels=("exporter",)
        )
        for exporter, seconds in figures.feed_lag_seconds.items():
            lag.add_metric((exporter,), seconds)
        yield lag
        if figures.feed_waiting_seconds is not None:
            yield GaugeMetricFamily(
                "tongquan_feed_waiting_seconds",
                "How long what the engine has done waits to arrive here, 0 at rest.",
                figures.feed_waiting_seconds,
            )
        checks = GaugeMetricFamily(
            "tongquan_check_ok", "Whether a check of /readyz is well (1) or not (0).", labels=("check",)
        )
        for check, ok in figures.checks.items():
            checks.add_metric((check,), float(ok))
        yield checks
        yield from _disk()

    def _current(self) -> OperatingFigures:
        with self._lock:
            if self._figures is None or time.monotonic() - self._counted_at > FIGURES_LIVE_SECONDS:
                with self._database.reading() as session:
                    self._figures = operating_figures(session, machine_now())
                self._counted_at = time.monotonic()
            return self._figures


def _disk() -> Iterator[Metric]:
    """Yield the room left on the disk of the state directory, where this process sees one."""
    folder = get_settings().state_dir
    if folder.is_dir():
        yield GaugeMetricFamily(
            "tongquan_state_disk_free_bytes",
            "Free bytes on the disk of the state directory.",
            shutil.disk_usage(folder).free,
        )
