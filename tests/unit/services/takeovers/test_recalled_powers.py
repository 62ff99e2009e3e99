"""What follows from a recalled power: the list, the guide's page, who is responsible, told and pushed to."""

from datetime import date, timedelta

from sqlmodel import Session

from models.case import CaseState, Verdict
from models.catalogue import Mode
from models.in_flight import InFlight
from models.policy import PolicyLevel
from models.working_calendar import china_date
from services.catalogue import in_force
from services.clock import product_now
from services.notifications import inbox
from services.supervision import policy_notices, pushes
from services.takeovers import recalls
from tests.factories.powers import actor, add_case
from tests.factories.powers import session as session


def recall(session: Session, item: str, area: str, *, in_days: int = 0) -> date:
    """Decide to recall a power from a day on and return the day."""
    day = china_date(product_now(session)) + timedelta(days=in_days)
    recalls.decide(
        session,
        actor("city.coordinator"),
        item=item,
        area=area,
        reason="整改",
        effective_on=day,
        in_flight=InFlight.TRANSFER,
    )
    return day


def listed(session: Session, code: str, on: date) -> in_force.ItemView:
    """Return an item as the list has it on a day."""
    return next(one for one in in_force.list_items(session, on=on) if one.code == code)


def test_a_recall_leaves_the_printed_territory_and_its_locks_alone(session: Session) -> None:
    today = china_date(product_now(session))
    before = listed(session, "S-22", today)
    day = recall(session, "S-22", "xingguo", in_days=3)
    assert listed(session, "S-22", day - timedelta(days=1)) == before
    after = listed(session, "S-22", day)
    assert after.areas == before.areas
    assert after.locked_areas == before.locked_areas
    assert "xingguo" in after.locked_areas
    assert after.recalled_areas == ["xingguo"]


def test_an_areas_list_leaves_out_what_is_recalled_from_it_on_the_day(session: Session) -> None:
    day = recall(session, "D-01", "xingguo", in_days=3)

    def codes(area: str, on: date) -> set[str]:
        return {one.code for one in in_force.list_items(session, on=on, area=area)}

    assert "D-01" in codes("xingguo", day - timedelta(days=1))
    assert "D-01" not in codes("xingguo", day)
    assert "D-01" in codes("ganxian", day)


def test_the_city_unit_does_all_of_a_recalled_item_and_the_county_follows_up(session: Session) -> None:
    day = recall(session, "D-01", "xingguo", in_days=3)
    assert in_force.responsibility(session, "D-01", "xingguo", day - timedelta(days=1)).decides == "xingguo.approver"
    view = in_force.responsibility(session, "D-01", "xingguo", day)
    assert view.recalled
    assert (view.accepts, view.reviews) == ("city.jtys.reviewer", "city.jtys.reviewer")
    assert (view.decides, view.answers) == ("city.jtys.approver", "city.jtys.approver")
    assert (view.supervises, view.follows_up) == ("city.jtys.supervisor", "xingguo.supervisor")
    assert view.review_unit_name == view.decision_unit_name == view.supervisor_name == "市交通运输局"
    elsewhere = in_force.responsibility(session, "D-01", "ganxian", day)
    assert (elsewhere.recalled, elsewhere.decides) == (False, "ganxian.approver"), "the next county keeps its power"


def test_nobody_in_the_county_reviews_or_forwards_a_recalled_substantive_item(session: Session) -> None:
    named = in_force.responsibility(session, "S-24", "zhanggong").supervises
    view = in_force.responsibility(session, "S-24", "zhanggong", recall(session, "S-24", "zhanggong"))
    assert (view.forwards, view.answers_for_review) == (None, None)
    assert view.reviews == "city.xzsp.reviewer"
    assert view.supervises == named


def test_policy_goes_to_the_city_unit_in_place_of_a_county_without_the_power(session: Session) -> None:
    day = recall(session, "D-01", "xingguo")
    told = policy_notices.issue(
        session,
        actor("city.jtys.supervisor"),
        title="招标文件备案新规",
        level=PolicyLevel.CITY,
        published_on=day,
        items=["D-01"],
    )
    groups = {one.group for one in told.recipients}
    assert "city.jtys.approver" in groups
    assert "ganxian.approver" in groups
    assert "xingguo.approver" not in groups
    county = policy_notices.issue(
        session,
        actor("xingguo.supervisor"),
        title="县级告知",
        level=PolicyLevel.CITY,
        published_on=day,
        items=["D-01"],
    )
    assert [one.group for one in county.recipients] == ["city.jtys.approver"]


def test_a_case_the_city_took_over_is_pushed_to_the_citys_supervisor_and_followed_up_in_the_county(
    session: Session,
) -> None:
    now = product_now(session)
    closed = {"state": CaseState.CLOSED_APPROVED, "is_open": False, "decision": Verdict.APPROVE, "closed_at": now}
    taken = add_case(session, 1, **closed, taken_over_at=now)
    kept = add_case(session, 2, **closed)

    def pushed_to(case_no: str) -> set[tuple[str, str]]:
        return {(one.recipient, one.role.value) for one in pushes.of_case(session, case_no)}

    pushed = pushes.push(session, taken)
    pushes.push(session, kept)
    assert pushed_to(taken.case_no) == {("city.jtys.supervisor", "responsible"), ("xingguo.supervisor", "follow_up")}
    assert {one.approver_group for one in pushed} == {"city.jtys.approver"}
    assert pushed_to(kept.case_no) == {("xingguo.supervisor", "responsible")}
    assert "city.jtys.supervisor" in inbox.supervising_groups(session, taken)
    assert taken.mode is Mode.DIRECT
