"""Read the guides, one YAML file per item; a fault names the file, the line and the path of the value."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from catalog_data.guide import Guide
from catalog_data.problems import Problem
from catalog_data.tables import Located, describe, read_text

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML was built without libyaml; slower, otherwise the same.
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

GUIDES = "guides"
DEEPEST = 16
"""How deep a guide's values may be nested: libyaml composes nodes by recursion in C, which a deep file overruns."""
MOST_VALUES = 5_000
"""How many keys and values a guide may have; the fullest has some hundreds."""


def read_guides(root: Path) -> tuple[dict[str, Located[Guide]], list[Problem]]:
    """Return the valid guides by file name and every fault of the others."""
    folder = root / GUIDES
    if not folder.is_dir():
        return {}, [Problem(GUIDES, 0, "", "文件夹不存在")]
    guides: dict[str, Located[Guide]] = {}
    problems: list[Problem] = []
    for path in sorted(folder.iterdir()):
        name = f"{GUIDES}/{path.name}"
        if path.suffix != ".yaml":
            if path.suffix != ".md" and not path.name.startswith("."):
                problems.append(Problem(name, 0, "", "指南文件应以 .yaml 结尾"))
            continue
        guide, faults = read_guide(path, name)
        problems += faults
        if guide is not None:
            guides[name] = guide
    return guides, problems


def read_guide(path: Path, name: str) -> tuple[Located[Guide] | None, list[Problem]]:
    """Return one guide, or ``None`` and what is wrong with it."""
    text, problems = read_text(path, name)
    if text is None:
        return None, problems
    guide, faults = read_guide_text(text, name)
    return (None if problems else guide), problems + faults


def read_guide_text(text: str, name: str) -> tuple[Located[Guide] | None, list[Problem]]:
    """Return the guide a text describes, or ``None`` and what is wrong with it."""
    try:
        if (refused := _refused(text, name)) is not None:
            return None, [refused]
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            faults = _repeated_keys(node, name) if node is not None else []
            data = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except yaml.YAMLError as exc:
        return None, [_syntax_problem(name, exc)]
    except (ValueError, RecursionError) as exc:
        return None, [Problem(name, 0, "", f"YAML 内容无法解读：{exc}")]
    if faults:
        return None, faults
    if not isinstance(data, dict):
        return None, [Problem(name, 1, "", "应为键值对")]
    try:
        return Located(1, Guide.model_validate(data)), []
    except ValidationError as exc:
        return None, [
            Problem(name, _line_of(node, error["loc"]), _path_of(error["loc"]), describe(error))
            for error in exc.errors()
        ]


def _refused(text: str, name: str) -> Problem | None:
    """Return why a text is not read at all, or None; its events are taken one by one, without recursion.

    A guide is plain values, a few hundred of them. Anchors and aliases (``&a``, ``*a``) let a small file stand for a
    huge one, and composing the nodes of thousands takes seconds.
    """
    depth = values = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark is not None else 0
        if isinstance(event, yaml.NodeEvent):
            values += 1
            if event.anchor is not None:
                return Problem(name, line, "", "不能使用 YAML 的锚点或别名（& 与 *）；以这两个字符开头的文字请加引号")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            return Problem(name, line, "", f"嵌套超过{DEEPEST}层")
        if values > MOST_VALUES:
            return Problem(name, line, "", f"内容超过{MOST_VALUES}项")
    return None


def _syntax_problem(name: str, exc: yaml.YAMLError) -> Problem:
    mark = getattr(exc, "problem_mark", None)
    reason = getattr(exc, "problem", None) or getattr(exc, "reason", None) or "无法解读"
    return Problem(name, mark.line + 1 if mark else 0, "", f"YAML 语法错误：{reason}")


def _repeated_keys(node: Any, name: str) -> list[Problem]:
    """Find keys written twice in one mapping, of which YAML would silently keep the last."""
    problems: list[Problem] = []
    waiting, visited = [node], {id(node)}
    while waiting:
        current = waiting.pop()
        children: list[Any] = []
        if isinstance(current, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in current.value:
                if key.value in keys:
                    problems.append(Problem(name, key.start_mark.line + 1, str(key.value), "键重复"))
                if isinstance(key.value, str):
                    keys.add(key.value)
                children.append(value)
        elif isinstance(current, yaml.SequenceNode):
            children = current.value
        for child in children:
            if id(child) not in visited:
                visited.add(id(child))
                waiting.append(child)
    return problems


def _line_of(node: Any, location: tuple[int | str, ...]) -> int:
    """Return the line of the deepest node that the location of a fault reaches."""
    line = 1
    for step in location:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            pair = (node.value[step], node.value[step])
        else:
            pair = None
        if pair is None:
            break
        line = pair[0].start_mark.line + 1
        node = pair[1]
    return line


def _path_of(location: tuple[int | str, ...]) -> str:
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
    return path
