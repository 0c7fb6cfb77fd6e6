"""What combines trained networks with measurements: audit of a run, robustness, recall, memory, few-shot learning."""
