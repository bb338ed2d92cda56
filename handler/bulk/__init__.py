"""The archive's engine for rows of a file: no server, no wire, one error a row."""
