"""People's tasks: their lists, whose each is, and completing one.

May call: accounts, cases, catalogue, deadlines, journal, process_engine.
"""
