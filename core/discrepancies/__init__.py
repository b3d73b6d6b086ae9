"""Which recorded labels are most likely wrong: ranking, what each signal is worth, trials with planted labels."""
