"""Benchmarks: the whole stack against the bare engine, task lists at size, and a peer, in one run.

``python -m bench`` measures and prints ratios; ``README.md`` says what each figure is and what it is not.
"""
