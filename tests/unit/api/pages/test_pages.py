"""The parts of the pages that decide something by themselves."""

import re
from datetime import date

import pytest
from starlette.datastructures import FormData

from api.pages import clock_months, material_rows
from api.pages.material_rows import MaterialRow
from api.pages.rendering import CONTENT_SECURITY_POLICY, _environment
from api.pages.routing import ADVICE, _advice, _said
from api.pages.sessions import own_path
from api.pages.submission import _number
from api.pages.tasks import _answer
from api.pages.words import MATERIAL_KINDS
from catalog_data.guide import Material, MaterialKind
from services.cases.hearings import UnlawfulHearingDates
from services.deadlines.clock_views import ClockDay, ClockView, ReceiptView
from services.errors import FieldProblem, InvalidInput
from services.tasks.access import TaskClosed
from settings import PROJECT_ROOT


def clock(*, limit: int | None = 20, used: int = 5) -> ClockView:
    receipt = ReceiptView(limit=5, used=0, due_on=None, provisional=False, days=[])
    return ClockView(limit=limit, unit="working_day", used=used, remaining=None, days=[], receipt=receipt)


def counted(day: date) -> ClockDay:
    return ClockDay(date=day, status="counted", reason="工作日")


@pytest.mark.parametrize(
    "wanted", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "/login?next=/", "/a\nb", ""]
)
def test_sign_in_never_leads_away_from_the_product(wanted: str) -> None:
    assert own_path(wanted) == "/"


def test_sign_in_leads_back_to_the_page_that_was_asked_for() -> None:
    assert own_path("/cases/36073220260921?notice=x") == "/cases/36073220260921?notice=x"


def test_month_sheets_run_from_the_first_day_to_the_due_day_in_weeks_from_monday() -> None:
    sheets = clock_months.month_sheets(
        [counted(date(2026, 9, 30)), counted(date(2026, 10, 8))], date(2026, 11, 2), date(2026, 10, 8)
    )
    assert [sheet.name for sheet in sheets] == ["2026年9月", "2026年10月", "2026年11月"]
    september = sheets[0].weeks
    assert september[0][0] is None
    assert september[0][1] is not None
    assert september[0][1].day == date(2026, 9, 1)
    cells = {cell.day: cell for sheet in sheets for week in sheet.weeks for cell in week if cell is not None}
    assert cells[date(2026, 9, 30)].status == "counted"
    assert cells[date(2026, 10, 1)].status == ""
    assert cells[date(2026, 10, 8)].today
    assert cells[date(2026, 11, 2)].due


def test_a_counted_day_that_has_not_come_is_shown_as_planned() -> None:
    (sheet,) = clock_months.month_sheets(
        [counted(date(2026, 9, 22)), counted(date(2026, 9, 23))], None, date(2026, 9, 22)
    )
    cells = {cell.day: cell for week in sheet.weeks for cell in week if cell is not None}
    assert not cells[date(2026, 9, 22)].ahead
    assert cells[date(2026, 9, 23)].ahead


def test_a_day_after_the_decision_is_not_shown_as_used_however_late_one_looks() -> None:
    days = [counted(date(2026, 9, 22)), counted(date(2026, 9, 23))]
    (sheet,) = clock_months.month_sheets(days, None, date(2027, 1, 4), stopped=date(2026, 9, 22))
    cells = {cell.day: cell for week in sheet.weeks for cell in week if cell is not None}
    assert not cells[date(2026, 9, 22)].ahead
    assert cells[date(2026, 9, 23)].ahead


def test_the_used_share_never_passes_the_whole_and_needs_a_limit() -> None:
    assert clock_months.share_used(clock(used=5)) == 25
    assert clock_months.share_used(clock(used=31)) == 100
    assert clock_months.share_used(clock(limit=None)) == 0


