"""Facts of made-up cases for the tests of the papers."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from models.case_clock import LimitUnit
from models.catalogue import Area, AreaKind, Mode, PowerKind
from models.database import CHINA
from papers.facts import ApplicantFact, CaseFacts, LimitFact, MaterialFact
from papers.paper import PENDING
from services.documents import issuers
from tests.factories.cases import build_case

RECEIVED = datetime(2026, 9, 21, 9, 30, tzinfo=CHINA)
ACCEPTED = datetime(2026, 9, 22, 15, 5, tzinfo=CHINA)
DECIDED = datetime(2026, 10, 16, 11, 0, tzinfo=CHINA)


def facts(**changes: Any) -> CaseFacts:
    """Return the facts of an accepted licence case of the substantive mode, changed as asked; issuers by the table."""
    changed = replace(_FACTS, **changes)
    if "issuers" in changes:
        return changed
    case = build_case(
        case_no=changed.case_no,
        area="xingguo",
        mode=changed.mode,
        received_at=changed.received_at,
        taken_over_at=changed.recalled_at,
    )
    table = issuers.of_case(case, XINGGUO, None, changed.county_organ, changed.city_organ, "")
    return replace(changed, issuers=table)


XINGGUO = Area(code="xingguo", name="兴国县", kind=AreaKind.COUNTY, division_code="360732", position=14)
_FACTS = CaseFacts(
    case_no="3607322026092100012",
    query_code="7KQM2XWA",
    item_code="S-28",
    item_name="燃气经营许可证核发（变更）",
    item_main="燃气经营许可证核发",
    power_kind=PowerKind.LICENSE,
    power_type="行政许可",
    mode=Mode.SUBSTANTIVE,
    recalled_at=None,
    project="兴国县城南片区管道燃气供应工程",
    applicant=ApplicantFact("兴国县润和燃气有限公司", "统一社会信用代码", "91360732MA35F0T65X", "139****1234"),
    area="兴国县",
    window="兴国县“市县同权”综合受理窗口",
    county_organ="兴国县行政审批局",
    city_organ="赣州市行政审批局",
    issuers={},
    basis=PENDING,
    fees=PENDING,
    result_name="燃气经营许可证（变更）",
    received_at=RECEIVED,
    accepted_at=ACCEPTED,
    deemed_accepted=False,
    owed="",
    owed_until=None,
    by_commitment=False,
    limits=LimitFact(
        unit=LimitUnit.WORKING_DAY,
        handling="承诺件",
        statutory=20,
        promised=7,
        due=date(2026, 10, 28),
        promised_due=date(2026, 10, 9),
        provisional=False,
        promised_provisional=False,
        assumed=True,
    ),
    materials=(
        MaterialFact("燃气经营许可变更申请表", 1, "原件", True, False),
        MaterialFact("营业执照（变更后）", 1, "复印件", True, False),
        MaterialFact(
            "企业主要负责人、安全生产管理人员以及运行、维护和抢修人员的专业培训考核合格证明", 2, "复印件", True, False
        ),
        MaterialFact("燃气经营许可证正本、副本", 1, "原件", False, False),
        MaterialFact("授权委托书及受托人身份证件", 1, "电子件", True, True),
    ),
    receiver="兴国县窗口受理员",
    sample=True,
)
