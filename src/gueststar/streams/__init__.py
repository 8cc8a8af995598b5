"""What the Kafka source and the Kafka sink share."""

#: Begins the name of a topic as a source in the ledger. The address is no part of it: a cluster
#: that moves stays the same source.
SOURCE = "kafka:"
