"""What a recall does to an answer given at that very moment, and to cases that did not come to the city."""

from datetime import date, timedelta
from itertools import count

import pytest
from sqlmodel import Session, col, select

from bridge import handovers, reconciler
from models.audit import AuditEntry
from models.case import Case, CaseState
from models.document import DocumentKind
from models.engine_state import ProcessInstance
from models.in_flight import Disposition, InFlight
from models.outbox import OutboxCommand, OutboxStatus
from models.protocol import START_TTL_MS
from models.recall import RecallCase
from models.task import Task
from models.task_outcome import TaskOutcome, TaskOutcomeStatus
from models.working_calendar import end_of_day
from services.clock import machine_now, product_now
from services.documents import issuance
from services.journal import audit
from services.process_engine.timers import instant_text
from services.takeovers import handover, recalls
from services.tasks import access, completion
from services.tasks.views import TaskCompletion
from tests.databases import Databases, new
from tests.factories.bridge_records import fake_hooks
from tests.factories.powers import actor, add_case
from tests.factories.powers import session as session

keys = count(100)
GRACE = reconciler.QUIET_GRACE


def received(session: Session, number: int = 1) -> Case:
    """Return a case nobody has accepted yet."""
    return add_case(session, number, state=CaseState.RECEIVED, accepted_at=None, process_instance_key=number)


def answer(session: Session, case: Case, element: str, outcome: str) -> None:
    """Record an answer whose job has not carried it out."""
    session.add(
        TaskOutcome(
            task_key=next(keys),
            case_no=case.case_no,
            process_id="acceptance",
            element_id=element,
            task_name="任务",
            account="xingguo.window",
            outcome=outcome,
            status=TaskOutcomeStatus.RECORDED,
            decided_at=product_now(session),
        )
    )
    session.flush()


def recall(session: Session, in_flight: InFlight = InFlight.TRANSFER) -> dict[str, Disposition]:
    """Recall D-01 from xingguo at once and return what became of its cases."""
    shown = recalls.decide(
        session,
        actor("city.coordinator"),
        item="D-01",
        area="xingguo",
        reason="整改",
        effective_on=None,
        in_flight=in_flight,
    )
    return {one.case_no: one.disposition for one in shown.cases}


def left_after_an_earlier_recall(session: Session) -> Case:
    """Return a case the county was to finish under an earlier recall, that came back from the city under this one."""
    case = received(session)
    recall(session, InFlight.FINISH)
    recalls.restore(session, actor("city.coordinator"), 1, "恢复")
    case.level = 1
    session.flush()
    assert recall(session) == {case.case_no: Disposition.WITH_CITY}
    case.level = 0
    session.flush()
    return case


def handed_over(session: Session) -> list[str]:
    """Return the ids of the messages that hand cases over, oldest first."""
    rows = session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id))).all()
    return [one.payload["message_id"] for one in rows if one.payload.get("name") == "case-recalled"]


@pytest.mark.parametrize(
    ("element", "outcome", "disposition"),
    [
        ("Task_DecideAcceptance", "refuse", Disposition.FINISH),
        ("Task_DecideAcceptance", "not_needed", Disposition.FINISH),
        ("Task_CountyDecide", "approve", Disposition.FINISH),
        ("Task_CountyDecide", "deny", Disposition.FINISH),
        ("Task_SignDossier", "forward", Disposition.WITH_CITY),
        ("Task_SignDossier", "return", Disposition.TRANSFER),
        ("Task_DecideAcceptance", "accept", Disposition.TRANSFER),
        ("Task_CountyReview", "agree", Disposition.TRANSFER),
    ],
)
def test_an_answer_given_before_the_recall_says_where_the_case_goes(
    session: Session, element: str, outcome: str, disposition: Disposition
) -> None:
    case = received(session)
    answer(session, case, element, outcome)
    assert recall(session) == {case.case_no: disposition}
    assert case.level == (1 if disposition is Disposition.TRANSFER else 0)


@pytest.mark.parametrize("outcome", ["accept", "correct"])
def test_an_acceptance_answered_and_not_yet_carried_out_is_carried_out_by_the_citys_process(
    session: Session, outcome: str
) -> None:
    case = received(session)
    answer(session, case, "Task_DecideAcceptance", outcome)
    recall(session)
    told = handover.take_over(session, case.case_no)
    assert (told["accepted"], told["acceptanceStage"]) == (False, f"answered-{outcome}")


