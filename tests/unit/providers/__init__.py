"""Tests of the webhook providers."""
