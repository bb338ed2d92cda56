"""What `berth serve` promises, tried on a real server: `make drills`."""
