"""Train and judge classifiers. Needs the extra ``train``; the stream never imports this."""
