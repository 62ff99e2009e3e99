"""Deviations: what the engine did that no use case asked for is noticed, told to the administrator, and set right.

May call: accounts, cases, journal, notifications, process_engine, takeovers, tasks.
"""
