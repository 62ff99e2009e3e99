"""A typed façade over the engine's two protocols: gRPC (by pyzeebe's channel and stubs) and REST (user tasks, over
the session in ``engine/rest.py``).

Every call has a deadline. Transient refusals (back-pressure, no connection, no leader) are repeated with
back-off until that deadline and then raised as :class:`EngineUnreachable`, so that a caller tells "try again
later" from "this will never work". pyzeebe's own client is not used for commands: it has no deadlines and
closes its channel after some failures; its channels, credentials and generated stubs are.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Protocol, Self

import grpc
import orjson
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from engine.channel import OAuth, open_channel
from engine.errors import (
    CommandRejected,
    DeploymentRejected,
    EngineUnreachable,
    IncidentGone,
    InstanceGone,
    TaskGone,
    TaskInOtherState,
)
from engine.repetition import repeating
from engine.rest import RestAnswer, RestSession, SignIn
from engine.topology import Topology

CALL_TIMEOUT_SECONDS = 10.0
"""How long one attempt may take."""
RETRY_TIMEOUT_SECONDS = 15.0
"""How long a call is retried after transient refusals before it gives up."""
DEPLOY_TIMEOUT_SECONDS = 60.0
MIN_BACKOFF_SECONDS = 0.02
MAX_BACKOFF_SECONDS = 1.0
MIRROR_ACTION = "tongquan"
"""The action on assignments this product sends, by which the feed knows its own echo."""

_MOMENTARY = frozenset(
    {
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.INTERNAL,
    }
)


@dataclass(frozen=True)
class Resource:
    """One file of a deployment."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Deployed:
    """What one resource became: ``kind`` is process, decision, decision_requirements or form.

    ``new`` is false when the engine had the same resource already and answers with its old version.
    """

    kind: str
    id: str
    version: int
    key: int
    resource_name: str
    new: bool = False


class EngineSettings(Protocol):
    """The two addresses :meth:`Gateway.from_settings` reads."""

    zeebe_address: str
    zeebe_rest_address: str


