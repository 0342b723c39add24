"""What training and serving cost, from first principles."""
