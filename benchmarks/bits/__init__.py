"""What `benchmarks.same_bits` runs in both builds, and how it compares what came out."""
