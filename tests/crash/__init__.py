"""Real processes, killed by SIGKILL at journal writes and between them, and what is left after."""
