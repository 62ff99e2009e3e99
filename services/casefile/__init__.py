"""The read side of a case: its list, the whole of it, its papers, and what the applicant may know.

May call everything that has a part of the case: accounts, cases, catalogue, deadlines, documents, files, journal,
powers, supervision, tasks, witness.
"""
