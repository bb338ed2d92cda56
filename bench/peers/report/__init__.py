"""What was measured, for people and for machines: one document, its page, its plots."""
