"""One page a module: its routes, and what it asks of the store."""
