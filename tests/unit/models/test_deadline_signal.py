"""What a case's dates make happen: pure, from the dates written on the case."""

from datetime import date, datetime, timedelta

from models.case import Case, CaseState, Verdict
from models.catalogue import Mode
from models.database import CHINA
from models.deadline_signal import DeadlineSignal, SignalKind, signals_of
from models.working_calendar import end_of_day, start_of_day
from tests.factories.cases import build_case

SECOND = timedelta(seconds=1)


def at(month: int, day: int) -> datetime:
    return end_of_day(date(2026, month, day))


def case(**changes: object) -> Case:
    """Return an accepted case of 20 days with a promise of 10."""
    fields: dict[str, object] = {
        "case_no": "C1",
        "mode": Mode.DIRECT,
        "state": CaseState.IN_DEPARTMENT,
        "received_at": datetime(2026, 9, 21, 9, tzinfo=CHINA),
        "accepted_at": datetime(2026, 9, 21, 10, tzinfo=CHINA),
        "due_at": at(10, 26),
        "warn_at": start_of_day(date(2026, 10, 15)),
        "promised_due_at": at(10, 12),
    }
    return build_case(**{**fields, **changes})


def kinds(one: Case) -> dict[SignalKind, datetime]:
    return {signal.kind: signal.at for signal in signals_of(one)}


def test_a_case_turns_yellow_breaks_its_promise_and_is_overdue() -> None:
    assert kinds(case()) == {
        SignalKind.YELLOW: start_of_day(date(2026, 10, 15)),
        SignalKind.PROMISE_BROKEN: at(10, 12) + SECOND,
        SignalKind.OVERDUE: at(10, 26) + SECOND,
    }


def test_a_promise_as_long_as_the_limit_is_broken_with_it_and_not_told_twice() -> None:
    assert SignalKind.PROMISE_BROKEN not in kinds(case(promised_due_at=at(10, 26)))


def test_a_share_comes_due_beside_the_limit_and_the_promise_not_instead() -> None:
    whole = set(kinds(case()))
    reviewed, decided = at(10, 9), at(10, 20)
    substantive = {"mode": Mode.SUBSTANTIVE, "level": 0, "review_due_at": reviewed}
    late = start_of_day(date(2026, 10, 12))
    assert set(signals_of(case(**substantive, review_overrun_at=late, forwarding_late_at=late))) >= {
        DeadlineSignal(SignalKind.REVIEW_OVERDUE, late, reviewed),
        DeadlineSignal(SignalKind.FORWARDING_LATE, late, late),
    }
    with_review = kinds(case(**substantive, review_overrun_at=late))
    assert set(with_review) == whole | {SignalKind.REVIEW_OVERDUE}
    forwarded = case(mode=Mode.SUBSTANTIVE, decision_overrun_at=decided + SECOND, decision_due_at=decided)
    assert set(kinds(forwarded)) == whole | {SignalKind.DECISION_OVERDUE}


def test_a_review_with_a_stage_of_its_own_is_overdue_after_its_last_second() -> None:
    overrun = at(10, 12) + SECOND
    found = signals_of(case(review_overrun_at=overrun))
    assert DeadlineSignal(SignalKind.REVIEW_OVERDUE, overrun, at(10, 12)) in found
    assert {one.kind for one in found} == {*kinds(case()), SignalKind.REVIEW_OVERDUE}


def test_what_was_tolerated_is_reminded_of_the_day_before_and_overdue_after_its_end() -> None:
    until = at(10, 9)
    found = [one for one in signals_of(case(tolerated_until=until)) if one.kind.value.startswith("tolerance")]
    assert found == [
        DeadlineSignal(SignalKind.TOLERANCE_WARNING, at(10, 8), until),
        DeadlineSignal(SignalKind.TOLERANCE_OVERDUE, until + SECOND, until),
    ]
    assert SignalKind.OVERDUE in kinds(case(tolerated_until=until))


