"""Deviations: actions of the engine that no use case requested are detected, reported and corrected.

May call: accounts, cases, journal, notifications, process_engine, takeovers, tasks.
"""
