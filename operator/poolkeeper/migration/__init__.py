"""The configuration of another gateway as a pool: what is carried over, and line by line what is not.

imported   what comes out, and the pieces that every source needs
litellm    config.yaml of LiteLLM's proxy
new_api    channels of New API and One API, as their API lists them
"""