def test_a_date_that_is_not_there_signals_nothing() -> None:
    assert signals_of(case(due_at=None, warn_at=None, promised_due_at=None)) == []
    assert kinds(case(warn_at=None)).keys() == {SignalKind.PROMISE_BROKEN, SignalKind.OVERDUE}
    assert signals_of(case(accepted_at=None, state=CaseState.CORRECTION_OPEN)) == []


def test_nothing_is_signalled_during_a_special_procedure() -> None:
    assert signals_of(case(state=CaseState.SPECIAL_OPEN)) == []


def test_nothing_is_signalled_in_a_closed_case() -> None:
    assert signals_of(case(is_open=False)) == []


def test_after_the_decision_only_its_delivery_is_owed() -> None:
    decided = case(decided_at=datetime(2026, 9, 25, tzinfo=CHINA), decision=Verdict.APPROVE, delivery_due_at=at(10, 15))
    assert kinds(decided) == {SignalKind.DELIVERY_OVERDUE: at(10, 15) + SECOND}


def test_the_receipt_limit_warns_and_ends_with_its_last_second() -> None:
    received = case(
        state=CaseState.RECEIVED,
        accepted_at=None,
        acceptance_due_at=at(9, 29),
        acceptance_warn_at=start_of_day(date(2026, 9, 28)),
    )
    assert kinds(received) == {
        SignalKind.ACCEPTANCE_WARNING: start_of_day(date(2026, 9, 28)),
        SignalKind.ACCEPTANCE_OVERDUE: at(9, 29),
    }


def test_while_a_correction_is_open_only_the_supplement_is_awaited() -> None:
    waiting = case(
        state=CaseState.CORRECTION_OPEN,
        accepted_at=None,
        acceptance_due_at=at(9, 29),
        supplement_due_at=at(11, 6),
    )
    assert kinds(waiting) == {SignalKind.SUPPLEMENT_OVERDUE: at(11, 6)}


def test_the_county_may_be_late_with_its_review_and_its_dossier() -> None:
    shares = {
        "mode": Mode.SUBSTANTIVE,
        "review_due_at": at(10, 12),
        "review_overrun_at": at(10, 12) + SECOND,
        "forwarding_late_at": start_of_day(date(2026, 10, 9)),
    }
    assert {SignalKind.REVIEW_OVERDUE, SignalKind.FORWARDING_LATE} <= set(kinds(case(**shares)))
    forwarded = kinds(case(**shares, level=1))
    assert not {SignalKind.REVIEW_OVERDUE, SignalKind.FORWARDING_LATE} & set(forwarded)
    with_the_city = case(**shares, level=1, decision_due_at=at(10, 20), decision_overrun_at=at(10, 20) + SECOND)
    assert kinds(with_the_city)[SignalKind.DECISION_OVERDUE] == at(10, 20) + SECOND


def test_what_was_tolerated_is_awaited_until_it_comes() -> None:
    waiting = case(tolerated_until=at(9, 30))
    assert kinds(waiting)[SignalKind.TOLERANCE_OVERDUE] == at(9, 30) + SECOND
    supplied = case(tolerated_until=at(9, 30), tolerated_supplied_at=at(9, 25))
    assert SignalKind.TOLERANCE_OVERDUE not in kinds(supplied)


def test_a_signal_is_made_once_by_its_kind_and_day() -> None:
    keys = [signal.natural_key for signal in signals_of(case())]
    assert "deadline.overdue:2026-10-26" in keys
    assert len(keys) == len(set(keys))


def test_what_was_promised_is_due_during_a_special_procedure_too() -> None:
    paused = case(state=CaseState.SPECIAL_OPEN, tolerated_until=at(9, 30))
    assert set(kinds(paused)) == {SignalKind.TOLERANCE_WARNING, SignalKind.TOLERANCE_OVERDUE}


def test_a_pause_that_moves_the_due_day_gives_no_second_warning() -> None:
    def yellow(one: Case) -> str:
        return next(signal.natural_key for signal in signals_of(one) if signal.kind is SignalKind.YELLOW)

    assert yellow(case()) == yellow(case(due_at=at(11, 20)))
    assert yellow(case()) != yellow(case(warn_at=start_of_day(date(2026, 10, 20))))
