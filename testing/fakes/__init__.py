"""Test doubles that speak real protocols over real sockets: `deepseek` the provider, `harness` its remote control."""
