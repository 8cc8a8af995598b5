"""Networks, one per file, and the bundles that carry their weights."""
