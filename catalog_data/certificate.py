"""What an item does to a certificate (证照), part of its service guide: issue, change, renew, replace or cancel one.

The plan says nothing of it; fields and years of validity that the city has not confirmed are marked ``assumed``.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

from models.certificate import CertificateAction

Text = Annotated[str, Field(min_length=1)]
PROJECT = "project"
"""The source of a field that begins as the case's project; a condition's answer is ``conditions.<key>``."""

_CONDITION = "conditions."


class CertificateFieldKind(StrEnum):
    """What a field of a certificate holds."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CertificateField(_Block):
    """One field of the certificate's content: entered with the decision, printed on decision and certificate.

    ``source`` is where it is prefilled from: ``project``, or ``conditions.<key>`` of the guide's questions.
    """

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    label: Annotated[str, Field(min_length=1, max_length=30)]
    kind: CertificateFieldKind = CertificateFieldKind.TEXT
    required: StrictBool = False
    unit: Annotated[str, Field(max_length=10)] = ""
    source: str | None = None
    assumed: StrictBool = False

    @property
    def condition(self) -> str | None:
        """Return the key of the condition the field is prefilled from, or None."""
        source = self.source or ""
        return source.removeprefix(_CONDITION) if source.startswith(_CONDITION) else None


class Validity(_Block):
    """How long a certificate is valid: some years from its decision, or until a day; exactly one of the two."""

    years: Annotated[StrictInt, Field(ge=1, le=100)] | None = None
    until: date | None = None
    assumed: StrictBool = False

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.years is None) == (self.until is None):
            raise ValueError("有效期应写明年数（years）或截止日期（until）之一")
        return self


class CertificateRule(_Block):
    """A guide's ``certificate``: its action, the items whose certificates it acts on, validity and fields.

    ``of`` lists every item of the family whose certificates may be brought: those issued first, and those that earlier
    changes and renewals left.
    """

    action: CertificateAction
    of: tuple[Annotated[str, Field(pattern=r"^[A-Z]-[0-9]{2,3}$")], ...] = ()
    validity: Validity | None = None
    fields: Annotated[tuple[CertificateField, ...], Field(max_length=40)] = ()
    assumed: StrictBool = False

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.action.needs_certificate != bool(self.of):
            raise ValueError(
                f"{self.action.label}须列明对哪些事项的证照办理（of）"
                if self.action.needs_certificate
                else "核发新证照的事项不写 of"
            )
        if not self.action.makes_certificate and (self.validity is not None or self.fields):
            raise ValueError("注销证照的事项不写 validity 和 fields")
        for name, values in (("fields", [one.key for one in self.fields]), ("of", list(self.of))):
            if repeated := sorted({one for one in values if values.count(one) > 1}):
                raise ValueError(f"{name} 重复：{'、'.join(repeated)}")
        return self

    def faults(self, conditions: Sequence[str]) -> list[str]:
        """Return what does not fit the guide's conditions: fields prefilled from what is not asked."""
        return [
            f"{one.key} 的 source “{one.source}”不是 {PROJECT}，也不是指南中的条件"
            for one in self.fields
            if one.source is not None and one.source != PROJECT and one.condition not in conditions
        ]
