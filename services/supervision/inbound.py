"""What supervisors' platforms send in: signed as our own webhooks are, processed once, answered alike when repeated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel
from sqlmodel import Session

from models.supervision import FeedbackKind, SupervisionPush
from models.webhook import InboundMessage, WebhookEndpoint
from services.accounts import supervision_rights
from services.clock import machine_now
from services.errors import Conflict, NotFound
from services.supervision import push_feedback, pushes
from services.webhooks import signing
from services.webhooks.signing import BadSignature
from services.webhooks.subscriptions import get_endpoint

ENDPOINT_HEADER = "webhook-endpoint"
"""Names the subscription whose secret signed the message."""


class MessageReused(Conflict):
    """The message's id was used for another body."""

    code, title, title_en = "message_reused", "同一消息编号已用于另一份内容", "The message id was used for another body"


class InboundAnswer(BaseModel):
    """What became of an inbound message; ``duplicate`` marks a repetition, on which nothing was done again."""

    push_id: int
    feedback_id: int | None = None
    duplicate: bool = False


def authenticate(session: Session, headers: Mapping[str, str], body: bytes) -> tuple[WebhookEndpoint, str]:
    """Return who sent a message and the message's id; raise ``BadSignature`` for anything not genuine or not new."""
    try:
        endpoint = get_endpoint(session, headers.get(ENDPOINT_HEADER, ""))
    except NotFound as error:
        raise BadSignature from error
    secret = signing.unseal(endpoint.sealed_secret)
    return endpoint, signing.verify(secret, headers, body)


@dataclass(frozen=True)
class VerifiedMessage:
    """A message whose signature holds: who sent it, under which id, and the digest of its body."""

    endpoint: WebhookEndpoint
    id: str
    body_digest: str


def take_claim(session: Session, message: VerifiedMessage, push_id: int) -> InboundAnswer:
    """Claim a push for the group the platform acts for, once for each message id.

    Raises ``Forbidden`` for another group's push, ``PushClaimed`` for one somebody else has claimed, and
    ``MessageReused`` for an old id with another body.
    """
    return _once(session, message, push_id, lambda found, group: push_feedback.claim_for(session, found, group))


def take_feedback(
    session: Session, message: VerifiedMessage, push_id: int, kind: FeedbackKind, text: str
) -> InboundAnswer:
    """Record a platform's feedback on a push of the group it acts for, once for each message id.

    Raises ``Forbidden`` for another group's push and ``MessageReused`` for an old id with another body.
    """
    key = f"inbound:{message.endpoint.id}:{message.id}"

    def give(found: SupervisionPush, group: str) -> int | None:
        given, _ = push_feedback.record_feedback(session, found, kind, text, group, key)
        return given.id

    return _once(session, message, push_id, give)


def _once(
    session: Session, message: VerifiedMessage, push_id: int, act: Callable[[SupervisionPush, str], int | None]
) -> InboundAnswer:
    """Act on a push of the group the platform acts for, unless the message was received before."""
    earlier = session.get(InboundMessage, (message.endpoint.id, message.id))
    if earlier is not None:
        if earlier.body_digest != message.body_digest:
            raise MessageReused()
        return InboundAnswer.model_validate({**earlier.answer, "duplicate": True})
    found = pushes.get_for_update(session, push_id)
    group = supervision_rights.get_platform(message.endpoint.acts_for, found.recipient)
    answer = InboundAnswer(push_id=push_id, feedback_id=act(found, group))
    session.add(
        InboundMessage(
            endpoint_id=message.endpoint.id,
            message_id=message.id,
            body_digest=message.body_digest,
            answer=answer.model_dump(exclude={"duplicate"}),
            received_at=machine_now(),
        )
    )
    session.flush()
    return answer
