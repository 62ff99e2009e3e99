"""The projection: what the engine's records mean for the product's tables, one module per record type.

:class:`bridge.projection.projector.Projector` applies records in their order inside the caller's transaction;
:mod:`bridge.feed` drops what was applied before.
"""
