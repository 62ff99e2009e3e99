"""ID numbers and phones are encrypted wherever they stand, those of the release before and under another key too."""

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from sqlmodel import Session, select

from models.account import Account
from models.case import Applicant, Case, Submission
from models.database import Database
from models.encrypted import encrypted_columns
from services import encryption, key_rotation, keys, setup
from services.errors import SetupError
from services.journal import seals
from settings import get_settings
from tests.databases import Databases
from tests.factories.earlier_rows import insert, insert_case
from tests.instance import id_card
from tests.integration.web import Web, web_over

NUMBER, PHONE = id_card(4711), "13907974711"
NEW, OLD = (base64.b64encode(letter * 32).decode() for letter in (b"n", b"o"))
CASES = 5


@pytest.fixture
def web(databases: Databases, tmp_path: Path) -> Iterator[Web]:
    with web_over(databases, tmp_path) as served:
        yield served


def use_keys(monkeypatch: pytest.MonkeyPatch, *given: str) -> None:
    """Give the process data keys, the present one first."""
    monkeypatch.setenv("TONGQUAN_DATA_KEY", ",".join(given))
    get_settings.cache_clear()


def submit(web: Web) -> tuple[str, dict[str, object]]:
    """Submit a case of a known person; return its number and what was sent."""
    body = web.body()
    body["applicant"].update(id_number=NUMBER, phone=PHONE)
    answer = web.post("/cases", "xingguo.window", json=body, Idempotency_Key="once")
    assert answer.status_code == 201, answer.text
    return answer.json()["case_no"], body


def stored(session: Session, table: str, column: str) -> list[str]:
    """Return the values of a column as the database has them."""
    return list(session.connection().scalars(sa.text(f"SELECT {column} FROM {table}")))  # noqa: S608


def found_in(folder: Path, *words: str) -> list[str]:
    """Return every file under a folder that holds one of the words, with the word."""
    files = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    assert files
    return [f"{path}: {word}" for path, content in files.items() for word in words if word.encode() in content]


@pytest.mark.sqlite("looks into the files of the database")
def test_number_and_phone_stand_in_no_file_and_are_read_by_who_may(web: Web, tmp_path: Path) -> None:
    case_no, body = submit(web)
    opened = {"username": "li.si", "name": "李四", "phone": PHONE}
    assert web.post("/accounts", "admin.system", json=opened).status_code == 201
    canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert (tmp_path / "tongquan.db-wal").stat().st_size
    assert found_in(tmp_path, NUMBER, PHONE, hashlib.sha256(canonical.encode()).hexdigest()) == []
    shown = web.get(f"/cases/{case_no}", "xingguo.window").json()["applicant"]
    assert (shown["id_number"], shown["phone"]) == (NUMBER, PHONE)


def test_every_column_that_holds_them_is_encrypted() -> None:
    assert encrypted_columns(Case.metadata) == {
        "account": {"phone": "account.phone"},
        "applicant": {"id_number": "applicant.id_number", "phone": "applicant.phone"},
        "authority_key": {"private_key": "authority_key.private_key"},
        "electronic_seal": {"private_key": "electronic_seal.private_key"},
        "submission": {"body_digest": "submission.body_digest"},
    }
    named = {
        f"{table.name}.{column.name}"
        for table in Case.metadata.sorted_tables
        for column in table.columns
        if column.name in ("id_number", "phone")
    }
    assert named == {"account.phone", "applicant.id_number", "applicant.phone"}


def test_a_value_that_was_changed_or_put_into_another_column_is_not_read(web: Web) -> None:
    submit(web)
    with web.database.reading() as session:
        (number,) = stored(session, "applicant", "id_number")
    for forged in (number[:-8] + "AAAAAAA=", NUMBER):
        with pytest.raises(encryption.Unreadable):
            encryption.CIPHER.decrypt("applicant.id_number", forged)
    with pytest.raises(encryption.Unreadable):
        encryption.CIPHER.decrypt("applicant.phone", number)
    assert encryption.CIPHER.decrypt("applicant.id_number", number) == NUMBER


def test_two_equal_values_are_stored_unlike() -> None:
    assert encryption.CIPHER.encrypt("p", NUMBER) != encryption.CIPHER.encrypt("p", NUMBER)


