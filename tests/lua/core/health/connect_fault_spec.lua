local connect_fault = require "core.health.connect_fault"

local CASES = {
  { "resolving a.example: no address", "Connect", "DnsFailed" },
  { "resolving a.example: 3 (no such name)", "Connect", "DnsFailed" },
  { "address refused: 169.254.169.254 is link-local, wanted an ordinary one", "Connect", "AddressRefused" },
  { "connecting: connection refused", "Connect", "ConnectFailed" },
  { "connecting: timeout", "Connect", "ConnectFailed" },
  { "TLS handshake: timeout", "Connect", "ConnectFailed" },
  { "TLS handshake: 10: certificate has expired", "Connect", "CertificateInvalid" },
  { "TLS handshake: 20: unable to get local issuer certificate", "Connect", "CertificateInvalid" },
  { "TLS handshake: certificate host mismatch", "Connect", "CertificateInvalid" },
  { "TLS handshake: handshake failed", "Connect", "TlsFailed" },
  { "resolving proxy.example: no address", "ProxyFailed", "ProxyFailed" },
  { nil, "Connect", "ConnectFailed" },
}

describe("what kept a check from connecting", function()
  for _, case in ipairs(CASES) do
    it(tostring(case[1]) .. ", " .. case[2], function()
      assert.equal(case[3], connect_fault.of(case[1], case[2]))
    end)
  end
end)
