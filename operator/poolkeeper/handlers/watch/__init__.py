"""kopf under supervision: lists and watches, what they answer, and how long each has been silent."""
