"""What the tests of the front need: HAProxy alone, and load that does not wait for answers."""