class Gateway:
    """Send commands to one cluster; use as an async context manager, inside the loop that will use it."""

    def __init__(
        self,
        address: str,
        rest_address: str,
        *,
        oauth: OAuth | None = None,
        sign_in: SignIn | None = None,
        retry_timeout: float = RETRY_TIMEOUT_SECONDS,
    ) -> None:
        self._channel = open_channel(address, oauth)
        self._stub: Any = GatewayStub(self._channel)
        self._rest = RestSession(rest_address, oauth=oauth, sign_in=sign_in)
        self._repeat = repeating(
            timeout=retry_timeout, first_pause=MIN_BACKOFF_SECONDS, longest_pause=MAX_BACKOFF_SECONDS
        ).on(EngineUnreachable)

    @classmethod
    def from_settings(cls, settings: EngineSettings, *, retry_timeout: float = RETRY_TIMEOUT_SECONDS) -> "Gateway":
        """Build the gateway the settings and Camunda's usual client variables describe."""
        return cls(
            settings.zeebe_address,
            settings.zeebe_rest_address,
            oauth=OAuth.from_environment(os.environ),
            sign_in=SignIn.from_environment(os.environ),
            retry_timeout=retry_timeout,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close both connections."""
        await self._rest.close()
        await self._channel.close()

    async def publish_message(
        self,
        name: str,
        correlation_key: str,
        *,
        variables: Mapping[str, Any],
        time_to_live_ms: int,
        message_id: str = "",
    ) -> None:
        """Publish a message; one with the same id, name and key that is still kept counts as published."""
        request = pb.PublishMessageRequest(
            name=name,
            correlationKey=correlation_key,
            timeToLive=time_to_live_ms,
            messageId=message_id,
            variables=orjson.dumps(dict(variables)).decode(),
        )
        try:
            await self._call(self._stub.PublishMessage, request)
        except grpc.aio.AioRpcError as exc:
            if exc.code() is not grpc.StatusCode.ALREADY_EXISTS:
                raise _rejected(exc) from exc

    async def complete_user_task(self, key: int, variables: Mapping[str, Any]) -> None:
        """Complete a native user task.

        Raises:
            TaskGone: it is not there any more (404); the feed tells whether it was completed or cancelled.
            TaskInOtherState: it is there and cannot be completed now (409).
        """
        await self._command_task("POST", f"/v1/user-tasks/{key}/completion", {"variables": dict(variables)})

    async def assign_user_task(self, key: int, assignee: str) -> None:
        """Assign a native user task, whoever has it now.

        Raises:
            TaskGone: it is not there any more.
        """
        body = {"assignee": assignee, "allowOverride": True, "action": MIRROR_ACTION}
        await self._command_task("POST", f"/v1/user-tasks/{key}/assignment", body)

    async def unassign_user_task(self, key: int) -> None:
        """Take a native user task from whoever has it; nobody having it is no error.

        Raises:
            TaskGone: it is not there any more.
        """
        await self._command_task("DELETE", f"/v1/user-tasks/{key}/assignee", None)

    async def update_user_task(self, key: int, candidate_groups: Sequence[str]) -> None:
        """Give a native user task other candidate groups.

        Raises:
            TaskGone: it is not there any more.
        """
        body = {"changeset": {"candidateGroups": list(candidate_groups)}, "action": MIRROR_ACTION}
        await self._command_task("PATCH", f"/v1/user-tasks/{key}", body)

    async def set_variables(self, key: int, variables: Mapping[str, Any]) -> None:
        """Set variables of a running process instance, in its own scope.

        Raises:
            InstanceGone: it has ended already.
        """
        request = pb.SetVariablesRequest(elementInstanceKey=key, variables=orjson.dumps(dict(variables)).decode())
        await self._keyed(self._stub.SetVariables, request, InstanceGone)

    async def cancel_instance(self, key: int) -> None:
        """Cancel a root process instance and what it called.

        Raises:
            InstanceGone: it has ended already.
        """
        await self._keyed(
            self._stub.CancelProcessInstance,
            pb.CancelProcessInstanceRequest(processInstanceKey=key),
            InstanceGone,
        )

    async def move_instance(
        self,
        key: int,
        *,
        activate: Mapping[str, Mapping[str, Any]],
        terminate: Sequence[int],
        variables: Mapping[str, Any],
    ) -> None:
        """Move a running process instance: begin some elements, with local variables, and end some element instances.

        Raises:
            InstanceGone: it has ended already.
            CommandRejected: one of the element instances is not there any more, or an element cannot be begun.
        """
        request = pb.ModifyProcessInstanceRequest(processInstanceKey=key)
        for element_id, local in activate.items():
            instruction = request.activateInstructions.add(elementId=element_id)
            for scope, values in (("", variables), (element_id, local)):
                if values:
                    instruction.variableInstructions.add(scopeId=scope, variables=orjson.dumps(dict(values)).decode())
        for element_instance_key in terminate:
            request.terminateInstructions.add(elementInstanceKey=element_instance_key)
        await self._keyed(self._stub.ModifyProcessInstance, request, InstanceGone)

    async def update_retries(self, job_key: int, retries: int) -> None:
        """Give a job new retries.

        Raises:
            IncidentGone: the job is not there any more.
        """
        request = pb.UpdateJobRetriesRequest(jobKey=job_key, retries=retries)
        await self._keyed(self._stub.UpdateJobRetries, request, IncidentGone)

    async def resolve_incident(self, key: int) -> None:
        """Let the engine go on where an incident stopped it.

        Raises:
            IncidentGone: it is resolved already.
        """
        await self._keyed(self._stub.ResolveIncident, pb.ResolveIncidentRequest(incidentKey=key), IncidentGone)

    async def deploy(self, resources: Sequence[Resource], *, seconds: float = DEPLOY_TIMEOUT_SECONDS) -> list[Deployed]:
        """Deploy all resources in one transaction of the engine, or none; one attempt may take ``seconds``.

        Raises:
            DeploymentRejected: the engine refuses one of them; the message is the engine's own.
        """
        request = pb.DeployResourceRequest(resources=[pb.Resource(name=r.name, content=r.content) for r in resources])
        try:
            response = await self._call(self._stub.DeployResource, request, seconds=seconds)
        except grpc.aio.AioRpcError as exc:
            raise DeploymentRejected(_details(exc)) from exc
        items = [_deployed(item) for item in response.deployments]
        fresh = _fresh_keys(response.key, {item.key for item in items})
        return [replace(item, new=item.key in fresh) for item in items]

    async def topology(self) -> Topology:
        """Ask for the cluster's topology as its gateway knows it now: just after a start, or while a busy
        broker answers its gateway late, a partition may be reported without its leader.

        Raises:
            EngineUnreachable: the cluster does not answer.
        """
        try:
            answer = await self._stub.Topology(pb.TopologyRequest(), timeout=CALL_TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as exc:
            raise EngineUnreachable(_details(exc)) from exc
        return Topology.from_answer(answer)

    async def _keyed(self, call: Callable[..., Any], request: Any, gone: type[CommandRejected]) -> None:
        """Send a command about one key; ``gone`` is raised when the engine does not know it."""
        try:
            await self._call(call, request)
        except grpc.aio.AioRpcError as exc:
            if exc.code() is grpc.StatusCode.NOT_FOUND:
                raise gone(_details(exc)) from exc
            raise _rejected(exc) from exc

    async def _call(self, call: Callable[..., Any], request: Any, *, seconds: float = CALL_TIMEOUT_SECONDS) -> Any:
        """Make a gRPC call and retry transient refusals; other refusals are raised as they are."""

        async def attempt() -> Any:
            try:
                return await call(request, timeout=seconds)
            except grpc.aio.AioRpcError as exc:
                if exc.code() in _MOMENTARY:
                    raise EngineUnreachable(_details(exc)) from exc
                raise

        return await self._repeat(attempt)

    async def _command_task(self, method: str, path: str, body: dict[str, Any] | None) -> None:
        """Send a command about one user task and retry transient refusals."""
        content = None if body is None else orjson.dumps(body)
        answer: RestAnswer = await self._repeat(self._rest.request, method, path, content)
        if answer.status < 300:
            return
        errors: dict[int, type[CommandRejected]] = {404: TaskGone, 409: TaskInOtherState}
        raise errors.get(answer.status, CommandRejected)(f"{answer.status} {answer.problem}")


def _rejected(exc: grpc.aio.AioRpcError) -> CommandRejected:
    return CommandRejected(_details(exc))


def _details(exc: grpc.aio.AioRpcError) -> str:
    return f"{exc.code().name}: {exc.details() or ''}"


def _fresh_keys(deployment_key: int, keys: set[int]) -> set[int]:
    """Return the keys this deployment made.

    The answer does not say which resources are duplicates. New ones take consecutive keys just below the
    deployment's own, and an earlier deployment's own key always ends that run.
    """
    fresh: set[int] = set()
    candidate = deployment_key - 1
    while candidate in keys:
        fresh.add(candidate)
        candidate -= 1
    return fresh


def _deployed(item: Any) -> Deployed:
    kind = item.WhichOneof("Metadata")
    data = getattr(item, kind)
    match kind:
        case "process":
            return Deployed("process", data.bpmnProcessId, data.version, data.processDefinitionKey, data.resourceName)
        case "form":
            return Deployed("form", data.formId, data.version, data.formKey, data.resourceName)
        case "decision":
            return Deployed("decision", data.dmnDecisionId, data.version, data.decisionKey, "")
        case _:
            return Deployed(
                "decision_requirements",
                data.dmnDecisionRequirementsId,
                data.version,
                data.decisionRequirementsKey,
                data.resourceName,
            )
