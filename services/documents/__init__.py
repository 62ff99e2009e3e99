"""Official papers (文书) and certificates: the facts they state, their numbers, seals, signatures and storage.

May call: catalogue, journal, signatures.
"""
