"""One peer under every load, in rounds: texts, right answers, closed and open loops, the best matrix products."""
