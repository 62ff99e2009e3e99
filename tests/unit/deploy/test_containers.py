"""What the containers run besides the product: entrypoint, secrets, preparation, health, first accounts."""

import base64
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import col, select

from deploy import create_account, health, reset_password
from deploy.omit_packages import without
from deploy.prepare import prepare_deployment
from models.account import Account, Membership
from models.audit import AuditEntry
from models.database import Database
from ops.instance import EXTERNAL_ENGINE, Identity, InstanceDirectory
from services.accounts import passwords, registration
from services.accounts.demo_accounts import DEMO_PASSWORD
from services.documents.signing import load_key
from services.errors import SetupError
from settings import PROJECT_ROOT, Environment, Settings, get_settings
from tests.databases import Databases, migrated


def entrypoint(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", str(PROJECT_ROOT / "deploy/entrypoint.sh"), *command],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.fixture
def deployment(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A migrated database that the settings of this process name, in production."""
    with migrated(databases, tmp_path) as database:
        monkeypatch.setenv("DATABASE_URL", database.url)
        monkeypatch.setenv("TONGQUAN_ENVIRONMENT", "production")
        get_settings.cache_clear()
        yield database
    get_settings.cache_clear()


def test_the_entrypoint_reads_a_secret_without_its_last_newline(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a b$c'd\"\n")
    done = entrypoint("sh", "-c", 'printf "%s|%s" "$PGPASSWORD" "${PGPASSWORD_FILE:-}"', PGPASSWORD_FILE=str(secret))
    assert (done.returncode, done.stdout) == (0, "a b$c'd\"|")


def test_the_entrypoint_reads_every_secret_that_the_reference_names(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("geheim\n")
    reference = (PROJECT_ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    told = reference.partition("A secret may come from a file instead")[2].partition("Setting both")[0]
    names = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", told))
    secrets = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    assert {f"TONGQUAN_{name.upper()}" for name in secrets} <= names
    for name in names:
        done = entrypoint("printenv", name, **{f"{name}_FILE": str(secret)})
        assert (done.returncode, done.stdout) == (0, "geheim\n"), name


def test_the_entrypoint_leaves_other_files_alone(tmp_path: Path) -> None:
    done = entrypoint("sh", "-c", "printf %s $SSL_CERT_FILE", SSL_CERT_FILE=str(tmp_path / "ca"))
    assert done.stdout == str(tmp_path / "ca")


def test_the_entrypoint_refuses_a_secret_given_twice_or_not_readable(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    assert entrypoint("true", TONGQUAN_SIGNING_KEY="y", TONGQUAN_SIGNING_KEY_FILE=str(secret)).returncode == 64
    missing = entrypoint("true", TONGQUAN_SIGNING_KEY_FILE=str(tmp_path / "missing"))
    assert missing.returncode == 66
    assert "TONGQUAN_SIGNING_KEY_FILE" in missing.stderr


def test_made_secrets_are_fit_and_stay_as_they_are(tmp_path: Path) -> None:
    script = tmp_path / "make-secrets.sh"
    script.write_bytes((PROJECT_ROOT / "deploy/make-secrets.sh").read_bytes())
    seen = []
    for _ in range(2):
        subprocess.run(["sh", str(script)], check=True, capture_output=True, timeout=30)
        seen.append({path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()})
    found, again = seen
    assert again == found
    assert set(found) == {
        "database_password",
        "feed_password",
        "operate_password",
        "signing_key",
        "data_key",
        "metrics_token",
    }
    assert len(set(found.values())) == 6
    assert all(len(base64.b64decode(value, validate=True)) == 32 for value in found.values())
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    load_key(Settings(environment=Environment.PRODUCTION, signing_key=found["signing_key"]))  # type: ignore[arg-type]


def test_packages_are_left_out_with_their_hashes_and_notes() -> None:
    lock = [
        "# a comment\n",
        "first==1 \\\n",
        "    --hash=sha256:1\n",
        "    # via x\n",
        "second==2 ; python_version < '4' \\\n",
        "    --hash=sha256:2\n",
        "second-binaries==2\n",
    ]
    assert list(without(lock, ["second"])) == [*lock[:4], lock[6]]
    with pytest.raises(LookupError):
        list(without(lock, ["third"]))


def test_the_image_leaves_out_only_packages_the_lock_names() -> None:
    dockerfile = (PROJECT_ROOT / "Dockerfile").read_text()
    omitted = dockerfile.split('ARG OMIT_PACKAGES="', 1)[1].split('"', 1)[0].split()
    lock = (PROJECT_ROOT / "requirements.lock").read_text().splitlines(keepends=True)
    kept = "".join(without(lock, omitted))
    assert "\npyzeebe==" in kept
    assert not any(f"\n{name}==" in kept for name in omitted)


def test_production_is_not_prepared_without_a_signing_key(tmp_path: Path) -> None:
    settings = Settings(environment=Environment.PRODUCTION, state_dir=tmp_path, signing_key=None)
    with pytest.raises(SetupError, match="签名密钥"):
        prepare_deployment(settings)
    assert list(tmp_path.iterdir()) == []


def test_the_first_account_is_created_and_audited(deployment: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("long enough a password\n"))
    assert create_account.main(["chen", "陈某", "admin.system"]) == 0
    with deployment.reading() as session:
        assert session.exec(select(Membership.group_name)).all() == ["admin.system"]
        entry = session.exec(select(AuditEntry)).one()
    assert (entry.actor, entry.action, entry.subject) == (create_account.ACTOR, "account.create", "chen")
    assert "password" not in str(entry.detail)


@pytest.mark.parametrize(("password", "groups"), [("short", ["xingguo.window"]), ("x" * 12, ["admin.audit", "a.b"])])
def test_a_bad_first_account_is_refused(
    deployment: Database, monkeypatch: pytest.MonkeyPatch, password: str, groups: list[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(password))
    assert create_account.main(["chen", "陈某", *groups]) == 1
    with deployment.reading() as session:
        assert session.exec(select(Membership)).all() == []
        assert session.exec(select(AuditEntry)).all() == []


def test_an_administrators_password_is_reset_on_the_machine_and_audited(
    deployment: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("long enough a password\n"))
    create_account.main(["li", "李某", "admin.audit"])
    assert reset_password.main(["li"]) == 0
    password = capsys.readouterr().out.strip().rpartition("：")[2]
    with deployment.reading() as session:
        account = session.get_one(Account, "li")
        assert passwords.verify(account.password_hash, password)
        assert account.password_one_time
        last = session.exec(select(AuditEntry.action).order_by(col(AuditEntry.id).desc())).first()
    assert last == "account.reset_password"
    assert reset_password.main(["nobody"]) == 1


def test_bridge_and_workers_without_heartbeats_are_not_well(
    deployment: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert health.main(["bridge"]) == 1
    assert "relay" in capsys.readouterr().err
    assert health.main(["workers"]) == 1
    told = capsys.readouterr().err
    assert "worker:" in told
    assert "relay" not in told


def test_a_web_that_does_not_answer_is_not_well(deployment: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGQUAN_WEB_PORT", "1")
    get_settings.cache_clear()
    assert health.main([]) == 1


def test_an_unknown_service_is_refused() -> None:
    assert health.main(["database"]) == 2


def in_production(state_dir: Path, **more: object) -> Settings:
    key = base64.b64encode(b"k" * 32).decode()
    own = {"state_dir": state_dir, "database_url": "", "signing_key": key, "data_key": key}
    return Settings.model_validate({"environment": "production", **own, **more})


def test_volumes_begun_in_development_are_not_prepared_for_production(tmp_path: Path) -> None:
    kept = Identity(EXTERNAL_ENGINE, controlled_clock=False, mode=Environment.DEVELOPMENT)
    InstanceDirectory(tmp_path).record(kept)
    with pytest.raises(SetupError, match="不能转为正式"):
        prepare_deployment(in_production(tmp_path))
    assert not (tmp_path / "tongquan.db").exists()


def test_a_volume_open_to_others_is_not_prepared_for_production(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    with pytest.raises(SetupError, match="chmod -R go="):
        prepare_deployment(in_production(tmp_path))


def test_a_clock_that_can_be_moved_is_not_prepared_for_production(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="机器时钟"):
        prepare_deployment(in_production(tmp_path, controlled_clock=True))


def test_a_database_with_demonstration_accounts_is_not_prepared_for_production(
    tmp_path: Path, deployment: Database
) -> None:
    with deployment.transaction() as session:
        hashed = passwords.hash_password(DEMO_PASSWORD)
        registration.add(session, "admin.system", "管理员", hashed, frozenset({"admin.system"}))
    with pytest.raises(SetupError, match=r"1 个口令公开的演示账号（admin.system 等）"):
        prepare_deployment(in_production(tmp_path, database_url=str(deployment.url)))
    assert not (tmp_path / "instance.json").exists()
