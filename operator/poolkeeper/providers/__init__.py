"""Pure: what a provider's refusal means. The rules are data; the router's Lua is generated from them."""
