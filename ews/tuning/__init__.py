"""Replay on recorded signals, score, verdicts, rule history and the shipped cases."""
