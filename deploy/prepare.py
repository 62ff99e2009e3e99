"""Prepare a deployment once before it serves: migrate, seed, check the signing key, deploy the models.

Running it again changes nothing. It keeps ``instance.json`` in the state directory, so that unchanged files never
overlay a model which a designer has deployed since, and so that ``tongquan`` knows the directory.
"""

import sys

from engine.errors import EngineError
from ops import production
from ops.deployment import MODELS, deploy, describe
from ops.instance import EXTERNAL_ENGINE, Identity, InstanceDirectory
from ops.terminal import complain, say
from services.documents.signing import load_key
from services.errors import SetupError, TongquanError
from services.keys import load_data_keys
from services.setup import prepare
from settings import Settings, get_settings


def prepare_deployment(settings: Settings) -> None:
    """Bring database and engine to this release.

    Raises:
        SetupError: the key, the database or the state directory is not fit, with the way out. A directory begun in
            development is none for production, nor the reverse.
        EngineError: the engine refuses a model or is not ready in time.
    """
    directory = InstanceDirectory(settings.state_dir)
    controlled, mode = settings.controlled_clock, settings.environment
    identity = directory.check(Identity(EXTERNAL_ENGINE, controlled_clock=controlled, mode=mode))
    if identity.production:
        production.require_machine_clock(settings.controlled_clock)
        production.require_closed(directory)
    load_key(settings)
    load_data_keys(settings)
    prepare(settings)
    say("✓ 数据库已就绪")
    try:
        directory.record(identity)
    except OSError as exc:
        raise SetupError(f"不能写入状态目录 {directory.root}：请检查该卷的属主和权限") from exc
    for line in describe(deploy(directory, MODELS, only_if_changed=True)):
        say(line)


def main() -> int:
    """Prepare what the environment describes; what goes wrong on purpose is one sentence and exit status 1."""
    try:
        prepare_deployment(get_settings())
    except (TongquanError, EngineError) as exc:
        complain(exc.message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
