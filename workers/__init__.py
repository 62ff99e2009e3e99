"""Job workers: one module a capability, each a ``ZeebeTaskRouter`` named ``router``; ``runtime`` supervises them."""
