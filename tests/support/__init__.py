"""What several suites use: servers, clients, checkpoints. Every suite may import it, and no suite another."""
