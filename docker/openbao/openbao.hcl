# OpenBao of the try-out. It sets itself up at its first start, by the requests below, and unseals
# itself at every start. The root token that it does this with is revoked at once; nobody has one.

ui = false

storage "raft" {
  path    = "/openbao/file"
  node_id = "drawbridge"
  # One node needs nobody's patience: elected in one second instead of five.
  performance_multiplier = "1"
}

# Plain http: only the bridge shares this network. Between machines, TLS belongs here.
listener "tcp" {
  address         = "0.0.0.0:8200"
  cluster_address = "127.0.0.1:8201"
  tls_disable     = true
}

api_addr     = "http://openbao:8200"
cluster_addr = "https://127.0.0.1:8201"

# The key lies in a volume of this machine: whoever has its disk can unseal. A company names its
# key management here instead: another OpenBao (transit), kmip, or a plugin for a cloud or an HSM.
seal "static" {
  current_key_id = "1"
  current_key    = "file:///run/secrets/seal-key"
}

initialize "engines" {
  request "transit" {
    operation = "update"
    path      = "sys/mounts/transit"
    data      = { type = "transit" }
  }

  # Signs the access tokens. Exportable, because the bridge fetches it.
  request "signing-key" {
    operation = "update"
    path      = "transit/keys/drawbridge"
    data = {
      type       = "ecdsa-p256"
      exportable = true
    }
  }

  # Signs the ID tokens of clients that know no other algorithm than RS256.
  request "id-token-key" {
    operation = "update"
    path      = "transit/keys/drawbridge-id-token"
    data = {
      type       = "rsa-2048"
      exportable = true
    }
  }

  request "kv" {
    operation = "update"
    path      = "sys/mounts/secret"
    data = {
      type    = "kv"
      options = { version = "2" }
    }
  }

  request "random" {
    operation = "update"
    path      = "sys/tools/random/32"
    data      = { format = "base64" }
  }

  # Signs the refresh tokens; it never leaves the bridge.
  request "refresh-key" {
    operation = "update"
    path      = "secret/data/drawbridge"
    data = {
      data = {
        current = "1"
        keys = {
          "1" = {
            eval_source     = "response"
            eval_type       = "string"
            initialize_name = "engines"
            response_name   = "random"
            field_selector  = ["data", "random_bytes"]
          }
        }
      }
    }
  }
}

initialize "bridge" {
  request "policy" {
    operation = "update"
    path      = "sys/policies/acl/drawbridge"
    data = {
      policy = <<-EOT
        path "transit/keys/drawbridge" { capabilities = ["read"] }
        path "transit/export/signing-key/drawbridge" { capabilities = ["read"] }
        path "transit/keys/drawbridge-id-token" { capabilities = ["read"] }
        path "transit/export/signing-key/drawbridge-id-token" { capabilities = ["read"] }
        path "secret/data/drawbridge" { capabilities = ["read"] }
      EOT
    }
  }

  request "approle" {
    operation = "update"
    path      = "sys/auth/approle"
    data      = { type = "approle" }
  }

  request "role" {
    operation = "update"
    path      = "auth/approle/role/drawbridge"
    data = {
      role_id        = "drawbridge"
      token_policies = ["drawbridge"]
      token_ttl      = "20m"
      token_max_ttl  = "24h"
    }
  }

  request "secret-id" {
    operation = "update"
    path      = "auth/approle/role/drawbridge/custom-secret-id"
    data = {
      secret_id = {
        eval_source = "file"
        eval_type   = "string"
        path        = "/run/secrets/secret-id"
      }
    }
  }
}
