"""Delegated powers at the pages: a second transfer with its preview, a list's new item with its guide."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.staff import Staff
from tests.instance import Instance

pytestmark = pytest.mark.engine


def test_a_county_transfers_an_item_and_sees_what_became_of_each_case(
    staff: Callable[[str | None], Staff], instance: Instance
) -> None:
    case_no = instance.submit("S-24", "rongjiang")
    approver = staff("rongjiang.approver")
    approver.open("/powers/unit-transfers")
    page = approver.page
    page.get_by_label("事项编号").fill("s-24")
    page.get_by_label("划转给").select_option("rongjiang.nb")
    page.get_by_role("button", name="预览在办件").click()
    row = page.get_by_role("row").filter(has_text=case_no)
    expect(row).to_contain_text("由原承办部门办结")
    expect(row).to_contain_text("移交新承办部门继续办理")
    page.get_by_label("依据和理由").fill("比照市级清单划转")
    page.get_by_label("在办件").select_option("transfer")
    page.get_by_role("button", name="决定划转").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("蓉江新区 的 S-24 划转区农办")
    expect(page.get_by_role("row").filter(has_text=case_no)).to_contain_text("移交新承办部门继续办理")
    approver.open(f"/cases/{case_no}")
    expect(page.get_by_text("区农办", exact=True)).to_be_visible()


def test_a_new_item_of_a_list_gets_its_guide_by_file_and_a_bad_file_is_explained(
    staff: Callable[[str | None], Staff], instance: Instance, tmp_path: Path
) -> None:
    new, begins = "W-55", "2036-01-01"  # Far ahead: the instance's other tests count the items in force.
    exported = instance.api("city.coordinator").get("/items.csv").text.removeprefix("\ufeff")
    row = next(one for one in csv.DictReader(io.StringIO(exported)) if one["code"] == "W-06")
    unit, text = row["unit"], io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(row))
    writer.writeheader()
    writer.writerow(row | {"code": new, "row": "55", "main_name": "新增事项二", "sub_name": ""})
    author = instance.api("city.xzsp.approver")
    body = {"title": "新增", "in_force_from": begins, "csv": text.getvalue()}
    number = author.post("/list-drafts", json=body).json()["id"]
    author.post(f"/list-drafts/{number}/submit").raise_for_status()
    instance.api("city.coordinator").post(f"/list-drafts/{number}/publish").raise_for_status()

    county = staff("xingguo.window")
    county.open(f"/items/{new}")
    expect(county.page.get_by_text("办事指南尚未发布")).to_be_visible()
    expect(county.page.get_by_role("link", name="发布办事指南")).to_have_count(0)
    city = staff(f"city.{unit}.approver")
    city.open(f"/items/{new}")
    city.page.get_by_role("link", name="发布办事指南").click()
    with city.page.expect_download() as download:
        city.page.get_by_role("link", name=f"下载 {new}.yaml").click()
    good = tmp_path / "good.yaml"
    download.value.save_as(good)
    bad = tmp_path / "bad.yaml"
    bad.write_text(good.read_text(encoding="utf-8").replace(new, "W-06"), encoding="utf-8")
    for file, told in ((bad, "文件有误，没有发布"), (good, "办事指南已发布")):
        city.page.get_by_label("指南文件").set_input_files(file)
        city.page.get_by_role("button", name="发布").click()
        expect(city.page.get_by_text(told)).to_be_visible()
    county.open(f"/items/{new}")
    expect(county.page.get_by_role("link", name="在兴国县接件")).to_be_visible()
