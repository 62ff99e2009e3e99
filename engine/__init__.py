"""The process engine: a façade over a running Zeebe, deployment, and the embedded broker."""
