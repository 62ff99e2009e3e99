"""The form check (形式审查): what a submission lacks against the guide, shown to the clerk and never decided here."""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import insert
from sqlmodel import Session, select

from catalog_data.conditions import ConditionStatus, assess
from catalog_data.guide import Guide
from catalog_data.guide import Material as RequiredMaterial
from models.case import Applicant, Case, FormCheckFinding, Material, MaterialKind
from models.catalogue import ItemVersion, Mode
from models.identity import identity_error
from models.working_calendar import china_date
from services.catalogue import reference
from services.clock import product_now
from services.errors import Conflict, FieldProblem, NotFound
from services.powers import agreements
from services.supervision import push_feedback

ACCEPTABLE_KINDS = {
    "original": frozenset({"original"}),
    "copy": frozenset({"copy", "original"}),
    "electronic": frozenset({"electronic"}),
}
"""Where a copy is required the original will do; no other kind replaces another."""


class Rule(StrEnum):
    """What a finding is about."""

    MATERIAL = "material"
    EXTRA = "extra"
    IDENTITY = "identity"
    TERRITORY = "territory"
    DATE = "date"
    CONDITION = "condition"
    RESTRICTION = "restriction"


APPLICANTS = frozenset({Rule.MATERIAL, Rule.IDENTITY, Rule.CONDITION})
"""Rules about what the applicant handed in."""


class FormCheckUnmet(Conflict):
    """The case may not be accepted as it stands: required materials are missing or conditions are unmet."""

    code, title = "form_check_unmet", "形式审查未通过，不能直接受理"
    title_en = "The form check is not passed"

    def __init__(self, failing: Sequence[FormCheckFinding]) -> None:
        super().__init__(
            "；".join(one.message for one in failing)
            + "。容缺受理的请填写承诺补齐日期；仍要受理的请写明理由（印在受理通知书上）"
        )
        self.problems = [FieldProblem(_FIELDS[Rule(one.rule)], one.message) for one in failing]


_FIELDS = {Rule.MATERIAL: "materials", Rule.CONDITION: "conditions"}
"""What binds the window, and the field of the submission it is about; the rest is for the clerk to weigh."""


class Finding(NamedTuple):
    """What one rule found about one subject."""

    rule: Rule
    subject: str
    passed: bool
    message: str


def run(session: Session, case: Case, supply_round: int) -> list[Finding]:
    """Check the case as it stands after ``supply_round`` and record the findings once."""
    recorded = findings(session, case.case_no, supply_round)
    if recorded:
        return [Finding(Rule(one.rule), one.subject, one.passed, one.message) for one in recorded]
    item, guide = _in_force_then(session, case)
    materials = session.exec(select(Material).where(Material.case_no == case.case_no)).all()
    applicant = session.get(Applicant, case.case_no)
    if applicant is None:
        raise NotFound()
    today = china_date(case.received_at)
    area = reference.area(session, case.area)
    found = [
        *_material_findings(guide.materials, materials),
        _identity_finding(applicant, today),
        _territory_finding(item, case.area, area.name if area else case.area),
        _date_finding(session, item, case, today),
        *_condition_findings(guide, case),
        *_restriction_findings(session, case),
    ]
    session.flush()
    session.connection().execute(
        insert(FormCheckFinding),
        [
            {
                "case_no": case.case_no,
                "round": supply_round,
                "rule": one.rule.value,
                "subject": one.subject[:200],
                "passed": one.passed,
                "message": one.message,
            }
            for one in found
        ],
    )
    return found


def findings(session: Session, case_no: str, supply_round: int | None = None) -> list[FormCheckFinding]:
    """Return the recorded findings of one round, or of all."""
    query = select(FormCheckFinding).where(FormCheckFinding.case_no == case_no)
    if supply_round is not None:
        query = query.where(FormCheckFinding.round == supply_round)
    return list(session.exec(query.order_by("round", "id")).all())


def failing_now(session: Session, case_no: str) -> list[FormCheckFinding]:
    """Return what the latest check found that the applicant can correct: what a supplement has corrected is left out.

    The item's areas, its date in force and restrictions are for the window to weigh: the applicant cannot supply them.
    """
    found = findings(session, case_no)
    latest = max((one.round for one in found), default=0)
    return [one for one in found if one.round == latest and not one.passed and one.rule in APPLICANTS]


