"""Certificates live: issued, changed, renewed and cancelled by cases, in step with the city library, down or up."""

import json
from contextlib import closing
from typing import Any

import pytest

from connectors.city_library import StandIn
from tests.factories.city_library import start_again
from tests.instance import Instance, eventually, serial
from tests.process.asking import get, post

pytestmark = pytest.mark.engine

AREA = "xingguo"
WINDOW, APPROVER, ADMINISTRATOR = "xingguo.window", "city.xzsp.approver", "admin.system"
PATIENCE = 120.0
"""How long the bridge may take to tell the library, in seconds, on a busy machine."""


def decided(instance: Instance, library: StandIn, case_no: str, **certificate: Any) -> dict[str, Any]:
    """Take a case to its decision, have the library stop in the middle of it, and close the case without it."""
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.complete(case_no, "Task_ConfirmReceipt", "done")
    instance.complete(case_no, "Task_CityReview", "agree")
    instance.task(case_no, "Task_CityDecide")
    library.stop()
    instance.complete(case_no, "Task_CityDecide", "approve", **certificate)
    return instance.finish(case_no)


def shown(instance: Instance, number: str) -> dict[str, Any]:
    """Return a certificate as its approver sees it."""
    return get(instance, APPROVER, f"/certificates/{number}")


def back_in_step(instance: Instance, library: StandIn, *numbers: str) -> None:
    """Start the library again, have the differences mended, and wait until it has what the register has."""
    start_again(library)
    post(instance, ADMINISTRATOR, "/city-library/mend", 202)
    for number in numbers:
        eventually(
            lambda number=number: shown(instance, number)["library"] == "in_step",  # type: ignore[misc]
            f"{number} in step with the library",
            PATIENCE,
        )


def kept(library: StandIn, number: str) -> str:
    """Return the state the library keeps of a certificate."""
    found = library.find(number)
    assert found is not None
    return str(found[1]["state"])


def refused(instance: Instance, item: str, status: int, **changes: Any) -> dict[str, Any]:
    """Submit what is refused, and return the refusal."""
    body = instance.body(item, AREA, **changes)
    answer = instance.api(WINDOW).post("/cases", json=body, headers={"Idempotency-Key": f"certificate-{next(serial)}"})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def test_a_licence_is_changed_and_cancelled_in_both_registers_though_the_library_stops_in_the_middle_of_each(
    instance: Instance, city_library: StandIn
) -> None:
    holder = instance.body("W-25", AREA)["applicant"]
    case_no = instance.submit("W-25", AREA, applicant=holder)
    told = {"valid_until": "2030-12-31", "fields": {"premises": "兴国县潋江大道1号", "scope": "Ⅲ类：6840"}}
    issued = decided(instance, city_library, case_no, certificate=told)
    first = issued["certificates"][0]["number"]
    assert (shown(instance, first)["state"], shown(instance, first)["library"]) == ("valid", "pending")
    back_in_step(instance, city_library, first)
    assert kept(city_library, first) == "valid"

    assert refused(instance, "W-28", 422, applicant=holder)["code"] == "certificate_required"
    unknown = refused(instance, "W-28", 409, applicant=holder, certificate_number="GZ-1")
    strangers = refused(instance, "W-28", 409, certificate_number=first)
    another_familys = refused(instance, "W-34", 409, applicant=holder, certificate_number=first)
    assert {one["code"] for one in (unknown, strangers, another_familys)} == {"certificate_not_valid"}

    changing = instance.submit("W-28", AREA, applicant=holder, certificate_number=first)
    assert refused(instance, "W-30", 409, applicant=holder, certificate_number=first)["case_no"] == changing
    changed = decided(instance, city_library, changing)
    second = changed["certificates"][0]["number"]
    assert "准予变更行政许可决定书" in {one["kind"] for one in changed["documents"]}
    former, new = shown(instance, first), shown(instance, second)
    assert (former["state"], former["replaced_by"], former["library"]) == ("changed", second, "pending")
    assert (new["state"], new["replaces"], new["library"]) == ("valid", first, "pending")
    assert former["paper"]["void_since"] is not None
    assert new["paper"]["void_since"] is None
    assert new["valid_until"] == "2030-12-31"
    assert {"label": "经营场所", "value": "兴国县潋江大道1号（据原证照）"} in new["fields"]
    back_in_step(instance, city_library, first, second)
    assert (kept(city_library, first), kept(city_library, second)) == ("changed", "valid")

    cancelling = instance.submit("W-30", AREA, applicant=holder, certificate_number=second)
    cancelled = decided(instance, city_library, cancelling)
    assert cancelled["certificates"] == []
    kinds = {one["kind"] for one in cancelled["documents"]}
    assert "注销行政许可决定书" in kinds
    assert "准予行政许可决定书" not in kinds
    assert (shown(instance, second)["state"], shown(instance, second)["library"]) == ("cancelled", "pending")
    back_in_step(instance, city_library, first, second)
    assert (kept(city_library, first), kept(city_library, second)) == ("changed", "cancelled")
    assert (shown(instance, first)["state"], shown(instance, second)["state"]) == ("changed", "cancelled")
    assert [one["event"] for one in shown(instance, second)["history"]] == [
        "certificate.issued",
        "certificate.cancelled",
    ]
    assert (
        refused(instance, "W-28", 409, applicant=holder, certificate_number=second)["code"] == "certificate_not_valid"
    )
    public = get(instance, WINDOW, f"/public/certificates/{second}")
    assert (public["state"], public["signature_valid"]) == ("cancelled", True)
    assert holder["name"] not in json.dumps(public, ensure_ascii=False)


