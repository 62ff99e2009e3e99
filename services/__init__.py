"""Use cases over the models: each takes a session, checks rights and rules, and never commits by itself."""
