"""Which records the engine exports, as configuration of its stock Elasticsearch exporter.

Two instances of the exporter feed the bridge. ``FEED`` carries what the product acts on, one record per request, so
that a task appears within some twenty milliseconds. ``HISTORY`` carries the element history in batches. Order
holds within one exporter, not between the two.

Argument names are the fields of ``ElasticsearchExporterConfiguration.IndexConfiguration`` (8.5.8, 8.6.0); a field
that a version does not know is ignored by it.
"""

from dataclasses import dataclass, field
from enum import StrEnum

EXPORTER_CLASS = "io.camunda.zeebe.exporter.ElasticsearchExporter"
FEED_PREFIX = "tq-feed"
HISTORY_PREFIX = "tq-history"
EXPORTERS = frozenset({FEED_PREFIX, HISTORY_PREFIX})
"""The names of the two exporters: the prefixes of their indices."""
HISTORY_BULK = 100
"""Records a request at the most: a case makes some three hundred, and each request is a transaction of the bridge."""


@dataclass(frozen=True)
class FeedAccount:
    """What both exporters present to the bridge (HTTP basic authentication)."""

    username: str
    password: str = field(repr=False)


class ValueType(StrEnum):
    """Record value types of the engine, by the name of the exporter's index argument."""

    AUTHORIZATION = "authorization"
    CHECKPOINT = "checkpoint"
    COMMAND_DISTRIBUTION = "commandDistribution"
    COMPENSATION_SUBSCRIPTION = "compensationSubscription"
    DECISION = "decision"
    DECISION_EVALUATION = "decisionEvaluation"
    DECISION_REQUIREMENTS = "decisionRequirements"
    DEPLOYMENT = "deployment"
    DEPLOYMENT_DISTRIBUTION = "deploymentDistribution"
    ERROR = "error"
    ESCALATION = "escalation"
    FORM = "form"
    INCIDENT = "incident"
    JOB = "job"
    JOB_BATCH = "jobBatch"
    MESSAGE = "message"
    MESSAGE_BATCH = "messageBatch"
    MESSAGE_CORRELATION = "messageCorrelation"
    MESSAGE_START_EVENT_SUBSCRIPTION = "messageStartEventSubscription"
    MESSAGE_SUBSCRIPTION = "messageSubscription"
    PROCESS = "process"
    PROCESS_EVENT = "processEvent"
    PROCESS_INSTANCE = "processInstance"
    PROCESS_INSTANCE_BATCH = "processInstanceBatch"
    PROCESS_INSTANCE_CREATION = "processInstanceCreation"
    PROCESS_INSTANCE_MIGRATION = "processInstanceMigration"
    PROCESS_INSTANCE_MODIFICATION = "processInstanceModification"
    PROCESS_MESSAGE_SUBSCRIPTION = "processMessageSubscription"
    RESOURCE_DELETION = "resourceDeletion"
    SIGNAL = "signal"
    SIGNAL_SUBSCRIPTION = "signalSubscription"
    TIMER = "timer"
    USER = "user"
    USER_TASK = "userTask"
    VARIABLE = "variable"
    VARIABLE_DOCUMENT = "variableDocument"


FEED_TYPES = frozenset(
    {
        ValueType.USER_TASK,
        ValueType.INCIDENT,
        ValueType.DEPLOYMENT,
        ValueType.PROCESS,
        ValueType.FORM,
        ValueType.MESSAGE_START_EVENT_SUBSCRIPTION,
    }
)
"""What the bridge acts on: tasks, incidents, deployments with their models and forms, and started cases."""

FEED_TYPES_CONTROLLED = FEED_TYPES | {ValueType.TIMER, ValueType.JOB, ValueType.MESSAGE}
"""With a controlled clock also what is still due or running, so that a jump can end at each due instant."""

HISTORY_TYPES = frozenset({ValueType.PROCESS_INSTANCE})
HISTORY_TYPES_CONTROLLED = HISTORY_TYPES | {ValueType.MESSAGE}
"""With a controlled clock a published message marks how far the history exporter has come."""


def exporter_environment(feed_url: str, account: FeedAccount, *, controlled_clock: bool) -> dict[str, str]:
    """Return the broker's environment for both exporters, each sending to ``feed_url`` as ``account``."""
    feed = FEED_TYPES_CONTROLLED if controlled_clock else FEED_TYPES
    history = HISTORY_TYPES_CONTROLLED if controlled_clock else HISTORY_TYPES
    return {
        **_exporter("FEED", feed_url, account, prefix=FEED_PREFIX, bulk_size=1, types=feed),
        **_exporter("HISTORY", feed_url, account, prefix=HISTORY_PREFIX, bulk_size=HISTORY_BULK, types=history),
    }


def _exporter(
    name: str, url: str, account: FeedAccount, *, prefix: str, bulk_size: int, types: frozenset[ValueType]
) -> dict[str, str]:
    """Return one exporter's variables; the delay is in seconds, and zero would keep a core busy."""
    base = f"ZEEBE_BROKER_EXPORTERS_{name}"
    arguments = {
        "URL": url,
        "AUTHENTICATION_USERNAME": account.username,
        "AUTHENTICATION_PASSWORD": account.password,
        "BULK_SIZE": str(bulk_size),
        "BULK_DELAY": "1",
        "INDEX_PREFIX": prefix,
        "INDEX_COMMAND": "false",
        "INDEX_EVENT": "true",
        "INDEX_REJECTION": "false",
        "INDEX_CREATETEMPLATE": "false",
    }
    arguments |= {f"INDEX_{kind.upper()}": str(kind in types).lower() for kind in ValueType}
    return {f"{base}_CLASSNAME": EXPORTER_CLASS} | {f"{base}_ARGS_{k}": v for k, v in arguments.items()}