@pytest.fixture
def of_the_release_before(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    """Yield a database as the release before left it, with people in it."""
    with databases.empty(tmp_path) as database:
        config = setup._alembic(database.url)
        before = ScriptDirectory.from_config(config).get_revision("0017").down_revision
        command.upgrade(config, str(before))
        with database.engine.begin() as connection:
            for number in range(CASES):
                name = f"case-{number}"
                insert_case(connection, name)
                insert(connection, "case_deadlines", case_no=name)
                person = {"id_number": id_card(number), "phone": f"1390797000{number}"}
                insert(connection, "applicant", case_no=name, kind="person", id_type="id_card", **person)
                insert(connection, "submission", account="a", key=name, body_digest=f"{number}" * 64, case_no=name)
            insert(connection, "account", username="a", phone=PHONE)
            insert(connection, "account", username="b", phone="")
        yield database


def test_what_the_release_before_wrote_is_encrypted_by_batches_also_after_a_crash(
    of_the_release_before: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = of_the_release_before
    monkeypatch.setattr(key_rotation, "BATCH", 2)
    setup.migrate(database)
    encrypt, seen = encryption.CIPHER.encrypt, iter(range(5))

    def dying(_self: object, place: str, text: str) -> str:
        if next(seen, None) is None:
            raise KeyboardInterrupt
        return encrypt(place, text)

    with database.reading() as session:
        every = key_rotation.outdated(session)
    with monkeypatch.context() as patch:
        patch.setattr(encryption.ColumnCipher, "encrypt", dying)
        with pytest.raises(KeyboardInterrupt):
            key_rotation.renew(database)
    with database.reading() as session:
        left = key_rotation.outdated(session)
    assert every == {"account": 1, "applicant": CASES, "submission": CASES}
    assert 0 < sum(left.values()) < sum(every.values())

    key_rotation.renew(database)
    assert key_rotation.renew(database) == 0
    with database.reading() as session:
        assert not key_rotation.outdated(session)
        people = session.exec(select(Applicant).order_by(Applicant.case_no)).all()
        assert [(one.id_number, one.phone) for one in people] == [
            (id_card(number), f"1390797000{number}") for number in range(CASES)
        ]
        assert [session.get_one(Account, one).phone for one in ("a", "b")] == [PHONE, ""]
        assert session.get_one(Submission, ("a", "case-3")).body_digest == "3" * 64
        assert len({one.applicant_digest for one in session.exec(select(Case))}) == CASES
    if database.engine.dialect.name == "sqlite":
        assert found_in(tmp_path, "13907970000", PHONE, *(id_card(number) for number in range(CASES))) == []


def test_what_is_encrypted_is_not_handed_back_to_the_release_before(of_the_release_before: Database) -> None:
    setup.migrate(of_the_release_before)
    key_rotation.renew(of_the_release_before)
    config = setup._alembic(of_the_release_before.url)
    before = ScriptDirectory.from_config(config).get_revision("0017").down_revision
    with pytest.raises(RuntimeError, match="is encrypted"):
        command.downgrade(config, str(before))


def test_a_start_without_the_key_is_refused_by_the_keys_name(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    submit(web)
    lost = keys.data_key_id()
    use_keys(monkeypatch, NEW)
    with pytest.raises(SetupError, match=lost):
        setup.prepare(get_settings())


def test_after_a_change_of_key_all_is_read_and_verified_without_the_former_one(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, OLD)
    with web_over(databases, tmp_path) as web:
        setup.prepare(get_settings())
        case_no, body = submit(web)
        tampered = web.submit()
        with web.database.transaction() as session:
            session.connection().execute(
                sa.update(Applicant).where(Applicant.case_no == tampered).values(name="Mallory")
            )
        use_keys(monkeypatch, NEW, OLD)
        setup.prepare(get_settings())
        later = web.submit()
        with web.database.reading() as session:
            assert [one.key for one in seals.verify(session)] == [tampered]
        assert key_rotation.reseal(web.database) > 0
        assert key_rotation.reseal(web.database) == 0

        use_keys(monkeypatch, NEW)
        setup.prepare(get_settings())
        with web.database.reading() as session:
            differences = list(seals.verify(session))
            assert not key_rotation.outdated(session)
        assert [(one.table, one.key) for one in differences] == [("applicant", tampered)]
        assert web.get(f"/cases/{case_no}", "xingguo.window").json()["applicant"]["id_number"] == NUMBER
        again = web.post("/cases", "xingguo.window", json=body, Idempotency_Key="once")
        assert (again.status_code, again.json()["case_no"]) == (200, case_no)
        assert web.get(f"/cases/{later}", "xingguo.window").status_code == 200
