"""Tune Python's garbage collector for the long-running processes."""

import gc

YOUNGEST = 20_000
"""Objects more than were freed before the collector looks at the youngest; seven hundred, Python's own choice, are a
fraction of one document or one answered request, and what is looked at in their midst is nearly all still in use."""
OLDER, OLDEST = 20, 50


def tune() -> None:
    """Leave what start-up made out of every later collection, and collect less often; call it when start-up is over.

    Modules, mappers and routes live as long as the process. Looking through them again and again was a tenth of the
    workers' time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNGEST, OLDER, OLDEST)
