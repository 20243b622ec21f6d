"""Asking a platform how it is and why it did what it did; nothing here changes anything."""
