"""What an installation is told: its settings, its rosters of sites, its conference templates."""
