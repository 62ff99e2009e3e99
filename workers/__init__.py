"""Job workers: one module per capability, each a ``ZeebeTaskRouter`` named ``router``; ``runtime`` supervises them."""
