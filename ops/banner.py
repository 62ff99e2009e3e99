"""What the terminal says when an instance is ready: the address, who may sign in, how to stop."""

from collections.abc import Mapping

from models.group import (
    AUDIT_ADMINISTRATOR,
    COORDINATOR,
    SECURITY_ADMINISTRATOR,
    SYSTEM_ADMINISTRATOR,
    Group,
    Role,
)
from ops import production
from ops.instance import Identity, InstanceDirectory
from ops.model_deployment import DeploymentState, ModelDeployment
from services.accounts.demo_accounts import DEMO_PASSWORD
from settings import get_settings


def ready_lines(
    url: str,
    directory: InstanceDirectory,
    identity: Identity,
    deployment: ModelDeployment,
    chosen: Mapping[str, str],
) -> list[str]:
    """Return what a person needs to go on; ``chosen`` is the environment of the instance's processes."""
    lines = ["", f"✓ 同权已就绪：{url}"]
    if identity.operate:
        lines.append(f"  Operate：{chosen['TONGQUAN_OPERATE_URL']}（demo / demo）")
    if identity.controlled_clock:
        lines.append("  受控时钟：用 tongquan clock advance 推进")
    if identity.production:
        lines += [f"  ! {warning}" for warning in production.warnings(get_settings())]
    else:
        lines += _demo_accounts()
    if deployment.why:
        lines.append(f"  ! 流程部署失败，办件仍按此前部署的流程：{deployment.why}（会自动重试）")
    elif deployment.state is not DeploymentState.DEPLOYED:
        lines.append("  ! 引擎尚未答复流程部署，正在后台继续")
    lines.append(f"  模式：{production.mode_words(identity)}；状态目录：{directory.root}；停止：tongquan down")
    return [*lines, *production.exposure_banner(get_settings())]


def _demo_accounts() -> list[str]:
    window, reviewer, chief, approver = (
        Group.of_area("xingguo", role) for role in (Role.WINDOW, Role.REVIEWER, Role.CHIEF, Role.APPROVER)
    )
    city_reviewer, city_approver = (Group.of_city_unit("zrzy", role) for role in (Role.REVIEWER, Role.APPROVER))
    return [
        f"  演示账号（密码均为 {DEMO_PASSWORD}）：",
        f"    综合窗口 {window}   承办人 {reviewer}",
        f"    首席代表 {chief}   县级审批 {approver}",
        f"    市级审查 {city_reviewer}   市级审批 {city_approver}   统筹 {COORDINATOR}",
        f"    系统管理 {SYSTEM_ADMINISTRATOR}   安全管理 {SECURITY_ADMINISTRATOR}   审计 {AUDIT_ADMINISTRATOR}",
    ]
