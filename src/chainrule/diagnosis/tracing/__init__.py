"""Judge a program by its own runs: its forward pass says what its gradients should be."""
