"""Build the browser assets from the npm lock file, when they are not built from it already."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ops.terminal import say
from services.errors import SetupError
from settings import PROJECT_ROOT

TARGET = Path("api/static/vendor")
STAMP = TARGET / ".stamp"
SOURCES = ("package.json", "package-lock.json", "assets")
SHOWN_ERROR_LINES = 8


def are_built(root: Path = PROJECT_ROOT) -> bool:
    """Tell whether the assets are built from the present lock file and sources."""
    try:
        return (root / STAMP).read_text(encoding="utf-8").strip() == fingerprint(root)
    except OSError:
        return False


def fingerprint(root: Path = PROJECT_ROOT) -> str:
    """Return a digest of everything the assets are built from."""
    total = hashlib.sha256()
    for source in SOURCES:
        path = root / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                total.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()


def build_assets(root: Path = PROJECT_ROOT, *, force: bool = False) -> bool:
    """Install the locked npm packages and build; return whether there was anything to do.

    Raises:
        SetupError: npm is missing or fails, with what it said last.
    """
    if are_built(root) and not force:
        return False
    say("· 安装前端依赖（npm ci）")
    _npm(root, "ci", "--no-audit", "--no-fund", "--ignore-scripts")
    say("· 生成前端资源（npm run build）")
    _npm(root, "run", "build")
    (root / STAMP).write_text(fingerprint(root) + "\n", encoding="utf-8")
    return True


def tool(name: str) -> str:
    """Return the path of ``node`` or ``npm``: the machine's, else the one a Python package carries.

    Raises:
        SetupError: there is neither.
    """
    beside = Path(sys.executable).with_name(name)
    found = shutil.which(name) or (str(beside) if beside.exists() else None)
    if found is None:
        raise SetupError(f"找不到 {name}：请重新运行 make setup，或安装 Node.js 20 以上版本")
    return found


def _npm(root: Path, *arguments: str) -> None:
    search = os.pathsep.join((os.environ.get("PATH", ""), str(Path(sys.executable).parent)))
    done = subprocess.run(
        [tool("npm"), *arguments],
        cwd=root,
        env={**os.environ, "PATH": search},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if line.strip()][-SHOWN_ERROR_LINES:]
        raise SetupError(
            f"npm {arguments[0]} 失败（退出码 {done.returncode}）：请检查网络或 npm 镜像设置后重试\n"
            + "\n".join(f"    {line}" for line in lines)
        )
