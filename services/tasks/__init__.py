"""People's tasks: their lists, whose each is, and completing one.

May call: accounts, cases, catalogue, deadlines, files, journal, process_engine.
"""
