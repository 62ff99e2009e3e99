"""What the clocks of cases are computed from, gathered for one case or for many at once."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from models.case import Case
from models.case_clock import Pause
from models.catalogue import Mode
from models.dossier import TransferDossier
from models.special_procedure import Extension, SpecialProcedure
from models.working_calendar import WorkingCalendar, china_date
from services.deadlines.working_calendar import calendar_of


@dataclass(frozen=True)
class ClockInputs:
    """What a case's clock is computed from, apart from the case itself."""

    calendar: WorkingCalendar
    procedures: Sequence[SpecialProcedure] = ()
    extension_days: int = 0
    dossier_received: datetime | None = None

    @property
    def pauses(self) -> list[Pause]:
        """Return the spans in which the clock stands still."""
        return [
            Pause(
                china_date(one.begun_at),
                china_date(one.planned_end_at),
                china_date(one.ended_at) if one.ended_at is not None else None,
                f"特别程序：{one.kind.value}",
                plan_is_provisional(one, self.calendar),
            )
            for one in self.procedures
        ]


@dataclass
class InputsOfMany:
    """The inputs of many cases, gathered with one query per table and one calendar per area."""

    calendars: dict[str, WorkingCalendar] = field(default_factory=dict)
    procedures: dict[str, list[SpecialProcedure]] = field(default_factory=lambda: defaultdict(list))
    extensions: dict[str, int] = field(default_factory=dict)
    received: dict[str, datetime | None] = field(default_factory=dict)

    def of(self, case: Case) -> ClockInputs:
        """Return the inputs of one of the cases."""
        return ClockInputs(
            self.calendars[case.area],
            tuple(self.procedures.get(case.case_no, ())),
            self.extensions.get(case.case_no, 0),
            self.received.get(case.case_no),
        )


_PROCEDURES = (
    select(SpecialProcedure)
    .where(col(SpecialProcedure.case_no).in_(bindparam("cases", expanding=True)))
    .order_by(col(SpecialProcedure.begun_at))
)
_EXTENSIONS = select(Extension).where(col(Extension.case_no).in_(bindparam("cases", expanding=True)))


def gather(session: Session, cases: Sequence[Case]) -> InputsOfMany:
    """Gather what the clocks of ``cases`` are computed from."""
    found = InputsOfMany()
    for area in {case.area for case in cases}:
        found.calendars[area] = calendar_of(session, area)
    numbers = [case.case_no for case in cases]
    for procedure in session.exec(_PROCEDURES, params={"cases": numbers}).all():
        found.procedures[procedure.case_no].append(procedure)
    for extension in session.exec(_EXTENSIONS, params={"cases": numbers}).all():
        found.extensions[extension.case_no] = extension.days
    handed_over = [case.case_no for case in cases if case.mode is Mode.SUBSTANTIVE]
    if handed_over:
        dossiers = session.exec(
            select(TransferDossier).where(col(TransferDossier.case_no).in_(handed_over)).order_by("round")
        ).all()
        for dossier in dossiers:
            found.received[dossier.case_no] = dossier.received_at if dossier.returned_at is None else None
    return found


def plan_is_provisional(procedure: SpecialProcedure, kinds: WorkingCalendar) -> bool:
    """Tell whether the planned end of a running special procedure is provisional; for one that is over it is not."""
    if procedure.ended_at is not None:
        return False
    return kinds.provisional_until(china_date(procedure.begun_at), china_date(procedure.planned_end_at))
