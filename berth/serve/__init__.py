"""`berth serve`: prepare, start, watch, drain."""
