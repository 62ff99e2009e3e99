"""Groups of every kind, and for each right by its name the groups that have it."""

from collections.abc import Callable

from models.calendar import CITY_WIDE
from services.accounts import (
    guidance_rights,
    power_rights,
    publishing_rights,
    rights,
    supervision_rights,
    system_rights,
)
from services.accounts.actors import Actor

GROUPS = (
    "xingguo.window",
    "xingguo.reviewer",
    "xingguo.chief",
    "xingguo.approver",
    "xingguo.supervisor",
    "yudu.approver",
    "rongjiang.jfj.reviewer",
    "city.zrzy.reviewer",
    "city.zrzy.approver",
    "city.zrzy.supervisor",
    "city.zrzy.advisor",
    "city.xzsp.reviewer",
    "city.xzsp.approver",
    "city.jtys.approver",
    "city.coordinator",
    "admin.system",
    "admin.security",
    "admin.audit",
    "task-force",
)
ADMINISTRATORS = {"admin.system", "admin.security", "admin.audit"}
STAFF = set(GROUPS) - ADMINISTRATORS - {"task-force"}
COUNTY = {one for one in STAFF if one.startswith(("xingguo.", "yudu.", "rongjiang."))}
XINGGUO = {one for one in STAFF if one.startswith("xingguo.")}
ZRZY = {one for one in STAFF if one.startswith("city.zrzy.")}

MAY: dict[str, tuple[Callable[[Actor], bool], set[str]]] = {
    "have to do with cases": (rights.works_on_cases, STAFF),
    "draft an agreement between xingguo and zrzy": (
        lambda who: power_rights.may_draft_agreement(who, "xingguo", "zrzy"),
        {"xingguo.approver", "city.zrzy.approver", "city.coordinator"},
    ),
    "draft some agreement": (
        power_rights.may_draft_agreements,
        {one for one in GROUPS if one.endswith(".approver")} | {"city.coordinator"},
    ),
    "sign for zrzy": (lambda who: power_rights.signs_for_unit(who, "zrzy"), {"city.zrzy.approver"}),
    "sign for xingguo": (lambda who: power_rights.signs_for_area(who, "xingguo"), {"xingguo.approver"}),
    "suspend an agreement of zrzy": (
        lambda who: power_rights.may_change_agreement(who, "zrzy"),
        {"city.zrzy.approver", "city.coordinator"},
    ),
    "acknowledge a filing with zrzy": (
        lambda who: power_rights.may_handle_filing(who, "zrzy"),
        {"city.zrzy.reviewer", "city.zrzy.approver"},
    ),
    "answer for xingguo": (
        lambda who: power_rights.may_answer_filing(who, "xingguo"),
        {"xingguo.reviewer", "xingguo.chief", "xingguo.approver"},
    ),
    "read a filing of xingguo with zrzy": (
        lambda who: power_rights.may_read_filing(who, "xingguo", "zrzy"),
        XINGGUO | ZRZY | {"city.coordinator"},
    ),
    "propose to recall what zrzy delegated": (
        lambda who: power_rights.may_propose_recall(who, "zrzy"),
        {"city.zrzy.reviewer", "city.zrzy.approver", "city.zrzy.supervisor", "city.coordinator"},
    ),
    "state xingguo's view": (
        lambda who: power_rights.may_state_opinion(who, "xingguo"),
        {"xingguo.approver", "xingguo.chief"},
    ),
    "decide on a recall for zrzy": (
        lambda who: power_rights.may_decide_recall(who, "zrzy"),
        {"city.zrzy.approver", "city.coordinator"},
    ),
    "see the cases a recall touches": (
        lambda who: power_rights.may_see_recalled_cases(who, "xingguo", "zrzy"),
        XINGGUO | ZRZY | {"city.coordinator"},
    ),
    "transfer between xingguo's units": (
        lambda who: power_rights.may_transfer(who, "xingguo"),
        {"xingguo.approver", "city.coordinator"},
    ),
    "preview a transfer in xingguo": (
        lambda who: power_rights.may_preview_transfer(who, "xingguo"),
        XINGGUO | {"city.coordinator"},
    ),
    "read drafts of lists": (publishing_rights.may_read_lists, STAFF),
    "draft a list": (
        publishing_rights.may_draft_list,
        {one for one in GROUPS if one.startswith("city.") and one.endswith((".reviewer", ".approver"))}
        | {"city.coordinator"},
    ),
    "decide on lists": (publishing_rights.may_review_lists, {"city.xzsp.approver", "city.coordinator"}),
    "publish somebody else's list": (
        lambda who: publishing_rights.may_publish_list(who, "somebody"),
        {"city.xzsp.approver", "city.coordinator"},
    ),
    "publish one's own list": (lambda who: publishing_rights.may_publish_list(who, who.username), set()),
    "publish zrzy's guides": (
        lambda who: publishing_rights.may_publish_guide(who, "zrzy"),
        {"city.zrzy.approver", "city.coordinator"},
    ),
    "ask the city": (guidance_rights.may_ask, COUNTY),
    "answer for zrzy": (lambda who: guidance_rights.advises(who, "zrzy"), {"city.zrzy.advisor"}),
    "announce zrzy's trainings": (
        lambda who: guidance_rights.may_announce_training(who, "zrzy"),
        {"city.zrzy.advisor", "city.coordinator"},
    ),
    "supervise what is pushed to xingguo": (
        lambda who: supervision_rights.supervises(who, "xingguo.supervisor"),
        {"xingguo.supervisor"},
    ),
    "read a push to xingguo on zrzy's decision": (
        lambda who: supervision_rights.may_read_push(who, "xingguo.supervisor", "city.zrzy.approver"),
        {"xingguo.supervisor", "city.zrzy.approver", "city.coordinator"},
    ),
    "answer feedback on zrzy's decision": (
        lambda who: supervision_rights.answers_feedback(who, "city.zrzy.approver"),
        {"city.zrzy.approver"},
    ),
    "give notice of policy": (supervision_rights.may_issue_notice, {"xingguo.supervisor", "city.zrzy.supervisor"}),
    "administer": (system_rights.may_administer, {"admin.system"}),
    "see who has an account": (system_rights.may_list_accounts, {"admin.system", "admin.security"}),
    "change the city's calendar": (
        lambda who: system_rights.may_change_calendar(who, CITY_WIDE),
        {"city.coordinator", "admin.system"},
    ),
    "change xingguo's calendar": (
        lambda who: system_rights.may_change_calendar(who, "xingguo"),
        {"city.coordinator", "admin.system", "xingguo.approver"},
    ),
    "preside over a hearing": (
        lambda who: rights.may_preside(who.groups),
        {one for one in GROUPS if one.endswith((".reviewer", ".approver", ".chief", ".advisor"))},
    ),
}
