"""What an endpoint's answer means, from what was seen alone; pure, and the same in the router's Lua."""
