"""What several process tests ask of the instance through the API."""

from datetime import date, datetime
from typing import Any

from tests.instance import Instance, serial


def post(instance: Instance, account: str, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
    """Post and return the answer, which must have the status."""
    answer = instance.api(account).post(path, json=body or None)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def get(instance: Instance, account: str, path: str) -> dict[str, Any]:
    """Return what a path answers."""
    answer = instance.api(account).get(path)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def today(instance: Instance) -> date:
    """Return the product's day."""
    return datetime.fromisoformat(get(instance, "city.coordinator", "/clock")["now"]).date()


def refusal(instance: Instance, item: str, area: str) -> str:
    """Return the code with which a well-formed submission is refused, empty when it is not."""
    answer = instance.api(f"{area}.window").post(
        "/cases", json=instance.body(item, area), headers={"Idempotency-Key": f"refusal-{next(serial)}"}
    )
    return "" if answer.status_code == 201 else str(answer.json()["code"])
