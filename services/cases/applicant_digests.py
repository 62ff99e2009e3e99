"""Recognize the applications of one applicant: by a keyed digest of the identity number.

A plain digest of an ID card number falls to brute force in seconds: there are fewer numbers than digests tried in that
time. The value names its key, so that those made without one, or under another, are found and recomputed.
"""

from typing import Final

from sqlalchemy import Integer, bindparam, update
from sqlmodel import Session, col, select

from models.case import Applicant, Case, IdentityType
from models.supervision import SupervisionFeedback, SupervisionPush
from services import keys

PURPOSE: Final = "applicant"
DIGEST_LENGTH: Final = 48
"""Hexadecimal digits kept: 192 bits, which with the key's name fit the column."""


def digest_of(id_type: IdentityType, id_number: str) -> str:
    """Return the digest of an identity: the key's name and HMAC-SHA256 under it."""
    content = f"{id_type.value}:{id_number.upper()}".encode()
    return f"{_prefix()}{keys.keyed_digest(PURPOSE, content)[:DIGEST_LENGTH]}"


def renew(session: Session, after: str, limit: int) -> str | None:
    """Recompute the digests of cases and feedback that are not under the present key.

    Take at most ``limit`` cases, in the order of their numbers after ``after``; return the last one, or None when there
    was none left.
    """
    asked = {"current": f"{_prefix()}%", "after": after, "limit": limit}
    rows = session.exec(_OUTDATED, params=asked).all()
    for case_no, id_type, id_number in rows:
        found = {"of_case": case_no, "digest": digest_of(IdentityType(id_type), id_number)}
        session.connection().execute(_RENEW_CASE, found)
        session.connection().execute(_RENEW_FEEDBACK, found)
    session.expire_all()
    return str(rows[-1][0]) if rows else None


def _prefix() -> str:
    return f"{keys.data_key_id()}:"


_CASE = Case.__table__  # type: ignore[attr-defined]
_FEEDBACK = SupervisionFeedback.__table__  # type: ignore[attr-defined]

_OUTDATED = (
    select(Case.case_no, Applicant.id_type, Applicant.id_number)
    .join(Applicant, col(Applicant.case_no) == col(Case.case_no))
    .where(col(Case.applicant_digest).not_like(bindparam("current")), col(Case.case_no) > bindparam("after"))
    .order_by(col(Case.case_no))
    .limit(bindparam("limit", type_=Integer))
)
_RENEW_CASE = update(_CASE).where(_CASE.c.case_no == bindparam("of_case")).values(applicant_digest=bindparam("digest"))
_RENEW_FEEDBACK = (
    update(_FEEDBACK)
    .where(
        _FEEDBACK.c.push_id.in_(select(SupervisionPush.id).where(col(SupervisionPush.case_no) == bindparam("of_case")))
    )
    .values(applicant_digest=bindparam("digest"))
)
