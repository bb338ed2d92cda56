"""Another set of archives in the place of what is served: orders, texts that two versions answer, what is kept."""
