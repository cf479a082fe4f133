"""What several tests share: problems, data, judges, ways to run the command."""
