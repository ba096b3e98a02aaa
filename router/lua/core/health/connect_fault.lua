-- What kept a request or a health check from connecting, in a word for people: the name, the address, the proxy, the
-- certificate, or nothing more than that there is no connection. Reads the words of nginx/upstream/connector.lua and of
-- OpenSSL.

local find = string.find

local _M = {}

local BY_WORDS = {
  { "^resolving ", "DnsFailed" },
  { "^address refused", "AddressRefused" },
  { "^TLS handshake: timeout", "ConnectFailed" },
  { "^TLS handshake: .*certificate", "CertificateInvalid" },
  { "^TLS handshake: ", "TlsFailed" },
}


-- fault: ProxyFailed where the endpoint itself was never reached.
function _M.of(err, fault)
  if fault == "ProxyFailed" then
    return fault
  end
  for i = 1, #BY_WORDS do
    if find(err or "", BY_WORDS[i][1]) then
      return BY_WORDS[i][2]
    end
  end
  return "ConnectFailed"
end


return _M