def missing_now(session: Session, case_no: str) -> list[str]:
    """Return what the latest check found missing, in words."""
    return [one.message for one in failing_now(session, case_no)]


def unmet_now(session: Session, case_no: str) -> list[FormCheckFinding]:
    """Return what binds the window of what the latest check found: required materials and conditions."""
    return [one for one in failing_now(session, case_no) if one.rule in _FIELDS]


def wanted_materials(session: Session, case: Case) -> list[str]:
    """Return the names of the materials that the case's guide lists."""
    _, guide = _in_force_then(session, case)
    return [one.name for one in guide.materials]


def missing_materials(session: Session, case: Case) -> list[str]:
    """Return which materials the case lacks against its guide as it stands, recording nothing."""
    _, guide = _in_force_then(session, case)
    given = session.exec(select(Material).where(Material.case_no == case.case_no)).all()
    return [message for _, _, passed, message in _material_findings(guide.materials, given) if not passed]


def _in_force_then(session: Session, case: Case) -> tuple[ItemVersion, Guide]:
    item = session.exec(
        select(ItemVersion).where(ItemVersion.code == case.item_code, ItemVersion.version == case.item_version)
    ).first()
    guide = reference.guide(session, case.item_code, case.guide_version)
    if item is None or guide is None:
        raise NotFound()
    return item, guide


def _material_findings(wanted: Sequence[RequiredMaterial], given: Sequence[Material]) -> Iterable[Finding]:
    latest = {one.name: one for one in sorted(given, key=lambda one: (one.round, one.position))}
    for want in wanted:
        have = latest.pop(want.name, None)
        yield Finding(Rule.MATERIAL, want.name, *_material_state(want, have))
    for name in latest:
        yield Finding(Rule.EXTRA, name, True, f"“{name}”不在办事指南清单内，供参考")


def _material_state(want: RequiredMaterial, have: Material | None) -> tuple[bool, str]:
    if have is None or not have.present:
        if not want.required:
            return True, f"“{want.name}”未提交（非必需）"
        return False, f"缺少“{want.name}”（{MaterialKind(want.kind).label}{want.copies}份）"
    if have.copies < want.copies:
        return False, f"“{want.name}”应提交{want.copies}份，实交{have.copies}份"
    if have.kind not in ACCEPTABLE_KINDS[want.kind]:
        return False, f"“{want.name}”应为{MaterialKind(want.kind).label}，实为{have.kind.label}"
    return True, f"“{want.name}”齐全（{have.kind.label}{have.copies}份）"


def _identity_finding(applicant: Applicant, today: date) -> Finding:
    fault = identity_error(applicant.id_type, applicant.id_number, today)
    return Finding(Rule.IDENTITY, "申请人证件号码", fault is None, fault or "证件号码校验通过")


def _territory_finding(item: ItemVersion, area: str, area_name: str) -> Finding:
    allowed = area in item.areas
    return Finding(Rule.TERRITORY, area_name, allowed, f"{area_name}{'可以' if allowed else '不能'}承接本事项")


def _date_finding(session: Session, item: ItemVersion, case: Case, today: date) -> Finding:
    if item.mode is Mode.SUBSTANTIVE:
        covered = agreements.covers(session, case.area, item.code, today)
        return Finding(Rule.DATE, "承接协议", covered, "承接协议已生效" if covered else "承接协议未生效")
    since = item.in_force_from
    text = f"本事项自{since}起实施" if since else "本事项已实施"
    return Finding(Rule.DATE, "实施日期", item.in_force(today), text)


def _condition_findings(guide: Guide, case: Case) -> Iterable[Finding]:
    for result in assess(guide.conditions, case.conditions):
        if result.status is not ConditionStatus.NOT_APPLICABLE:
            passed = result.status is ConditionStatus.MET
            message = "符合" if passed else result.message
            colon = "" if result.question.endswith(("？", "?")) else "："
            yield Finding(Rule.CONDITION, result.question, passed, f"{result.question}{colon}{message}")


def _restriction_findings(session: Session, case: Case) -> Iterable[Finding]:
    """Yield every restriction that supervision has put on the applicant and not lifted (审管双回路)."""
    for one in push_feedback.restrictions(session, case.applicant_digest, product_now(session)):
        message = f"监管部门于{china_date(one.given_at)}对申请人作出限制：{one.text}"
        yield Finding(Rule.RESTRICTION, f"监管限制 {one.id}", False, message)
