"""Files people hand in: what is taken, to what it belongs, who reads it, and when it is gone.

May call: accounts, journal, notifications.
"""
