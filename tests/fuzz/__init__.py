"""Generated requests through every door of a real server: each gets an answer of its own, and nothing dies of one.

A request is made of a seed and its number alone, so that any of them can be sent again by itself.
"""
