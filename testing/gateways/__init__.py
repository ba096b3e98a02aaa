"""How a gateway is started in front of given providers, a file for each; stage.Gateway is what it must do."""
