"""Seals' keys beyond the database: in a hardware security module, and from another authority by ``tongquan seals``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.database import Database
from ops.instance import Identity, InstanceDirectory
from settings import PROJECT_ROOT, Environment
from tests.databases import Databases
from tests.factories.signatures import ForeignAuthority, judged
from tests.instance import run
from tests.integration.web import Web, web_at, web_over

pytestmark = pytest.mark.sqlite("looks at the database where the state directory has it")

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
PIN = "1234"
ADMINISTRATOR, WINDOW = "admin.system", "xingguo.window"
SIGN = """
import sys
from pathlib import Path
from sqlmodel import select
from models.database import Database
from models.signature import ElectronicSeal
from papers import acceptance
from services import hsm, setup
from services.signatures import sealing, trust
from services.signatures.registry import Purpose
from settings import get_settings
from tests.factories.papers import ACCEPTED, facts

folder = Path(sys.argv[1])
settings = get_settings()
hsm.make_wrapping_key(settings)
setup.prepare(settings)
database = Database(settings.effective_database_url)
paper = acceptance.acceptance_notice(facts(), "号", ACCEPTED)
with database.transaction() as session:
    sealed = sealing.seal_paper(session, paper, "1", "受理通知书", Purpose("S-28", "substantive"))
    (folder / "paper.pdf").write_bytes(sealed.pdf)
    (folder / "roots.pem").write_text(trust.roots(session))
    seal = session.exec(select(ElectronicSeal)).one()
    assert not seal.private_key
    print(seal.module_key)
"""


@pytest.fixture
def stopped(databases: Databases, tmp_path: Path) -> InstanceDirectory:
    """Return the directory of a stopped instance with one case, and so one seal."""
    with web_over(databases, tmp_path) as web:
        web.submit()
    directory = InstanceDirectory(tmp_path)
    directory.record(Identity("8.5.8", controlled_clock=False, mode=Environment.DEVELOPMENT))
    return directory


def the_seal(web: Web) -> dict[str, object]:
    (seal,) = web.get("/seals", ADMINISTRATOR).json()["items"]
    found: dict[str, object] = seal
    return found


def test_a_seals_key_never_leaves_the_module_and_signs_there(tmp_path: Path) -> None:
    """In a process of its own, since a module reads its configuration once a process."""
    module = next((one for one in MODULES if Path(one).exists()), None)
    if module is None:
        pytest.skip("no SoftHSM (softhsm2) is installed")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nlog.level = ERROR\n")
    environment = {
        **os.environ,
        "SOFTHSM2_CONF": str(tmp_path / "softhsm2.conf"),
        "TONGQUAN_STATE_DIR": str(tmp_path / "state"),
        "TONGQUAN_PKCS11_MODULE": module,
        "TONGQUAN_PKCS11_PIN": PIN,
        "TONGQUAN_SEAL_KEYS": "module",
        "PYTHONPATH": str(PROJECT_ROOT),
    }
    made = ["softhsm2-util", "--init-token", "--free", "--label", "tongquan", "--pin", PIN, "--so-pin", "5678"]
    subprocess.run(made, env=environment, check=True, capture_output=True, timeout=60)
    command = [sys.executable, "-c", SIGN, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "tongquan-seal-" in done.stdout
    found = judged((tmp_path / "paper.pdf").read_bytes(), (tmp_path / "roots.pem").read_text())
    assert found.bottom_line, found.pretty_print_details()


def test_a_certificate_of_another_authority_is_imported_beside_the_running_web(
    stopped: InstanceDirectory, tmp_path: Path
) -> None:
    foreign = ForeignAuthority.new()
    (tmp_path / "seal.p12").write_bytes(foreign.p12("兴国县综合窗口", b"secret words"))
    (tmp_path / "words").write_text("secret words\n")
    listed = run("seals", "--state-dir", str(stopped.root))
    text = listed.stdout.partition("：")[0]
    assert (listed.returncode, "本平台证书" in listed.stdout) == (0, True), listed.stderr
    where = ["--state-dir", str(stopped.root), "--seal", text]
    wrong = run("seals", "import", str(tmp_path / "seal.p12"), *where)
    assert (wrong.returncode, "打不开" in wrong.stderr) == (1, True), wrong.stderr
    done = run("seals", "import", str(tmp_path / "seal.p12"), *where, "--passphrase-file", str(tmp_path / "words"))
    assert done.returncode == 0, done.stderr
    assert "外部证书" in run("seals", "--state-dir", str(stopped.root)).stdout
    database = Database(f"sqlite:///{stopped.root / 'tongquan.db'}")
    with web_at(stopped.root, database) as web:
        assert the_seal(web)["imported"] is True
        case = web.get(f"/cases/{web.submit()}", WINDOW).json()
        pdf = web.get(f"/documents/{case['documents'][0]['id']}", WINDOW).content
        roots = web.get("/public/trust").text
        audited = web.get("/audit", "admin.audit", q="seal.import").json()["items"]
    database.dispose()
    found = judged(pdf, roots)
    assert found.bottom_line, found.pretty_print_details()
    assert found.signing_cert.subject.native["common_name"] == "兴国县综合窗口"
    assert [one["object"] for one in audited] == [text]
