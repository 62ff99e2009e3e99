"""What stands open to everybody, and how often it may be tried: signing in, and the codes the public asks with.

May call: accounts, documents (for the signing key), journal, notifications.
"""
