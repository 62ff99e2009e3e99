"""A certificate states what the approver said, or what the guide and the former one say, and then tells the source."""

from datetime import date
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import Session

from models.case import Case, Verdict
from services.catalogue import reference
from services.certificates import content
from services.errors import InvalidInput
from tests.factories.certificates import ISSUED, approved, issued, ruled, submitted
from tests.factories.certificates import session as session


def settled(session: Session, case: Case, **given: Any) -> dict[str, Any]:
    """Return the content of an approval."""
    found = content.settle(session, case, Verdict.APPROVE.value, given or None)
    assert found is not None
    return found


def faults(session: Session, case: Case, given: Any) -> list[str]:
    """Return the fields for which the content of an approval is refused."""
    with pytest.raises(InvalidInput) as refused:
        content.settle(session, case, Verdict.APPROVE.value, given)
    return [one.field for one in refused.value.problems]


def test_the_guides_years_count_from_the_decision_and_the_note_tells_so(session: Session) -> None:
    found = settled(session, submitted(session, "W-25"))
    assert found["valid_until"] == "2031-03-01"
    assert found["validity_note"] == "（按办事指南有效期5年计算，示例，待市级单位核定）"
    assert found["fields"] == []


def test_a_leap_day_ends_on_the_last_of_february(session: Session) -> None:
    with freeze_time("2028-02-29T10:00:00+08:00"):
        assert settled(session, submitted(session, "W-25"))["valid_until"] == "2033-02-28"


def test_an_earlier_day_is_the_approvers_own_and_a_later_or_past_one_is_refused(session: Session) -> None:
    case = submitted(session, "W-25")
    found = settled(session, case, valid_until="2030-01-01")
    assert (found["valid_until"], found["validity_note"]) == ("2030-01-01", "")
    assert faults(session, case, {"valid_until": "2031-03-02"}) == ["values.certificate.valid_until"]
    assert faults(session, case, {"valid_until": "2026-03-01"}) == ["values.certificate.valid_until"]


def test_where_the_guide_says_nothing_the_approver_may(session: Session) -> None:
    case = submitted(session, "D-07")
    assert settled(session, case)["valid_until"] is None
    assert settled(session, case, valid_until="2099-01-01")["valid_until"] == "2099-01-01"


def test_a_change_and_a_replacement_keep_the_former_last_day(session: Session) -> None:
    certificate = issued(session, valid_until="2029-06-30")
    case = submitted(session, "W-28", certificate.number)
    found = settled(session, case)
    assert (found["valid_until"], found["validity_note"]) == ("2029-06-30", "（与原证照一致）")
    assert faults(session, case, {"valid_until": "2029-07-01"}) == ["values.certificate.valid_until"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ([], None),
        ("x", ""),
        ({"colour": "红"}, ".colour"),
        ({"valid_until": "tomorrow"}, ".valid_until"),
        ({"fields": {"colour": "红"}}, ".fields.colour"),
        ({"fields": {"place": 7}}, ".fields.place"),
        ({"fields": {"place": "长" * 501}}, ".fields.place"),
        ({"fields": {"area": "十"}}, ".fields.area"),
        ({"fields": {"area": True}}, ".fields.area"),
        ({"fields": {"felling_until": "春天"}}, ".fields.felling_until"),
    ],
)
def test_what_does_not_fit_the_guide_is_refused_by_field(session: Session, given: Any, field: str | None) -> None:
    case = submitted(session, "D-07")
    if field is None:
        assert content.settle(session, case, Verdict.APPROVE.value, given) is not None
    else:
        assert faults(session, case, given) == [f"values.certificate{field}"]


def test_a_required_field_must_be_said(session: Session) -> None:
    case = submitted(session, "D-07")
    place = {"key": "place", "label": "采伐地点", "kind": "text", "required": True}
    ruled(session, case, fields=[place])
    assert faults(session, case, None) == ["values.certificate.fields.place"]
    assert settled(session, case, fields={"place": "三号林班"})["fields"][0]["value"] == "三号林班"


def test_what_the_approver_leaves_out_comes_from_the_application_and_says_so(session: Session) -> None:
    case = submitted(session, "W-07", project="某矿")
    assert settled(session, case)["fields"] == [
        {"key": "mine", "label": "矿山名称", "value": "某矿", "unit": "", "source": "据申请的项目名称"}
    ]
    said = settled(session, case, fields={"mine": "某某矿", "area": 1.5})["fields"]
    assert [(one["value"], one["unit"], one["source"]) for one in said] == [("某某矿", "", ""), (1.5, "平方公里", "")]
    assert settled(session, case, fields={"mine": ""})["fields"] == []


def test_a_change_begins_with_what_the_former_certificate_states(session: Session) -> None:
    certificate = issued(session, fields={"premises": "一号", "scope": "Ⅲ类"})
    case = submitted(session, "W-28", certificate.number)
    assert content.form_data(session, case)["certificate"]["fields"] == {"premises": "一号", "scope": "Ⅲ类"}
    changed = approved(session, case, fields={"premises": "二号"})
    assert changed is not None
    assert changed.content["fields"] == [
        {"label": "经营场所", "value": "二号"},
        {"label": "经营范围", "value": "Ⅲ类（据原证照）"},
    ]


def test_only_an_approval_that_makes_a_certificate_states_anything(session: Session) -> None:
    case = submitted(session, "W-25")
    assert content.settle(session, case, "deny", {"fields": {"premises": "一号"}}) is None
    cancelling = submitted(session, "W-30", issued(session).number)
    assert content.settle(session, cancelling, Verdict.APPROVE.value, None) is None
    assert faults(session, cancelling, {"valid_until": "2030-01-01"}) == ["values.certificate"]
    assert content.form_components(session, cancelling) == []


def test_the_form_offers_the_declared_fields_with_the_last_day(session: Session) -> None:
    case = submitted(session, "W-25")
    (group,) = content.form_components(session, case)
    assert group["path"] == "certificate"
    assert "按办事指南有效期5年计算" in group["components"][0]["description"]
    assert [one["key"] for one in group["components"][1]["components"]] == [
        "premises", "warehouse", "scope", "manner", "person_in_charge",
    ]  # fmt: skip
    assert content.form_data(session, case) == {"certificate": {"valid_until": "2031-03-01", "fields": {}}}


def test_a_case_under_a_guide_from_before_yields_its_certificate_as_it_did(session: Session) -> None:
    case = submitted(session, "W-25")
    ruled(session, case)
    guide = reference.guide_version(session, case.item_code, case.guide_version)
    assert guide is not None
    del guide.body["certificate"]
    assert content.settle(session, case, Verdict.APPROVE.value, None) is None
    case.decision, case.decided_at = Verdict.APPROVE, ISSUED
    made = approved(session, case)
    assert made is not None
    assert (made.valid_until, made.replaces) == (None, None)
    assert date.fromisoformat("2026-03-02") == made.issued_at.date()