def test_the_checklist_ticks_nothing_by_itself() -> None:
    materials = [
        Material(name="申请书", required=True, copies=2, kind=MaterialKind.ORIGINAL),
        Material(name="授权委托书", required=False, copies=1, kind=MaterialKind.COPY),
    ]
    rows = material_rows.from_guide(materials, MATERIAL_KINDS)
    assert [(row.present, row.copies, row.wanted) for row in rows] == [
        (False, "2", "原件 2 份"),
        (False, "1", "复印件 1 份"),
    ]


def test_rows_come_back_as_sent_in_order_and_an_unnamed_row_is_dropped() -> None:
    form = FormData(
        [
            ("materials.10.name", "丙"),
            ("materials.10.copies", "3"),
            ("materials.10.kind", "copy"),
            ("materials.2.name", " 甲 "),
            ("materials.2.copies", "1"),
            ("materials.2.kind", "original"),
            ("materials.2.present", "1"),
            ("materials.3.name", ""),
        ]
    )
    rows = material_rows.from_form(form, [MaterialRow("甲", "1", "original", True, listed=True, required=True)])
    assert [(row.name, row.present, row.listed) for row in rows] == [("甲", True, True), ("丙", False, False)]


def test_a_row_that_cannot_be_read_is_told_at_its_field() -> None:
    rows = [MaterialRow("甲", "两份", "original", True), MaterialRow("乙", "1", "paper", True)]
    inputs, problems = material_rows.to_inputs(rows)
    assert inputs == []
    assert [one.field for one in problems] == ["materials.0.copies", "materials.1.kind"]


@pytest.mark.parametrize(("text", "value"), [("12", 12), ("0.5", 0.5), ("1e3", 1000), ("NaN", None), ("十", None)])
def test_a_typed_number_is_read_or_refused(text: str, value: float | None) -> None:
    assert _number(text) == value


def test_no_template_contains_a_script_of_its_own_or_an_event_attribute() -> None:
    loader = _environment().loader
    assert loader is not None
    for name in loader.list_templates():
        source, _, _ = loader.get_source(_environment(), name)
        for part in source.split("<script")[1:]:
            tag = part.split(">", 1)[0]
            assert "src=" in tag or 'type="application/json"' in tag, name
        assert not [one for one in (" onclick=", " hx-on", " style=") if one in source], name


def test_what_people_wrote_is_escaped_wherever_a_template_prints_it() -> None:
    environment = _environment()
    written = "<script>alert(1)</script>\"'"
    printed = environment.from_string("{{ text }}").render(text=written)
    assert printed == "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;"
    assert environment.loader is not None
    for name in environment.list_templates():
        source, _, _ = environment.loader.get_source(environment, name)
        assert not re.search(r"\|\s*safe\b|{%-?\s*autoescape\b", source), name
    for file in (PROJECT_ROOT / "api").rglob("*.py"):
        assert "Markup" not in file.read_text(encoding="utf-8"), file.name


def test_every_template_compiles() -> None:
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)


def test_what_one_can_mend_oneself_is_not_blamed_on_somebody_faster() -> None:
    assert _advice(409, UnlawfulHearingDates()) == ADVICE[422]
    assert _advice(409, TaskClosed()) == ADVICE[409]


def test_the_content_policy_allows_no_inline_script() -> None:
    scripts = next(part for part in CONTENT_SECURITY_POLICY.split("; ") if part.startswith("script-src"))
    assert scripts == "script-src 'self'"


@pytest.mark.parametrize("text", ["1e999999", "9" * 5000, "-1e40"])
def test_a_number_beyond_all_measure_is_refused_not_computed(text: str) -> None:
    assert _number(text) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"area": NaN}', "[" * 100_000])
def test_an_answer_that_is_no_object_is_bad_input(text: str) -> None:
    with pytest.raises(InvalidInput):
        _answer(text)


@pytest.mark.parametrize(
    ("field", "told"),
    [("reason", "理由：有误"), ("items.2", "事项：有误"), ("file.3.seal", "第3行 seal：有误"), ("file", "文件：有误")],
)
def test_a_refused_field_is_called_what_people_call_it(field: str, told: str) -> None:
    assert _said(FieldProblem(field, "有误")) == told
