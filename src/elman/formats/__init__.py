"""Files that hold a trained model."""
