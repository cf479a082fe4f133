"""A trained model and recordings with answers in; one page that says how good it is out."""