def test_the_applicant_is_told_once_who_goes_on_with_the_case(session: Session) -> None:
    case = received(session)
    assert recall(session) == {case.case_no: Disposition.TRANSFER}
    assert issuance.of_case(session, case.case_no) == [], "nobody in the city has the case yet"
    for _ in range(2):
        handover.take_over(session, case.case_no)
    (notice,) = issuance.of_case(session, case.case_no)
    assert (notice.kind, notice.issued_at) == (DocumentKind.HANDOVER, case.taken_over_at)
    assert notice.body["signatory"] == "赣州市交通运输局"
    told = str(notice.body["blocks"])
    assert "由兴国县交通运输局移送赣州市交通运输局接续办理" in told
    assert "向赣州市人民政府申请行政复议" in told


def test_what_was_carried_out_before_is_not_done_again(session: Session) -> None:
    corrected, accepted, fresh = received(session, 1), received(session, 2), received(session, 3)
    answer(session, corrected, "Task_DecideAcceptance", "correct")
    corrected.correction_requested_at, corrected.state = product_now(session), CaseState.CORRECTION_OPEN
    answer(session, accepted, "Task_DecideAcceptance", "accept")
    accepted.accepted_at = product_now(session)
    session.flush()
    recall(session)
    stages = [handover.take_over(session, one.case_no) for one in (corrected, accepted, fresh)]
    assert [(one["accepted"], one["acceptanceStage"]) for one in stages] == [
        (False, "correction"),
        (True, "received"),
        (False, "received"),
    ]


def test_an_answer_after_a_supplement_counts_before_the_first_one(session: Session) -> None:
    case = received(session)
    answer(session, case, "Task_DecideAcceptance", "correct")
    case.correction_requested_at = case.supplemented_at = product_now(session)
    answer(session, case, "Task_DecideAfterCorrection", "accept")
    recall(session)
    assert handover.take_over(session, case.case_no)["acceptanceStage"] == "answered-accept"


def test_an_answer_that_comes_after_the_recall_is_refused_with_its_reason(session: Session) -> None:
    case = received(session)
    task = Task(
        key=7,
        case_no=case.case_no,
        process_id="acceptance",
        process_instance_key=1,
        element_id="Task_DecideAcceptance",
        element_instance_key=1,
        name="决定是否受理",
        candidate_groups=["xingguo.window"],
        created_at=product_now(session),
    )
    session.add(task)
    session.flush()
    recall(session)
    late = TaskCompletion(outcome="accept", opinion="", values={})
    with pytest.raises(access.TaskClosed, match="已移交市级单位"):
        completion.complete(session, actor("xingguo.window"), 7, late)
    assert session.exec(select(TaskOutcome)).all() == []


def test_a_case_left_with_the_county_is_handed_over_once(session: Session) -> None:
    recall(session)
    late = received(session)
    [(number, case_no)] = handover.left_behind(session, 10)
    assert case_no == late.case_no
    assert handovers.hand_over(session, [(number, case_no)]) == 1
    assert handovers.hand_over(session, [(number, case_no)]) == 0
    assert handover.left_behind(session, 10) == []
    assert handed_over(session) == [f"{late.case_no}:recalled"]
    row = session.exec(select(RecallCase).where(RecallCase.case_no == late.case_no)).one()
    assert (row.disposition, late.level) == (Disposition.TRANSFER, 1)


def test_a_case_that_was_to_be_finished_under_an_earlier_recall_is_handed_over_under_the_next(session: Session) -> None:
    case = left_after_an_earlier_recall(session)
    assert handover.left_behind(session, 10) == [(2, case.case_no)]
    assert handover.hand_over_left_behind(session, 2, case.case_no)
    rows = session.exec(select(RecallCase).order_by(col(RecallCase.recall_id))).all()
    assert [(one.recall_id, one.disposition) for one in rows] == [(1, Disposition.FINISH), (2, Disposition.TRANSFER)]


