"""People's tasks: their lists, their assignment, and their completion.

May call: accounts, cases, catalogue, certificates, deadlines, files, journal, process_engine.
"""
