"""The life of a case: submission, form check, acceptance, hearings, special procedures, dossier, decision, deadlines.

May call everything below: accounts, catalogue, certificates, deadlines, documents, files, journal, notifications,
powers, process_engine, supervision.
"""