def test_what_the_library_lost_or_altered_is_shown_and_mended(instance: Instance, city_library: StandIn) -> None:
    case = instance.finish(instance.submit("W-38", AREA))
    number = case["certificates"][0]["number"]
    eventually(lambda: shown(instance, number)["library"] == "in_step", f"{number} in step", PATIENCE)
    with closing(city_library.connect()) as connection, connection:
        connection.execute("UPDATE certificate SET record = json_set(record, '$.state', 'revoked')")
    post(instance, ADMINISTRATOR, "/city-library/mend", 202)

    def mended() -> bool:
        told = [one["event"] for one in shown(instance, number)["history"]]
        return "library.differed" in told and shown(instance, number)["library"] == "in_step"

    eventually(mended, f"{number} mended", PATIENCE)
    assert kept(city_library, number) == "valid"


def test_the_form_of_a_decision_asks_for_what_the_certificate_states(instance: Instance) -> None:
    case_no = instance.submit("W-25", AREA)
    for element, outcome in (("DecideAcceptance", "accept"), ("ConfirmReceipt", "done"), ("CityReview", "agree")):
        instance.complete(case_no, f"Task_{element}", outcome)
    task = instance.task(case_no, "Task_CityDecide")
    form = get(instance, APPROVER, f"/tasks/{task['id']}")["form"]
    group = next(one for one in form["schema"]["components"] if one.get("path") == "certificate")
    assert {one.get("key") or one.get("path") for one in group["components"]} == {"valid_until", "fields"}
    until = form["data"]["certificate"]["valid_until"]

    def answered(**certificate: Any) -> list[str]:
        body = {"outcome": "approve", "opinion": "", "values": {"certificate": certificate}}
        answer = instance.api(APPROVER).post(f"/tasks/{task['id']}/complete", json=body)
        assert answer.status_code == 422, answer.text
        return [one["field"] for one in answer.json()["errors"]]

    assert answered(valid_until="2020-01-01") == ["values.certificate.valid_until"]
    assert answered(valid_until="2199-01-01") == ["values.certificate.valid_until"]
    assert answered(fields={"colour": "红"}) == ["values.certificate.fields.colour"]
    assert answered(fields={"premises": 7}) == ["values.certificate.fields.premises"]
    case = instance.finish(case_no)
    assert shown(instance, case["certificates"][0]["number"])["valid_until"] == until
