"""Pure: a snapshot of the declared world becomes the router's document."""
