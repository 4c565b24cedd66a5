"""What the drill is made of: its own service, its crew of sites, its steps, its report."""
