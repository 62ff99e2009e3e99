"""``tongquan status``: what runs, on which ports, and whether it is ready."""

from dataclasses import asdict
from typing import Any

from ops import readiness
from ops.instance import InstanceDirectory, kind_of
from ops.terminal import say

NOT_RUNNING = 3
LABELS = {
    "web": "网站",
    "bridge": "引擎桥",
    "engine": "流程引擎",
    "workers": "作业处理",
    "search": "检索库",
}
STATES = {"running": "运行中", "waiting": "等待重启", "stopped": "已停止"}


def status(directory: InstanceDirectory) -> dict[str, Any] | None:
    """Return what is known of the running instance, or ``None`` when none runs."""
    record = directory.run()
    if record is None or record.supervisor.find() is None:
        return None
    identity = directory.identity()
    answer = readiness.ask(record.url) if record.url else readiness.NO_ANSWER
    cause = answer.cause if record.url else "正在准备数据库与引擎文件"
    if record.waiting is not None:
        cause = record.waiting.cause
    return {
        "url": record.url,
        "ready": answer.ready,
        "cause": None if answer.ready else cause,
        "failing": [str(one) for one in answer.failing],
        "warnings": list(answer.warnings),
        "state_dir": str(directory.root),
        "engine": identity.engine if identity is not None else None,
        "controlled_clock": identity.controlled_clock if identity is not None else None,
        "supervisor": record.supervisor.pid,
        "ports": identity.ports if identity is not None else {},
        "environment": record.environment,
        "children": [
            {
                **asdict(child),
                "pid": child.process.pid if child.process is not None and child.process.find() else None,
            }
            for child in record.children
        ],
    }


def print_status(found: dict[str, Any]) -> None:
    """Print a status as a small table."""
    say(f"同权 {found['url'] or '正在启动'}  {'✓ 已就绪' if found['ready'] else '✗ 未就绪'}")
    clock = "，受控时钟" if found["controlled_clock"] else ""
    say(f"  引擎 {found['engine']}{clock}；状态目录 {found['state_dir']}；监督进程 {found['supervisor']}")
    for child in found["children"]:
        pid = child["pid"] or "-"
        label = f"{LABELS.get(kind_of(child['name']), child['name'])}（{child['name']}）"
        say(f"  {label:<16}\t{STATES[child['state']]}\t进程 {pid}\t重启 {child['restarts']} 次")
    say("  端口 " + " ".join(f"{name}={port}" for name, port in sorted(found["ports"].items())))
    if found["cause"]:
        say(f"  ✗ {found['cause']}")
    for warning in found["warnings"]:
        say(f"  ! {warning}")
