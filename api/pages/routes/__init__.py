"""The handlers of the pages, by noun."""
