"""Tables and the rules on them that need neither the engine nor HTTP; importing this package registers every table."""

from models import (  # noqa: F401
    account,
    agreement,
    audit,
    calendar,
    case,
    catalogue,
    clock_state,
    decision,
    document,
    dossier,
    engine_state,
    outbox,
    special_procedure,
    task,
)
