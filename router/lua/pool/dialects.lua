-- How providers say what is wrong. A rule gives a class (and the reason people read) to an answer when all that it names
-- fits: status; code (the error's code member); starts (how the message starts); has (words anywhere in the body).
-- All words are lower case, the body is lowered before. A provider's own rules come before COMMON, both before STATUS.
--
-- A refusal may quote the caller's prompt. So what takes an endpoint or a model out of service is told by status, code
-- or the start of the message only: nobody may close an endpoint by writing "insufficient balance" into a prompt.

local _M = {}

_M.STATUS = {
  [400] = { class = "ClientFault", reason = "InvalidRequest" },
  [401] = { class = "Credential", reason = "CredentialsRejected" },
  [402] = { class = "Credential", reason = "BalanceExhausted" },
  [403] = { class = "Credential", reason = "CredentialsRejected" },
  [404] = { class = "ModelMissing", reason = "ModelMissing" },
  [408] = { class = "ServerError", reason = "ServerError" },
  [413] = { class = "ClientFault", reason = "BodyTooLarge" },
  [422] = { class = "ClientFault", reason = "InvalidRequest" },
  [425] = { class = "Busy", reason = "Busy" },
  [429] = { class = "RateLimited", reason = "RateLimited" },
  [503] = { class = "Busy", reason = "Busy" },
  [529] = { class = "Busy", reason = "Busy" },
}
-- For a status that is not listed, by its first digit. Redirects are never followed: the key would go with them.
_M.STATUS_FAMILY = {
  [2] = { class = "ServerError", reason = "InvalidAnswer" },
  [3] = { class = "ServerError", reason = "RedirectRefused" },
  [4] = { class = "ClientFault", reason = "InvalidRequest" },
  [5] = { class = "ServerError", reason = "ServerError" },
}

_M.COMMON = {
  { status = 400, has = "context_length_exceeded", class = "ContextTooLong", reason = "ContextTooLong" },
  { status = 400, has = "maximum context length", class = "ContextTooLong", reason = "ContextTooLong" },
  { status = 400, has = "exceeds the available context size", class = "ContextTooLong", reason = "ContextTooLong" },
  { status = 400, has = "exceeds the context window", class = "ContextTooLong", reason = "ContextTooLong" },
  { status = 400, has = "prompt is too long", class = "ContextTooLong", reason = "ContextTooLong" },
  { status = 413, has = "context length", class = "ContextTooLong", reason = "ContextTooLong" },
  { status = 400, starts = "model not exist", class = "ModelMissing", reason = "ModelMissing" },
  { status = 400, starts = "the `reasoning_content` in the thinking mode must be passed back",
    class = "Incompatible", reason = "IncompatibleHistory" },
  { status = 200, has = "too busy", class = "Busy", reason = "Busy" },
  { status = 200, has = "overloaded", class = "Busy", reason = "Busy" },
  { status = 200, has = "insufficient_system_resource", class = "Busy", reason = "Busy" },
  { status = 200, has = "rate_limit", class = "RateLimited", reason = "RateLimited" },
  { status = 500, has = "service is too busy", class = "Busy", reason = "Busy" },
}

_M.PROVIDERS = {
  DeepSeek = {
    { status = 400, starts = "content exists risk", class = "ClientFault", reason = "ContentFilter" },
  },
  OpenRouter = {
    { status = 402, has = "in_flight", class = "RateLimited", reason = "RateLimited" },
    { status = 403, has = "moderation", class = "ClientFault", reason = "ContentFilter" },
    { status = 403, has = "flagged", class = "ClientFault", reason = "ContentFilter" },
    { status = 502, class = "ServerError", reason = "ServerError" },
  },
  SiliconFlow = {
    { code = "20012", class = "ModelMissing", reason = "ModelMissing" },
    { code = "50501", class = "Busy", reason = "Busy" },
    { code = "50505", class = "Busy", reason = "Busy" },
    { code = "50603", class = "Busy", reason = "Busy" },
    { status = 504, class = "Busy", reason = "Busy" },
  },
  Fireworks = {
    { status = 412, has = "suspended", class = "Credential", reason = "BalanceExhausted" },
    { status = 412, class = "RateLimited", reason = "RateLimited" },
  },
  Ollama = {
    { status = 500, has = "server busy", class = "Busy", reason = "Busy" },
  },
  LlamaCpp = {
    { status = 503, starts = "loading model", class = "Busy", reason = "ModelLoading" },
  },
}

return _M
