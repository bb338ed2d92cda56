"""berth beside other ways of serving the same model on the same machine; each peer in an environment of its own."""
