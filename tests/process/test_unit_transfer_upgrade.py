"""Second transfers decided by the release before, whose day the process ``delegation-recall`` keeps, end as decided.

``release_before/`` holds that process as the release had it: a transfer began there by ``recall-ordered``.
"""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from models.in_flight import InFlight
from models.protocol import Message, Process
from models.unit_transfer import UnitTransfer
from models.working_calendar import start_of_day
from services.process_engine import outbox
from services.process_engine.timers import instant_text
from settings import PROJECT_ROOT
from tests.instance import Instance, eventually, run
from tests.process.asking import get, post, today
from tests.process.unit_transfer_steps import AREA, NEW, NEW_GROUP, OLD, OLD_GROUP, drive, effective

pytestmark = pytest.mark.engine

RELEASE_BEFORE = Path(__file__).parent / "release_before"
MOVES, REVOKED, ON_ITS_WAY = "S-19", "S-20", "S-21"
DAYS = 2


def deploy(instance: Instance, models: Path) -> None:
    """Deploy the models of a folder."""
    done = run("deploy", str(models), "--state-dir", str(instance.state_dir))
    assert done.returncode == 0, done.stdout + done.stderr


def decided_before(instance: Instance, item: str) -> int:
    """Record a transfer as the release before did, its message on the way to the engine; return its number."""
    now = datetime.fromisoformat(get(instance, "city.coordinator", "/clock")["now"])
    day = now.date() + timedelta(days=DAYS)
    with instance.database.transaction() as session:
        transfer = UnitTransfer(
            area=AREA,
            item=item,
            from_unit=OLD,
            to_unit=NEW,
            effective_on=day,
            reason="比照市级清单划转",
            decided_by="city.coordinator",
            decided_at=now,
            in_flight=InFlight.TRANSFER,
            process_id=Process.DELEGATION_RECALL,
        )
        session.add(transfer)
        session.flush()
        key = f"unit-transfer-{transfer.id}"
        outbox.publish_message(
            session,
            Message.RECALL_ORDERED,
            stream=key,
            correlation_key=key,
            message_id=f"{key}:recall-ordered",
            variables={
                "recallId": key,
                "unitTransferId": str(transfer.id),
                "effectiveAt": instant_text(start_of_day(day)),
            },
        )
        return int(transfer.id or 0)


def recalls(instance: Instance) -> dict[str, int]:
    """Return the key and the version of every instance of ``delegation-recall`` of which the engine has told both."""
    shown = get(instance, "admin.system", "/processes/delegation-recall/instances?limit=200")["items"]
    return {str(one["key"]): int(one["version"]) for one in shown if one["version"]}


def begin(instance: Instance, item: str) -> tuple[int, str, int]:
    """Decide on a transfer as the release before did; return its number, and its instance with the version."""
    known = recalls(instance)
    number = decided_before(instance, item)
    begun = eventually(lambda: recalls(instance).items() - known.items(), f"the transfer of {item} in the engine")
    ((key, version),) = begun
    return number, key, version


def at_the_end(instance: Instance, key: str) -> set[str]:
    """Return the end events an instance of a process has reached, waiting for the first."""

    def look() -> set[str]:
        shown = get(instance, "admin.system", f"/process-instances/{key}")
        assert shown["incidents"] == []
        return {one for one in shown["completed_elements"] if one.startswith("EndEvent_")}

    return eventually(look, f"the end of {key}")


def test_a_transfer_begun_on_the_recalls_process_ends_there_after_the_upgrade(instance: Instance) -> None:
    running = instance.submit(MOVES, AREA)
    assert drive(instance, running, "Task_CountyReview")["candidate_groups"] == [OLD_GROUP]
    deploy(instance, RELEASE_BEFORE)
    midnight = start_of_day(today(instance) + timedelta(days=DAYS)).isoformat()
    moving, kept_by, before = begin(instance, MOVES)
    dropped, revoked_in, version = begin(instance, REVOKED)
    deploy(instance, PROJECT_ROOT / "bpmn")
    late, late_in, after = begin(instance, ON_ITS_WAY)
    assert (version, after) == (before, before + 1)

    post(instance, f"{AREA}.approver", f"/unit-transfers/{dropped}/revoke", reason="改期")
    assert at_the_end(instance, revoked_in) == {"EndEvent_RecallRevoked"}
    instance.advance(days=DAYS)
    moved = [one["case_no"] for one in effective(instance, moving)["cases"] if one["disposition"] == "move_unit"]
    assert moved == [running]
    assert drive(instance, running, "Task_CountyReview")["candidate_groups"] == [NEW_GROUP]
    assert effective(instance, late)["took_effect_at"] == effective(instance, moving)["took_effect_at"] == midnight
    for key in (kept_by, late_in):
        assert at_the_end(instance, key) == {"EndEvent_Recalled"}
    assert at_the_end(instance, revoked_in) == {"EndEvent_RecallRevoked"}
    shown = get(instance, "city.coordinator", f"/unit-transfers/{dropped}")
    assert (shown["state"], shown["cases"]) == ("revoked", [])
    assert instance.finish(running)["state"]["code"] == 11
