"""What an administrator writes, and what it is read as."""
