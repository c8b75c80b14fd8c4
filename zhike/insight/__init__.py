"""What the facts say: staging, marts, named metrics, value, scores with their reasons, the findings of the day.

Lives here: `methods/` (pure, no Django), `staging.py`, `marts.py`, `metrics.py`, scores written back, thresholds.
Does not live here: how files become facts (masterdata), what a person does about a finding (activities).
"""