@pytest.mark.parametrize("ends", ["restored", "closed", "taken_over"])
def test_a_case_found_left_behind_stays_when_that_has_changed_before_it_is_handed_over(
    session: Session, ends: str
) -> None:
    recall(session)
    case = received(session)
    [(number, case_no)] = handover.left_behind(session, 10)
    if ends == "restored":
        recalls.restore(session, actor("city.coordinator"), number, "恢复")
    elif ends == "closed":
        case.is_open = False
    else:
        case.taken_over_at = product_now(session)
    session.flush()
    assert not handover.hand_over_left_behind(session, number, case_no)
    assert (case.level, handed_over(session)) == (0, [])


def test_the_engine_hears_whose_case_is_handed_over_and_the_auditor_by_which_recall(session: Session) -> None:
    case = received(session)
    recall(session)
    [message] = session.exec(select(OutboxCommand).where(OutboxCommand.stream == case.case_no)).all()
    assert (message.payload["name"], message.payload["correlation_key"]) == ("case-recalled", case.case_no)
    audit.write_now(session)
    entry = session.exec(select(AuditEntry).where(AuditEntry.action == "case.transfer")).one()
    assert (entry.actor, entry.subject, entry.detail) == ("city.coordinator", case.case_no, {"recall": 1})


def test_the_citys_process_waits_for_a_correction_for_as_long_as_the_countys_would_have(session: Session) -> None:
    case = received(session)
    case.state, case.correction_requested_at = CaseState.CORRECTION_OPEN, product_now(session)
    case.deadlines.supplement_due_at = end_of_day(date(2026, 11, 9))
    recall(session)
    told = handover.take_over(session, case.case_no)
    assert told["supplementDueAt"] == instant_text(end_of_day(date(2026, 11, 9)))


def test_what_the_county_is_to_finish_is_not_left_behind(session: Session) -> None:
    received(session)
    recall(session, InFlight.FINISH)
    assert handover.left_behind(session, 10) == []


def test_a_decided_case_and_a_restored_power_are_not_left_behind(session: Session) -> None:
    decided = received(session, 1)
    answer(session, decided, "Task_CountyDecide", "approve")
    recall(session)
    assert handover.left_behind(session, 10) == []
    received(session, 2)
    assert len(handover.left_behind(session, 10)) == 1
    recalls.restore(session, actor("city.coordinator"), 1, "恢复")
    assert handover.left_behind(session, 10) == []


def sent_ago(session: Session, pause: timedelta) -> None:
    for row in session.exec(select(OutboxCommand)).all():
        row.status, row.sent_at = OutboxStatus.SENT, machine_now() - pause
        session.add(row)
    session.flush()


def test_a_handover_the_engine_lost_is_asked_for_again_with_growing_pauses(session: Session) -> None:
    case = received(session)
    recall(session)
    now = machine_now()

    def lost() -> list[tuple[str, int]]:
        return handovers.lost(session, handovers.not_taken_over(session, 10), now, GRACE)

    assert lost() == []
    sent_ago(session, GRACE + timedelta(seconds=5))
    assert lost() == [(case.case_no, 1)]
    assert handovers.repeat(session, lost()) == 1
    assert handed_over(session) == [f"{case.case_no}:recalled", f"{case.case_no}:recalled:1"]
    again = session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id).desc())).first()
    assert again is not None
    assert again.payload["time_to_live_ms"] == START_TTL_MS
    assert lost() == []
    sent_ago(session, GRACE + timedelta(seconds=5))
    assert lost() == []
    sent_ago(session, 2 * GRACE + timedelta(seconds=5))
    assert lost() == [(case.case_no, 2)]
    session.add(ProcessInstance(key=77, case_no=case.case_no, process_id="city-takeover"))
    session.flush()
    assert handovers.not_taken_over(session, 10) == []


def test_the_reconciler_tells_of_what_it_put_right(databases: Databases) -> None:
    with new(databases, seeded=True) as database:
        with database.transaction() as opened:
            recall(opened)
            received(opened)
        found = reconciler.reconcile(database, fake_hooks())
        assert (found.handed_over, found.not_taken_over) == (1, 1)
        again = reconciler.reconcile(database, fake_hooks())
        assert (again.handed_over, again.repeated, again.not_taken_over) == (0, 0, 1)
