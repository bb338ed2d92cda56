"""One file per protocol: pure translation between the wire and the values of handler.payload."""
