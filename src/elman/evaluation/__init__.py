"""Answers and the truth in; how right they are, and what simple rules would have reached, out."""
