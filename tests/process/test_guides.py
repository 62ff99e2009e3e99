"""A new code of an imported list, from its guide to its first closed case; a running case keeps its guide."""

import csv
import io

import pytest

from settings import PROJECT_ROOT
from tests.instance import Instance
from tests.process.asking import get, post, refusal, today

pytestmark = pytest.mark.engine

AREA, LIKE, NEW = "xingguo", "W-05", "W-54"
ITEMS = PROJECT_ROOT / "catalog_data" / "items.csv"


def publish_list(instance: Instance, **changes: str) -> str:
    """Publish a list of one item, like another one but for ``changes``; return the unit that owns it."""
    columns = csv.DictReader(io.StringIO(ITEMS.read_text(encoding="utf-8")))
    row = next(one for one in columns if one["code"] == LIKE) | changes
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(row))
    writer.writeheader()
    writer.writerow(row)
    body = {"title": "新增事项", "in_force_from": today(instance).isoformat(), "csv": text.getvalue()}
    number = post(instance, "city.xzsp.approver", "/list-drafts", 201, **body)["id"]
    post(instance, "city.xzsp.approver", f"/list-drafts/{number}/submit")
    post(instance, "city.coordinator", f"/list-drafts/{number}/publish")
    return str(row["unit"])


def guide_file(instance: Instance, code: str) -> str:
    """Return the file the next version of a guide begins with."""
    answer = instance.api("city.coordinator").get(f"/items/{code}/guide-file")
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_new_code_can_be_submitted_once_its_guide_is_published_and_a_running_case_keeps_it(
    instance: Instance,
) -> None:
    unit = publish_list(instance, code=NEW, row="54", main_name="新增事项一", sub_name="")
    body = instance.body(LIKE, AREA) | {"item": NEW, "conditions": {}, "materials": []}
    refused = instance.api(f"{AREA}.window").post("/cases", json=body, headers={"Idempotency-Key": "no-guide"})
    assert refused.status_code == 422
    assert "办事指南尚未发布" in refused.json()["detail"]

    text = guide_file(instance, NEW)
    bad = instance.api(f"city.{unit}.approver").post(f"/items/{NEW}/guide", json={"yaml": text.replace(NEW, LIKE)})
    assert bad.status_code == 422
    assert [one["field"] for one in bad.json()["errors"]] == ["file.code"]
    assert instance.api(f"{AREA}.window").get(f"/items/{NEW}/guide").status_code == 404
    assert instance.api(f"{AREA}.approver").post(f"/items/{NEW}/guide", json={"yaml": text}).status_code == 403
    assert post(instance, f"city.{unit}.approver", f"/items/{NEW}/guide", 201, yaml=text)["version"] == 1
    running = instance.submit(NEW, AREA)

    renamed = guide_file(instance, NEW).replace("name: 申请书", "name: 新版申请书")
    assert post(instance, f"city.{unit}.approver", f"/items/{NEW}/guide", 201, yaml=renamed)["version"] == 2
    assert get(instance, "city.coordinator", f"/items/{NEW}/guide?version=1")["materials"][0]["name"] == "申请书"
    assert refusal(instance, NEW, AREA) == ""
    case = instance.finish(running)
    assert case["state"]["code"] == 11
    assert case["guide_version"] == 1
