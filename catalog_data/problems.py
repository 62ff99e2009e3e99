"""What is wrong with a catalogue file, and where."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One fault: ``row`` is the file's line (0: the file as a whole), ``column`` a column or a YAML path."""

    file: str
    row: int
    column: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file} 第{self.row}行" if self.row else self.file
        return f"{place} {self.column}：{self.message}" if self.column else f"{place}：{self.message}"


class CatalogueError(Exception):
    """The catalogue files are refused; ``problems`` names every fault, not just the first."""

    code = "catalogue_invalid"

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        listed = "\n".join(str(problem) for problem in self.problems)
        super().__init__(f"事项目录有 {len(self.problems)} 处错误：\n{listed}")
