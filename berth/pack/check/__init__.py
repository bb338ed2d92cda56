"""What is checked apart from the known answers, which cannot show what both sides share."""
