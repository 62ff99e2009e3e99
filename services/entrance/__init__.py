"""What is open to everybody, and how often it may be tried: signing in, and look-ups by the public's codes.

May call: accounts, documents (for the signing key), journal, notifications.
"""
