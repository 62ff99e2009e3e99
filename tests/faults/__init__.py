"""Faults on a real engine: cases in are cases out, each effect is one, and nothing is restarted by hand.

Which test holds what; a fault a unit or integration test holds as well as an engine could is not tried again here.

====================================================  ================================================================
fault                                                 held by
====================================================  ================================================================
``kill -9`` of engine, bridge, workers, web, all      ``test_kill``; under load ``bench/soak.py``
three kills of the engine in a row                    ``test_kill``, ``unit/bridge/test_snapshots``; ``bench/soak.py``
bridge killed again and again                         ``integration/test_bridge_flow``
relay dead between sending and marking                ``integration/test_bridge_flow``
engine away, short                                    ``test_outages``, ``unit/bridge/test_relay``
engine away, ten minutes                              ``bench/soak.py``
thirty short failures with successes between          ``test_connection``
stream expiry                                         ``test_connection``
crash after the effect, before completion             ``test_connection``
handler past its time-out beside its second run       ``test_connection``
a job begun again and again without an outcome        ``unit/workers/test_runtime``
black-holed ``CompleteJob``                           ``test_connection``
back-pressure                                         ``unit/workers``, ``unit/bridge/test_relay``
an engine that recovers while all types poll          ``unit/workers/test_partition_gate``
lost create response, sender gone                     ``test_submissions``
fifty identical submissions at once                   ``test_submissions``; ``integration/test_several_processes``
a start message lost or repeated                      ``unit/bridge/test_relay``, ``process/test_starting``
SIGTERM while activating                              ``test_kill``
instance cancelled, task completed at the port        ``process/test_deviations``
a task cancelled under a decision                     ``integration/test_bridge_flow``
feed down                                             ``test_outages`` (bridge hangs), ``test_kill``
feed doubled, replayed                                ``unit/bridge/test_feed``, ``unit/bridge/test_repeated``
tasks before their case, elements in any order        ``unit/bridge/test_feed``
records that cannot be read                           ``unit/bridge/test_set_aside``, ``integration/test_poison``
database locked                                       ``test_outages``, ``unit/models/test_write_lock``
full disk                                             ``test_outages`` (where a small file system may be mounted)
time stepping, crashes under a controlled clock       ``integration/test_bridge_clock``, ``test_engine_embedded``
====================================================  ================================================================
"""
