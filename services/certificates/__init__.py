"""The life of certificates (电子证照): named at intake, given content with the decision, changed, renewed, cancelled,
revoked, told to the city library, listed and read.

May call: accounts, catalogue, deadlines, documents, journal, webhooks.
"""
