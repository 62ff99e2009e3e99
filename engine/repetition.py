"""Retry what may succeed a moment later: growing pauses with jitter, until a time has passed (stamina)."""

import stamina


def repeating(*, timeout: float, first_pause: float, longest_pause: float) -> stamina.AsyncRetryingCaller:
    """Return a caller that repeats for up to ``timeout`` seconds and then raises the last error; all in seconds.

    A pause doubles from one attempt to the next, lengthened at random by up to ``first_pause``.
    """
    quiet()
    return stamina.AsyncRetryingCaller(
        attempts=None,
        timeout=timeout,
        wait_initial=first_pause,
        wait_max=longest_pause,
        wait_jitter=first_pause,
    )


def quiet() -> None:
    """Have stamina neither log nor count: retries are ordinary under back-pressure, and whoever gives up reports it."""
    stamina.instrumentation.set_on_retry_hooks(())
