"""What each limit is worth, and how far the optimum holds."""
