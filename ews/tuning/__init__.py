"""Replay on recorded signals, score, verdicts, rule history and the shipped cases.

Import from the modules: `feeds.read_feed`, `series.read_series` and `convert_series`,
`replay.replay` and `compare`, `scored_alerts.last_window` and `read_alerts`, `score.score`,
`verdicts.read_verdicts` and `sample_sheet`, `rules.set_rules` and `undo_rules`, `cases.load`.
"""
