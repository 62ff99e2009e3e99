"""A task as it is shown, and the body that completes it."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from models.task import Light


class OutcomeView(BaseModel):
    """One answer a task can be completed with."""

    value: str
    label: str


class TaskView(BaseModel):
    """A task as lists show it."""

    id: str
    case_no: str
    element_id: str
    process_id: str
    name: str
    item_name: str
    area: str
    candidate_groups: list[str]
    assignee: str | None
    created_at: datetime
    due_at: datetime | None
    provisional: bool
    """The due instant rests on days whose holidays are not published yet (暂定)."""
    light: Light
    form_id: str | None
    outcomes: list[OutcomeView]


class FormView(BaseModel):
    """A task's form: form-js schema and prefilled data."""

    schema_: dict[str, Any] = Field(alias="schema")
    data: dict[str, Any]

    model_config = ConfigDict(populate_by_name=True)


class TaskDetail(TaskView):
    """A task with its form and what led to it."""

    form: FormView | None
    status: str


class TaskCompletion(BaseModel):
    """The body of ``POST /tasks/{id}/complete``."""

    model_config = ConfigDict(extra="forbid")

    outcome: str = Field(min_length=1, max_length=64)
    opinion: str = Field(default="", max_length=4000)
    values: dict[str, Any] = Field(default_factory=dict)
