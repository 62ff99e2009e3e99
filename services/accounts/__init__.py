"""Who acts and what they may do: accounts, sessions, groups, and the rights that follow from them.

Rights are decided here and nowhere else, a module a subject: ``rights`` for cases, ``personal_data_rights`` for whose
they are, ``task_rights``, ``power_rights``, ``publishing_rights``, ``guidance_rights``, ``supervision_rights`` and
``system_rights``, all of them made of what ``membership`` says of an actor. A service calls ``require_…`` before it
acts; a page asks ``may_…`` only to leave a button out. What comes of them at every address stands in
``docs/reference/rights.md``, which a test walks.
May call: journal.
"""
