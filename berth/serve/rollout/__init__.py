"""Another set of archives in the place of what is served, while clients go on asking."""
