"""The Chinese words pages use for closed sets."""

from typing import Final

from models.case import MaterialKind, Verdict
from models.catalogue import Mode
from models.certificate import CertificateState
from models.group import Role
from models.protocol import Element
from models.task import Light
from services.casefile.public_case import APPLICANT
from services.documents.issuance import SERVED_KINDS as SERVED
from services.files.media_types import TIFF
from services.files.previews import SHOWN_AS_IT_IS
from services.journal.timeline import SYSTEM

LIGHTS: Final = {Light.GREEN: "绿灯", Light.YELLOW: "黄牌", Light.RED: "红牌", Light.PAUSED: "暂停"}
DELIVERY: Final = Element.DELIVERY.value
SERVED_KINDS: Final = frozenset(SERVED)
MODES: Final = {mode: mode.label for mode in Mode}
SHOWN_FILES: Final = frozenset({*SHOWN_AS_IT_IS, TIFF})
"""Media types that a page offers to show; others it offers to save."""
MATERIAL_KINDS: Final = {kind.value: kind.label for kind in MaterialKind}
APPLICANT_KINDS: Final = {"person": "个人", "organization": "法人或其他组织"}
IDENTITY_TYPES: Final = {"id_card": "居民身份证", "uscc": "统一社会信用代码"}
LIMIT_UNITS: Final = {"working_day": "个工作日", "day": "日"}
DAY_STATUSES: Final = {"counted": "计入", "non_working": "不计入", "paused": "暂停", "not_started": "未起算"}
DAY_SOURCES: Final = {"published": "国务院办公厅公布", "city": "全市调整", "area": "本县区调整", "week": "按星期推定"}
ORDINARY_DAYS: Final = frozenset({"工作日", "周末", "工作日（暂定）", "周末（暂定）"})
ACTORS: Final = {SYSTEM: "系统", APPLICANT: "申请人"}
DECISIONS: Final = {Verdict.APPROVE: "准予", Verdict.DENY: "不予"}
INSTANCE_STATES: Final = {"active": "运行中", "completed": "已结束", "terminated": "已终止"}
RESTORATIONS: Final = {"pending": "正在恢复", "sent": "已恢复", "dead": "恢复失败"}
CERTIFICATE_STATES: Final = {state.value: state.label for state in CertificateState}
ROLES: Final = {
    Role.WINDOW: "综合窗口",
    Role.REVIEWER: "承办人",
    Role.CHIEF: "首席代表",
    Role.APPROVER: "审批人",
    Role.SUPERVISOR: "监管人员",
    Role.ADVISOR: "业务指导员",
    Role.COORDINATOR: "市级统筹协调员",
    Role.SYSTEM: "系统管理员",
    Role.SECURITY: "安全保密管理员",
    Role.AUDIT: "安全审计员",
}
RULES: Final = {
    "material": "申请材料",
    "extra": "清单外材料",
    "identity": "证件号码",
    "territory": "实施区域",
    "date": "实施日期",
    "condition": "管辖条件",
    "restriction": "监管限制",
}

NOTICES: Final = {
    "library_mending": "已安排：未归集的立即归集，其余的立即核对。稍后刷新可见结果。",
    "revocation_opened": "撤销程序已启动，请告知被许可人并听取陈述、申辩。",
    "revocation_heard": "陈述、申辩的情况已记录。",
    "revocation_decided": "决定已作出。",
    "received": "已接件，材料接收凭证已出具。",
    "submitted": "已提交。本环节办理完毕，下一环节见“当前环节”。",
    "transferred": "已转交。",
    "released": "已退回本组，其他人可以签收。",
    "supplied": "补正材料已接收，正在重新进行形式审查。",
    "withdrawn": "已撤回申请。",
    "calendar_changed": "日历已调整，受影响的在办件期限已重新计算。",
    "calendar_unchanged": "日历本来就是这样，没有改变。",
    "clock_changed": "已登记，办理期限已重新计算。",
    "restoring": "已要求恢复，稍后查看结果。",
    "retried": "已重试，稍后查看结果。",
    "set_aside_taken": "已读取，相关的任务和流程随即更新。",
    "set_aside_unreadable": "仍然无法读取，原因已更新。",
    "set_aside_waits": "引擎桥暂未应答，恢复后会自动重试。",
    "signed_out": "您已安全退出。",
    "push_claimed": "已认领。",
    "feedback_given": "已反馈给审批单位。",
    "feedback_read": "已标记为已阅。",
    "feedback_answered": "已答复，监管单位可在台账中看到。",
    "restriction_lifted": "限制措施已解除。",
    "notice_issued": "已发出告知，正在送达审批单位。",
    "notice_acknowledged": "已签阅。",
    "guide_published": "办事指南已发布，此后接件按新版办理，在办件保留原版本。",
    "power_done": "已办理，并记入台账。",
    "seal_registered": "印章已登记，密钥和证书已生成。",
    "seal_suspended": "印章已停用，需用此印的文书暂停签发。",
    "seal_resumed": "印章已恢复。等待此印的办件，请在“流程运行”中重试故障。",
    "seal_renewed": "证书已换发，此前签发的文书仍然有效。",
    "seal_limited": "用印范围已调整。",
    "webhook_deleted": "推送地址已删除。",
    "webhook_resent": "已安排重发。",
    "account_disabled": "账号已停用，其会话已全部结束。",
    "account_enabled": "账号已启用，岗位与停用前相同。",
    "sign_in_released": "已解除减速，可以立即再次登录。",
    "memberships_changed": "岗位已调整，自下一次操作起生效。",
    "sessions_ended": "会话已结束。",
    "password_changed": "密码已修改，其他会话已全部结束。",
}
"""What a page may be told to announce after a redirect; anything else is ignored."""


def state_tone(code: int) -> str:
    """Return the badge colour of a case state."""
    if code in (11, 12):
        return "green"
    if code in (4, 5, 13, 15):
        return "red"
    if code in (6, 7, 9):
        return "amber"
    return "" if code in (2, 14) else "blue"


FIELD_NAMES = {
    "answer_due_days": "答复期限",
    "area": "县（市、区）",
    "begins_at": "时间",
    "effective_on": "生效之日",
    "file": "文件",
    "from": "起始日期",
    "in_force_from": "实施之日",
    "item": "事项",
    "items": "事项",
    "note": "审定意见",
    "procedure": "审核审批程序",
    "reason": "理由",
    "step": "操作",
    "text": "内容",
    "title": "名称",
    "to": "截止日期",
    "unit": "部门",
}
"""What people call the fields of forms, where a page has no place beside the field for what is wrong with it."""
