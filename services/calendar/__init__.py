"""Changes of the working calendar, by hand or by file, and the running cases they move.

May call: accounts, cases, deadlines, journal, process_engine.
"""
