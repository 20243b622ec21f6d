"""Where orders go and what is written down about them."""
