"""JSON of which every reader makes the same bytes: what signatures, seals and digests are computed from."""

import hashlib
import json
from typing import Any


def canonical(content: Any) -> bytes:
    """Return ``content`` as JSON with sorted keys, no blanks, in UTF-8; raise ``ValueError`` for what JSON has not."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def digest_of(content: Any) -> str:
    """Return the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical(content)).hexdigest()
