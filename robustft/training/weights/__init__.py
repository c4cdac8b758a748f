"""What is done to the weights around an update, whatever the objective."""
