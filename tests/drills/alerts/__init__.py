"""Every alert rule, made to fire and to clear by what it is there for."""
