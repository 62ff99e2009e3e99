"""Who signs what (文书署名), by mode and kind of paper."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages.rendering import render
from api.pages.routing import PageRoute
from api.pages.visitors import CurrentVisitor
from catalog_data.paper_organs import KeptAt, PaperOrgan, Signer, Standing, read_rules
from models.catalogue import Mode

router = APIRouter(route_class=PageRoute)

STANDINGS: Final = {**{Standing(mode): mode.label for mode in Mode}, Standing.RECALLED: "权限收回后"}
ORGANS: Final = {
    PaperOrgan.COUNTY: "县级承办部门",
    PaperOrgan.CITY: "市级单位",
    PaperOrgan.STAGE: "办件所在一级的机关",
}
KEPT: Final = {KeptAt.WINDOW: "综合受理窗口", KeptAt.UNIT: "本机关"}
SIGNERS: Final = {
    Signer.WINDOW: "窗口人员",
    Signer.REVIEWER: "审核人员",
    Signer.CHIEF: "首席代表",
    Signer.APPROVER: "审批负责人",
}


@router.get("/powers/paper-organs")
def show_paper_organs(request: Request, visitor: CurrentVisitor) -> Response:
    """Show the table by which papers are issued."""
    tables = {name: [rule for rule in read_rules() if rule.standing is one] for one, name in STANDINGS.items()}
    context = {"tables": tables, "organs": ORGANS, "kept": KEPT, "signers": SIGNERS}
    return render(request, "powers/paper_organs.html", context)
