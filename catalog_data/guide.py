"""The service guide (办事指南): one city-owned document per item, read by every county and edited by none.

``assumed: true`` marks what neither plan nor statute gives; the product shows it as 示例.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

from catalog_data.certificate import CertificateRule
from catalog_data.conditions import Condition, ConditionKind
from models.certificate import CertificateAction

Text = Annotated[str, Field(min_length=1)]


class MaterialKind(StrEnum):
    """The form in which a material is handed in."""

    ORIGINAL = "original"
    COPY = "copy"
    ELECTRONIC = "electronic"


class LimitUnit(StrEnum):
    """工作日 or 日."""

    WORKING_DAY = "working_day"
    DAY = "day"


class HandlingKind(StrEnum):
    """Done at once, or promised by a date."""

    IMMEDIATE = "即办件"
    PROMISED = "承诺件"


class CertificateKind(StrEnum):
    """What the outcome hands out: licence or permit, certificate or registration, approval, or nothing."""

    NONE = "none"
    LICENCE = "licence"
    CERTIFICATE = "certificate"
    APPROVAL = "approval"


class CertificateEffect(StrEnum):
    """What a favourable outcome does to the certificate in the city library."""

    NONE = "none"
    ISSUE = "issue"
    CHANGE = "change"
    RENEW = "renew"
    REISSUE = "reissue"
    CANCEL = "cancel"


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Material(_Block):
    """One material of the application (申请材料)."""

    name: Text
    required: StrictBool
    copies: Annotated[StrictInt, Field(ge=1, le=20)]
    kind: MaterialKind
    assumed: StrictBool = False


class Limits(_Block):
    """法定时限 (statutory) and 承诺时限 (promised, never longer), in ``unit``.

    For ``substantive`` items ``review`` is the county's share in working days (20 by art. 43 when absent) and
    ``decision`` the city's own limit in ``unit`` (the statutory one when absent). ``extension`` is by how many working
    days the limit may be lengthened at most, once: 0 forbids it, absent means ten (art. 42; joint handling has 15).
    """

    statutory: Annotated[StrictInt, Field(ge=1, le=365)]
    promised: Annotated[StrictInt, Field(ge=1, le=365)]
    unit: LimitUnit
    kind: HandlingKind
    review: Annotated[StrictInt, Field(ge=1, le=365)] | None = None
    decision: Annotated[StrictInt, Field(ge=1, le=365)] | None = None
    extension: Annotated[int | None, Field(strict=True, ge=0, le=365, exclude_if=lambda named: named is None)] = None
    """Left out of what is stored when absent: guides seeded before it was known stay the version they are."""
    note: str = ""
    assumed: StrictBool = False

    @model_validator(mode="after")
    def _promise_within_statute(self) -> Self:
        if self.promised > self.statutory:
            raise ValueError("承诺时限不得长于法定时限")
        return self


class Step(_Block):
    """One step of the procedure and who takes it."""

    name: Text
    actor: Text
    assumed: StrictBool = False


class Statement(_Block):
    """A text that stays ``pending`` (待市级单位填报) until the city unit gives it."""

    text: Text
    pending: StrictBool


class Result(_Block):
    """What a favourable outcome is called and whether it yields a certificate."""

    name: Text
    certificate: StrictBool
    effect: CertificateEffect
    assumed: StrictBool = False


class Redress(_Block):
    """Where and for how long a decision can be challenged; it depends on who decides."""

    organ: Text
    reconsideration_days: Annotated[StrictInt, Field(ge=1)]
    litigation_months: Annotated[StrictInt, Field(ge=1)]
    text: Text


class Measure(_Block):
    """One figure before and after the reform; ``None`` is 待填报."""

    before: Annotated[StrictInt, Field(ge=0)] | None
    after: Annotated[StrictInt, Field(ge=0)] | None


class Baseline(_Block):
    """减材料、减环节、减时限, measurable."""

    materials: Measure
    steps: Measure
    limit: Measure


class Guide(_Block):
    """A whole guide; ``owner`` is the city unit, ``published_on`` empty while it is an example."""

    code: Annotated[str, Field(pattern=r"^[A-Z]-[0-9]{2,3}$")]
    version: Annotated[StrictInt, Field(ge=1)]
    owner: Text
    published_on: date | None
    conditions: tuple[Condition, ...]
    materials: Annotated[tuple[Material, ...], Field(min_length=1)]
    limits: Limits | None = None
    """Left out where the city has none of its own: at acceptance ``default-limits`` then gives those of the power
    type."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    fees: Statement
    basis: Statement
    result: Result
    certificate_kind: CertificateKind
    redress: Redress
    baseline: Baseline
    on_site_check: StrictBool
    on_site_check_assumed: StrictBool = True
    informed_commitment: StrictBool = False
    """The item may be applied for on a written promise (告知承诺)."""
    certificate: Annotated[CertificateRule | None, Field(exclude_if=lambda named: named is None)] = None
    """What the item does to a certificate; left out of what is stored where there is none, as before it was known."""

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        _refuse_repeats("materials", [material.name for material in self.materials])
        _refuse_repeats("conditions", [condition.key for condition in self.conditions])
        asked: dict[str, Condition] = {}
        for condition in self.conditions:
            if unknown := condition.applies_when.keys() - asked.keys():
                raise ValueError(f"{condition.key} 的 applies_when 指向其前没有的问题：{'、'.join(sorted(unknown))}")
            for key, values in condition.applies_when.items():
                _refuse_impossible_answers(condition.key, asked[key], values)
            asked[condition.key] = condition
        if self.result.certificate != (self.certificate_kind is not CertificateKind.NONE):
            raise ValueError("result.certificate 与 certificate_kind 不一致")
        if self.certificate is not None:
            _refuse_unfitting(self.certificate, self.result, [one.key for one in self.conditions])
        return self


def _refuse_unfitting(rule: CertificateRule, result: Result, conditions: list[str]) -> None:
    if _EFFECTS[rule.action] is not result.effect:
        raise ValueError(f"certificate.action 为 {rule.action.value} 时，result.effect 应为 {_EFFECTS[rule.action]}")
    if rule.action.makes_certificate != result.certificate:
        raise ValueError("certificate.action 与 result.certificate 不一致")
    if faults := rule.faults(conditions):
        raise ValueError(f"certificate.fields：{'；'.join(faults)}")


_EFFECTS = {
    CertificateAction.ISSUE: CertificateEffect.ISSUE,
    CertificateAction.CHANGE: CertificateEffect.CHANGE,
    CertificateAction.RENEW: CertificateEffect.RENEW,
    CertificateAction.REPLACE: CertificateEffect.REISSUE,
    CertificateAction.CANCEL: CertificateEffect.CANCEL,
}
"""The older word for each action, which a guide's ``result`` says too."""


def _refuse_impossible_answers(key: str, asked: Condition, values: tuple[bool | str, ...]) -> None:
    possible = asked.options if asked.kind is ConditionKind.CHOICE else (True, False)
    if asked.kind is ConditionKind.NUMBER or any(value not in possible for value in values):
        raise ValueError(f"{key} 的 applies_when 含有 {asked.key} 不可能的回答")


def _refuse_repeats(block: str, names: list[str]) -> None:
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{block} 重复：{'、'.join(repeated)}")
