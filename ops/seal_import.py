"""``tongquan seals``: list an instance's seals, and import one's certificate from a PKCS#12 file."""

from collections.abc import Iterator
from pathlib import Path

from sqlmodel import col, select

from models.signature import ElectronicSeal, SealState
from ops.data_keys import opened, require_instance
from ops.environment import adopt_instance
from ops.instance import InstanceDirectory
from papers.seal import split_seal
from services.clock import machine_now
from services.errors import SetupError
from services.signatures.importing import import_seal
from settings import get_settings


def describe(directory: InstanceDirectory) -> Iterator[str]:
    """Yield a line for each seal: its text, whether it may be used, and until when its certificate is valid."""
    require_instance(directory)
    adopt_instance(directory)
    with opened(get_settings()) as database, database.reading() as session:
        found = session.exec(select(ElectronicSeal).order_by(col(ElectronicSeal.id))).all()
    for one in found:
        state = "已停用" if one.state is SealState.SUSPENDED else "可用"
        if machine_now() >= one.valid_until:
            state = "已到期"
        source = "外部证书" if one.imported else "本平台证书"
        yield f"{one.text}：{state}，{source}，有效期至 {one.valid_until:%Y-%m-%d}"
    if not found:
        yield "还没有印章：签发第一份文书时生成"


def import_certificate(
    directory: InstanceDirectory, text: str, owner: str, file: Path, passphrase_file: Path | None
) -> ElectronicSeal:
    """Give a seal the key and certificates of a PKCS#12 file; running processes use them from the next paper on.

    ``owner`` defaults to the organ the seal's text begins with. The passphrase is the first line of its file.

    Raises:
        SetupError: it is no state directory, a file cannot be read, or the certificate cannot sign papers.
    """
    require_instance(directory)
    adopt_instance(directory)
    try:
        content = file.read_bytes()
        passphrase = passphrase_file.read_bytes().partition(b"\n")[0].rstrip(b"\r") if passphrase_file else None
    except OSError as error:
        raise SetupError(f"文件不能读取（{error.strerror}）：{error.filename}") from error
    with opened(get_settings()) as database, database.transaction() as session:
        return import_seal(session, text, owner or split_seal(text)[0], content, passphrase)
