"""What a run's start tells: names, reason, and the system that started it."""
