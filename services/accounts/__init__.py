"""Who acts and what they may do: accounts, sessions, groups, and the rights that follow from them.

Rights are decided here and nowhere else; a service asks before it acts, a page asks only to leave a button out.
May call: journal.
"""
