"""Webhooks: subscriptions of outside systems, the deliveries to them, and the messages received from them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class DeliveryStatus(StrEnum):
    """``pending`` waits or is being tried, ``delivered`` was accepted, ``dead`` was given up and can be sent again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class WebhookEndpoint(SQLModel, table=True):
    """An outside address and the events it gets; a deleted one stays for the sake of its deliveries.

    ``acts_for`` is the account group a supervisor's platform stands for: it gets that group's pushes only, and may
    return feedback on them. ``sealed_secret`` is encrypted; the secret itself is shown once, when it is made.
    """

    __tablename__ = "webhook_endpoint"

    id: str = Field(primary_key=True, max_length=40)
    url: str = Field(max_length=1000)
    events: list[str] = Field(default_factory=list, sa_type=JSON)
    description: str = Field(default="", max_length=200)
    acts_for: str | None = Field(default=None, max_length=128)
    sealed_secret: str
    created_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=Instant)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)


class WebhookDelivery(SQLModel, table=True):
    """One event on its way to one endpoint; ``message_id`` is the same however often it is sent.

    ``body`` is fixed when the event happens. Instants are machine time, for back-off has nothing to do with cases.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "message_id", name="uq_webhook_delivery_message"),
        Index("ix_webhook_delivery_due", "status", "available_at", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    endpoint_id: str = Field(foreign_key="webhook_endpoint.id", max_length=40)
    message_id: str = Field(max_length=64)
    event: str = Field(max_length=64)
    subject: str = Field(max_length=100)
    body: str
    status: DeliveryStatus = Field(default=DeliveryStatus.PENDING, sa_type=choice(DeliveryStatus))
    attempts: int = 0
    last_status: int | None = None
    """The HTTP status of the last attempt; null when there was no answer."""
    last_error: str = ""
    created_at: datetime = Field(sa_type=Instant)
    available_at: datetime = Field(sa_type=Instant)
    delivered_at: datetime | None = Field(default=None, sa_type=Instant)


class InboundMessage(SQLModel, table=True):
    """One message received from outside: the same id and body get the same answer and are processed once."""

    __tablename__ = "inbound_message"

    endpoint_id: str = Field(primary_key=True, max_length=40)
    message_id: str = Field(primary_key=True, max_length=200)
    body_digest: str = Field(max_length=64)
    answer: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    received_at: datetime = Field(sa_type=Instant)
