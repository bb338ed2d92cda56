"""What people's own clients get: every call of every client beside the native door, as a table.

`place.py`, `call.py`, `asking.py` and `calls/` run in the client's own Python, which has neither torch nor berth.
"""
