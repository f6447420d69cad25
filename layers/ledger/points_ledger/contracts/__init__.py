"""What crosses an edge: requests, answers, messages, events and the program document."""
