#!/bin/sh
# Make the secrets the stack needs, once; those that exist stay as they are.
# The folder is closed to others (0700). The files in it are readable (0644), because Compose mounts each as it is and
# the containers run as users of their own.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets
cd secrets

make_secret() {
  if [ -s "$1" ]; then
    echo "· $1 已存在"
    return
  fi
  head -c 32 /dev/urandom | base64 | tr -d '\n' > "$1.new"
  chmod 644 "$1.new"
  mv "$1.new" "$1"
  echo "✓ $1"
}

make_secret database_password
make_secret feed_password
make_secret operate_password
make_secret signing_key
make_secret data_key
make_secret metrics_token
