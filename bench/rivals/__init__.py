"""The other ways of serving that berth is measured beside."""
