"""Tests of `pgwallet cluster`."""
