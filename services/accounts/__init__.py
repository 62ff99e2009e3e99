"""Who acts and what they may do: accounts, sessions, groups, and the rights that follow from them.

Rights are decided here and nowhere else, one module per subject: ``rights`` for cases, ``personal_data_rights`` for
applicants, ``task_rights``, ``power_rights``, ``publishing_rights``, ``guidance_rights``, ``supervision_rights`` and
``system_rights``, all of them derived from what ``membership`` says of an actor. A service calls ``require_…`` before
it acts; a page asks ``may_…`` only to leave a button out. The result for every address is listed in
``docs/reference/rights.md``, which a test checks.
May call: journal.
"""
