"""Write a lock file to standard output without some packages: ``python omit_packages.py LOCK [NAME…]``.

A requirement begins at the start of a line; its hashes and notes are indented below it.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path


def without(lines: Iterable[str], omitted: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a lock file but those of the ``omitted`` packages.

    Raises:
        LookupError: the lock file does not name one of them, so that a renamed package is noticed.
    """
    wanted = set(omitted)
    found, skipping = set(), False
    for line in lines:
        if line[:1] not in (" ", "\t", "#", "\n", ""):
            name = re.match(r"[A-Za-z0-9._-]+", line)
            skipping = name is not None and name.group() in wanted
            if skipping and name is not None:
                found.add(name.group())
        if not skipping:
            yield line
    if missing := wanted - found:
        raise LookupError(f"锁定文件中没有 {'、'.join(sorted(missing))}")


if __name__ == "__main__":
    with Path(sys.argv[1]).open(encoding="utf-8") as lock:
        sys.stdout.writelines(without(lock, sys.argv[2:]))
