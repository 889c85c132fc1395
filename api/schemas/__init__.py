"""Requests and answers, as the reference shows them."""
