"""What supervisors' platforms send in: signed as our own webhooks are, done once, answered alike when repeated."""

from collections.abc import Mapping

from pydantic import BaseModel
from sqlmodel import Session

from models.supervision import FeedbackKind
from models.webhook import InboundMessage, WebhookEndpoint
from services import supervision, supervision_feedback, webhook_signing
from services.clock import machine_now
from services.errors import Conflict, Forbidden, NotFound
from services.webhook_signing import BadSignature
from services.webhooks import find_endpoint

ENDPOINT_HEADER = "webhook-endpoint"
"""Names the subscription whose secret signed the message."""


class MessageReused(Conflict):
    """The message's id was used for another body."""

    code, title, title_en = "message_reused", "同一消息编号已用于另一份内容", "The message id was used for another body"


class InboundAnswer(BaseModel):
    """What became of an inbound message; ``duplicate`` tells a repetition, on which nothing was done again."""

    push_id: int
    feedback_id: int
    duplicate: bool = False


def authenticate(session: Session, headers: Mapping[str, str], body: bytes) -> tuple[WebhookEndpoint, str]:
    """Return who sent a message and the message's id; raise ``BadSignature`` for anything not genuine or not new."""
    try:
        endpoint = find_endpoint(session, headers.get(ENDPOINT_HEADER, ""))
    except NotFound as error:
        raise BadSignature from error
    secret = webhook_signing.unseal(endpoint.sealed_secret)
    return endpoint, webhook_signing.verify(secret, headers, body, machine_now())


def take_feedback(
    session: Session,
    endpoint: WebhookEndpoint,
    message_id: str,
    body_digest: str,
    *,
    push_id: int,
    kind: FeedbackKind,
    text: str,
) -> InboundAnswer:
    """Record a platform's feedback on a push of the group it acts for, once for each message id.

    Raises ``Forbidden`` for another group's push and ``MessageReused`` for an old id with another body.
    """
    earlier = session.get(InboundMessage, (endpoint.id, message_id))
    if earlier is not None:
        if earlier.body_digest != body_digest:
            raise MessageReused()
        return InboundAnswer.model_validate({**earlier.answer, "duplicate": True})
    found = supervision.find(session, push_id)
    if endpoint.acts_for is None or found.recipient != endpoint.acts_for:
        raise Forbidden("该平台不能反馈这条推送", "The platform does not act for the push's recipient")
    key = f"inbound:{endpoint.id}:{message_id}"
    given, _ = supervision_feedback.record_feedback(session, found, kind, text, endpoint.acts_for, key)
    answer = InboundAnswer(push_id=push_id, feedback_id=given.id or 0)
    session.add(
        InboundMessage(
            endpoint_id=endpoint.id,
            message_id=message_id,
            body_digest=body_digest,
            answer=answer.model_dump(exclude={"duplicate"}),
            received_at=machine_now(),
        )
    )
    session.flush()
    return answer
