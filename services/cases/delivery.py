"""Service of a case's papers on the applicant (送达): the ways, and what each must leave on record.

The licensing law wants the decision and the certificate delivered within ten working days (行政许可法 art. 44); the
ways follow the civil procedure law (民事诉讼法 arts. 87–95), as administrative organs do without rules of their own.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlmodel import Session

from models.case import Case
from models.working_calendar import china_date
from services.clock import product_now
from services.errors import FieldProblem, InvalidInput

NOTICE_DAYS: Final = 30
"""How long a public notice stands before the papers count as served (民事诉讼法 art. 95)."""


class Manner(StrEnum):
    """How papers reach the applicant; a form's field ``manner`` has these values."""

    WINDOW = "window"
    POST = "post"
    ELECTRONIC = "electronic"
    LEFT = "left"
    """Left at the applicant's place after a refusal, before witnesses (留置送达, art. 89)."""
    PUBLIC_NOTICE = "public_notice"
    """By public notice, where nothing else reaches the applicant (公告送达, art. 95)."""

    @property
    def label(self) -> str:
        """Return the way's name as papers and pages write it."""
        return _LABELS[self]


_LABELS: Final = {
    Manner.WINDOW: "窗口领取",
    Manner.POST: "邮寄送达",
    Manner.ELECTRONIC: "电子送达",
    Manner.LEFT: "留置送达",
    Manner.PUBLIC_NOTICE: "公告送达",
}
_NEEDED: Final = {
    Manner.WINDOW: {},
    Manner.POST: {
        "address": "邮寄送达请填写送达地址",
        "tracking_number": "邮寄送达请填写邮件号码",
        "delivered_on": "邮寄送达请填写回执上的签收日期",
    },
    Manner.ELECTRONIC: {"consent": "电子送达须经受送达人同意，请勾选"},
    Manner.LEFT: {
        "place": "留置送达请填写留置的地点",
        "refusal": "留置送达请写明拒收的情况",
        "witness_one": "留置送达请填写见证人",
        "witness_two": "留置送达请填写第二名见证人",
    },
    Manner.PUBLIC_NOTICE: {
        "unreachable": "公告送达请写明无法以其他方式送达的情况",
        "published_in": "公告送达请写明公告的刊登处",
        "notice_from": "公告送达请填写公告发布日期",
    },
}
"""The fields without which a way of service is not on record, and what to tell who left them out."""

_PLACES: Final = {
    Manner.POST: "address",
    Manner.ELECTRONIC: "electronic_address",
    Manner.LEFT: "place",
    Manner.PUBLIC_NOTICE: "published_in",
}
"""The field that says where, by the way of service; at the window it is the window."""


@dataclass(frozen=True)
class Service:
    """How and when papers were served; what nobody stated is empty."""

    manner: Manner
    served_on: date
    receiver: str = ""
    receiver_capacity: str = ""
    place: str = ""
    """Where: the address, the place the papers were left at, or where the notice was published."""
    tracking_number: str = ""
    refusal: str = ""
    """Why no other way was possible: refused, or not to be reached."""
    witnesses: tuple[str, ...] = ()
    notice_from: date | None = None

    @classmethod
    def from_values(cls, values: dict[str, Any], answered_on: date) -> "Service":
        """Read the delivery form's values; the day of the answer stands for a day that was not stated."""
        manner = Manner(values.get("manner") or Manner.WINDOW)
        notice_from = _day(values, "notice_from") if manner is Manner.PUBLIC_NOTICE else None
        ended = notice_from + timedelta(days=NOTICE_DAYS) if notice_from is not None else None
        witnesses = (_text(values, "witness_one"), _text(values, "witness_two"))
        return cls(
            manner=manner,
            served_on=ended or _day(values, "delivered_on") or answered_on,
            receiver=_text(values, "receiver"),
            receiver_capacity=_text(values, "receiver_capacity"),
            place=_text(values, _PLACES.get(manner, "")),
            tracking_number=_text(values, "tracking_number"),
            refusal=_text(values, "refusal") or _text(values, "unreachable"),
            witnesses=tuple(one for one in witnesses if one),
            notice_from=notice_from,
        )


def require_on_record(session: Session, case: Case, values: dict[str, Any]) -> None:
    """Refuse a service that its own record would not prove.

    Raises:
        InvalidInput: with each field that the way of service needs, or whose day cannot be.
    """
    manner, today = Manner(values.get("manner") or Manner.WINDOW), china_date(product_now(session))
    problems = [
        FieldProblem(f"values.{key}", message) for key, message in _NEEDED[manner].items() if not _stated(values, key)
    ]
    first, second = ("".join(_text(values, key).split()) for key in ("witness_one", "witness_two"))
    if first and first == second:
        problems.append(FieldProblem("values.witness_two", "见证人须是两名不同的人"))
    began = china_date(case.decided_at or case.received_at)
    for key in ("delivered_on", "notice_from"):
        problems += _day_problems(key, _day(values, key), began, today)
    if not problems and Service.from_values(values, today).served_on > today:
        problems.append(FieldProblem("values.notice_from", f"公告期（{NOTICE_DAYS}日）尚未届满，期满后再办结送达"))
    if problems:
        raise InvalidInput(problems)


def _day_problems(key: str, day: date | None, began: date, today: date) -> list[FieldProblem]:
    if day is None:
        return []
    if day > today:
        return [FieldProblem(f"values.{key}", "日期不能晚于今日")]
    return [FieldProblem(f"values.{key}", "日期不能早于作出决定之日")] if day < began else []


def _stated(values: dict[str, Any], key: str) -> bool:
    value = values.get(key)
    return bool(value.strip() if isinstance(value, str) else value)


def _text(values: dict[str, Any], key: str) -> str:
    return str(values.get(key) or "").strip()


def _day(values: dict[str, Any], key: str) -> date | None:
    text = _text(values, key)
    return date.fromisoformat(text[:10]) if text else None
