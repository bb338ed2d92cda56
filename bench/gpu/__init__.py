"""What only a real GPU can show: the parts, the page that they make, and the kit that carries them to one."""
