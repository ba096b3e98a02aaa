-- The layers of the router's Lua, held by the linter: core/ is pure, nginx/ alone says ngx, nginx/shared/state.lua alone ngx.shared.
std = "luajit"
max_line_length = 125
unused_args = false
codes = true

local IMPURE = { "ngx", "os", "io", "print", "math.random", "math.randomseed", "loadstring", "dofile", "loadfile", "jit" }

files["router/lua/core"] = { not_globals = IMPURE }
files["router/lua/nginx"] = { read_globals = { ngx = { other_fields = true, fields = { status = { read_only = false },
  header = { read_only = false, other_fields = true }, ctx = { read_only = false, other_fields = true } } } } }
files["testing/fakes"] = { std = "+ngx_lua" }
files["tests/lua"] = { std = "+busted", max_line_length = 140 }
