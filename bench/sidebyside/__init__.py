"""Runs holdall and its peers on the same jobs, in turn, and tells what each of them took."""
