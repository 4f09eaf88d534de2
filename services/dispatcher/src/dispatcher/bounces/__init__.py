"""What comes back by mail: bounces, complaints, unsubscribing."""
