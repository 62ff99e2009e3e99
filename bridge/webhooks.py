"""Deliver webhooks: signed, within seconds, retried with growing pauses, and given up where nobody ever answers.

A delivery is taken with a lease, so that several bridges may run and a dead one's deliveries come back. No
transaction is open while an address is called. The name of an address is resolved here and the connection made to
the very address that was checked, so that a name cannot point inward after the check; redirects are not followed.
"""

import asyncio
import secrets
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from sqlmodel import Session, col, select, update

from models.database import Database
from models.webhook import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from services.clock import machine_now
from services.errors import TongquanError
from services.webhooks import signing, subscriptions
from services.webhooks.addresses import permitted_address

POLL_SECONDS = 0.5
BATCH = 32
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
LEASE = timedelta(seconds=60)
"""Longer than any attempt can take."""
RETRY_PAUSES = tuple(timedelta(seconds=pause) for pause in (5, 30, 120, 600, 1_800, 7_200, 21_600, 43_200))
"""The pauses between attempts; after the last the delivery is dead: a receiver may be away for a day."""
JITTER = 0.2
"""The share by which a pause is lengthened at random, so that many deliveries do not come back at once."""
MAX_ERROR_LENGTH = 300

log = structlog.get_logger(__name__)


class AddressRefused(Exception):
    """The endpoint's name resolves to an address that nothing may be sent to."""


EXPECTED = (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, AddressRefused, TongquanError)
"""What an unreachable or wrong address raises; anything else is logged with its trace."""


@dataclass(frozen=True)
class PendingDelivery:
    """One delivery taken for one attempt."""

    id: int
    url: str
    sealed_secret: str
    message_id: str
    event: str
    body: bytes
    attempts: int


@dataclass(frozen=True)
class Result:
    """The outcome of an attempt; ``error`` is empty when the receiver took the message."""

    status: int | None
    error: str = ""


class WebhookSender:
    """Send what is due until cancelled."""

    def __init__(
        self,
        database: Database,
        *,
        retry_pauses: tuple[timedelta, ...] = RETRY_PAUSES,
        answer_seconds: float = ANSWER_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._database = database
        self._pauses = retry_pauses
        self._timeout = httpx.Timeout(answer_seconds, connect=CONNECT_SECONDS)
        self._answer_seconds = answer_seconds
        self._poll_seconds = poll_seconds

    async def run(self) -> None:
        """Look for due deliveries until cancelled; a database that is busy is asked again."""
        async with self._client() as client:
            while True:
                try:
                    sent = await self.send_due(client)
                except Exception:
                    log.exception("webhook.round_failed")
                    sent = 0
                if sent < BATCH:
                    await asyncio.sleep(self._poll_seconds)

    async def send_due(self, client: httpx.AsyncClient | None = None) -> int:
        """Attempt every delivery that is due, up to a batch concurrently; return how many."""
        due = await asyncio.to_thread(self._take)
        if not due:
            return 0
        if client is None:
            async with self._client() as own:
                await asyncio.gather(*(self._attempt(own, pending) for pending in due))
        else:
            await asyncio.gather(*(self._attempt(client, pending) for pending in due))
        return len(due)

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=self._timeout, follow_redirects=False, trust_env=False)

    def _take(self) -> list[PendingDelivery]:
        now = machine_now()
        with self._database.reading() as session:
            if session.exec(_due(now).limit(1)).first() is None:
                return []
        with self._database.transaction() as session:
            ids = list(session.exec(_due(now).limit(BATCH).with_for_update(skip_locked=True)).all())
            taken = update(WebhookDelivery).where(col(WebhookDelivery.id).in_(ids))
            session.exec(taken.values(available_at=now + LEASE))
            return _pending(session, ids)

    async def _attempt(self, client: httpx.AsyncClient, pending: PendingDelivery) -> None:
        """Send one delivery and record the result; whatever goes wrong counts as an attempt of this delivery alone.

        Where that cannot be noted, the database being away, the lease brings the delivery back.
        """
        try:
            async with asyncio.timeout(CONNECT_SECONDS + self._answer_seconds):
                result = await self._post(client, pending)
        except Exception as error:
            result = Result(None, _error_text(error))
            if not isinstance(error, EXPECTED):
                log.exception("webhook.attempt_failed", delivery_id=pending.id, webhook_event=pending.event)
        try:
            await asyncio.to_thread(self._mark, pending, result)
        except Exception:
            log.exception("webhook.mark_failed", delivery_id=pending.id, webhook_event=pending.event)

    async def _post(self, client: httpx.AsyncClient, pending: PendingDelivery) -> Result:
        parts = urlsplit(pending.url)
        host, port = parts.hostname or "", parts.port or subscriptions.SCHEMES[parts.scheme]
        address = await checked_address(host, port)
        headers = {
            **signing.sign(signing.unseal(pending.sealed_secret), pending.message_id, machine_now(), pending.body),
            "host": parts.netloc,
            "content-type": "application/json; charset=utf-8",
            "user-agent": "tongquan-webhooks/1",
        }
        target = httpx.URL(pending.url).copy_with(host=address)
        extensions = {"sni_hostname": host} if parts.scheme == "https" else {}
        async with client.stream(
            "POST", target, content=pending.body, headers=headers, extensions=extensions
        ) as response:
            status = response.status_code
        return Result(status, "" if response.is_success else f"HTTP {status}")

    def _mark(self, pending: PendingDelivery, result: Result) -> None:
        now = machine_now()
        with self._database.transaction() as session:
            delivery = session.get(WebhookDelivery, pending.id, with_for_update=True)
            if delivery is None or delivery.status is not DeliveryStatus.PENDING:
                return
            delivery.attempts = pending.attempts + 1
            delivery.last_status, delivery.last_error = result.status, result.error[:MAX_ERROR_LENGTH]
            if not result.error:
                delivery.status, delivery.delivered_at = DeliveryStatus.DELIVERED, now
            elif delivery.attempts > len(self._pauses):
                delivery.status = DeliveryStatus.DEAD
                log.error("webhook.dead", delivery_id=pending.id, webhook_event=pending.event, error=result.error)
            else:
                pause = self._pauses[delivery.attempts - 1]
                delivery.available_at = now + pause * (1 + JITTER * secrets.randbelow(1000) / 1000)
            session.add(delivery)


async def checked_address(host: str, port: int) -> str:
    """Return an address ``host`` resolves to; raise :class:`AddressRefused` when any of them is not permitted."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]) for one in found]
    if not addresses or not all(permitted_address(one) for one in addresses):
        raise AddressRefused("不允许推送到本机或内部网络地址")
    return addresses[0]


def _due(now: datetime) -> Any:
    return (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.status == DeliveryStatus.PENDING, col(WebhookDelivery.available_at) <= now)
        .order_by(col(WebhookDelivery.available_at), col(WebhookDelivery.id))
    )


def _pending(session: Session, ids: list[int | None]) -> list[PendingDelivery]:
    rows = session.exec(
        select(WebhookDelivery, WebhookEndpoint)
        .join(WebhookEndpoint, col(WebhookEndpoint.id) == WebhookDelivery.endpoint_id)
        .where(col(WebhookDelivery.id).in_(ids))
    ).all()
    return [
        PendingDelivery(
            delivery.id or 0,
            endpoint.url,
            endpoint.sealed_secret,
            delivery.message_id,
            delivery.event,
            delivery.body.encode(),
            delivery.attempts,
        )
        for delivery, endpoint in rows
    ]


def _error_text(error: Exception) -> str:
    if isinstance(error, TongquanError):
        return error.detail
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
