# What a vendor does once: keys, an application file for all products, a policy, a lease. Run it in an empty folder.
set -eu

# Private keys stay with the vendor; the public halves go into a `keys` document that the root key signs.
reprieve keys new root.jwk --role root --kid root-1 > root.pub.jwk
reprieve keys new vendor.jwk --role lease --role policy --role notice --kid vendor-1 > vendor.pub.jwk
reprieve keys document --version 1 --root root.pub.jwk vendor.pub.jwk > keys.json
reprieve sign keys keys.json --key root.jwk -o keys.jws

# The application file: the same for every product and language.
cat > reprieve.toml <<TOML
vendor = "acme"
secret = "$(head -c 32 /dev/urandom | base64)"
keys = "$(cat keys.jws)"
roots = [{ kid = "root-1", x = "$(sed -n 's/.*"x": *"\([^"]*\)".*/\1/p' root.pub.jwk)" }]

[place]
folder = "ledger"
witness = "witness"
TOML

# The rules of grace.
cat > policy.toml <<'TOML'
schema = 1
id = "acme"
version = 1
default_tier = "basic"

[governance]                    # without it, support can grant no extension
approvals = 2
max_extension = "7d"

[tiers.basic]
warn = ["24h", "1h"]
network = { allowance = "14d", stages = [{ after = "0s", access = "full" }, { after = "7d", access = "limited" }] }
server = { allowance = "14d" }
unknown = { allowance = "3d" }
maintenance = { allowance = "7d", margin = "12h" }
TOML
reprieve policy check policy.toml
reprieve sign policy policy.toml --key vendor.jwk -o policy.jws

# A lease for a day. `ledger = "*"` is for any machine; one that answers a renewal names the customer's ledger.
cat > lease.toml <<'TOML'
license = "L1"
sku = "cad"
ledger = "*"
features = { core = "+1d", render = "+1d" }
TOML
reprieve sign lease lease.toml --key vendor.jwk -o lease.jws

# What a product does, by hand.
reprieve import policy.jws lease.jws --app reprieve.toml --create
reprieve check cad core --app reprieve.toml
reprieve ledger status --app reprieve.toml
reprieve ledger verify --app reprieve.toml
