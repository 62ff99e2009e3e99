"""The statistics as a workbook (.xlsx): the figures, and what each of them counts."""

import io
from typing import Final

import xlsxwriter

from services.statistics.table import By, Statistics, StatisticsRow

HEADS: Final = {By.AREA: "县（市、区）", By.UNIT: "市级单位", By.MODE: "放权方式", By.ITEM: "事项", By.MONTH: "月份"}
COLUMNS: Final = {
    "received": ("接件", "期间内接收申请的办件"),
    "accepted": ("受理", "期间内受理的办件，含视为受理"),
    "refused": ("不予受理", "期间内不受理和不予受理的办件"),
    "corrected": ("补正", "期间内出具一次性补正告知书的办件"),
    "closed": ("办结", "期间内办结、不予受理和终止的办件"),
    "approved": ("准予", "期间内作出准予决定的办件"),
    "denied": ("不予", "期间内作出不予决定的办件"),
    "withdrawn": ("撤回", "期间内撤回或者逾期未补正而终止的办件"),
    "on_time": ("法定时限内", "期间内作出决定、未超过法定时限的办件"),
    "overdue": ("超法定时限", "期间内作出决定、超过法定时限的办件"),
    "on_time_rate": ("按时率", "法定时限内 ÷（法定时限内 + 超法定时限）"),
    "promise_kept": ("承诺时限内", "期间内作出决定、未超过承诺时限的办件"),
    "promise_broken": ("超承诺时限", "期间内作出决定、超过承诺时限的办件"),
    "average_days": ("平均用时", "期间内作出决定的办件自受理起的工作日数，特别程序不计；时限按日计的事项不列入"),
    "p90_days": ("九成用时", "九成的办件不超过的工作日数"),
    "open": ("在办", "现在尚未办结的办件"),
    "yellow": ("黄牌", "在办件中现在亮黄牌的"),
    "red": ("红牌", "在办件中现在亮红牌的"),
    "push_on_time": ("推送按时认领", "期间内推送、在期限内认领的审管信息"),
    "push_overdue": ("推送逾期认领", "期间内推送、逾期认领或者逾期未认领的审管信息"),
}
"""Each figure's short name and what it counts, as page and workbook tell it."""
NAME_WIDTH, FIGURE_WIDTH, TEXT_WIDTH = 34, 11, 80


def write(found: Statistics) -> bytes:
    """Return the workbook; names are written as text, so that none is taken for a formula."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False}) as book:
        bold, share = book.add_format({"bold": True}), book.add_format({"num_format": "0.0%"})
        sheet = book.add_worksheet("统计")
        sheet.freeze_panes(2, 1)
        sheet.set_column(0, 0, NAME_WIDTH)
        sheet.set_column(1, len(COLUMNS), FIGURE_WIDTH)
        sheet.write_string(
            0, 0, f"{found.begin:%Y-%m-%d} 至 {found.end:%Y-%m-%d}，在办数截至 {found.as_of:%Y-%m-%d %H:%M}"
        )
        for place, head in enumerate((HEADS[found.by], *(name for name, _ in COLUMNS.values()))):
            sheet.write_string(1, place, head, bold)
        for number, row in enumerate([*found.rows, found.total], start=2):
            _write_row(sheet, number, row, bold if row is found.total else None, share)
        meanings = book.add_worksheet("口径")
        meanings.set_column(0, 0, FIGURE_WIDTH * 1.5)
        meanings.set_column(1, 1, TEXT_WIDTH)
        for number, (name, meaning) in enumerate(COLUMNS.values()):
            meanings.write_string(number, 0, name, bold)
            meanings.write_string(number, 1, meaning)
    return content.getvalue()


def _write_row(
    sheet: xlsxwriter.worksheet.Worksheet,
    number: int,
    row: StatisticsRow,
    bold: xlsxwriter.format.Format | None,
    share: xlsxwriter.format.Format,
) -> None:
    sheet.write_string(number, 0, row.name, bold)
    for place, column in enumerate(COLUMNS, start=1):
        value = getattr(row, column)
        if value is not None:
            sheet.write_number(number, place, value, share if column == "on_time_rate" else bold)
