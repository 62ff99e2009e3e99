"""A case's clock: the working calendar, the dates that follow from it, and how every day was counted.

Reads and sets dates; what happens when one comes is in ``cases.deadline_monitor``. May call: catalogue, process_engine.
"""
