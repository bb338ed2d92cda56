"""The peers' servers. Each runs in its own environment: it imports its framework and this folder, nothing of berth."""
