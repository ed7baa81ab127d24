"""What deploying the infrastructure code would do. Nothing here can apply it: that takes an approved change."""
