"""`berth bulk --ray`: the same claims and the same parts, made by the nodes of a Ray cluster."""
