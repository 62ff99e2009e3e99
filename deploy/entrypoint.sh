#!/bin/sh
# Take secrets from the files NAME_FILE points to, as the variables NAME the product reads, and become the command.
# PGPASSWORD is read by libpq itself: the database's password stands in no URL.
set -eu

for name in DATABASE_URL PGPASSWORD TONGQUAN_FEED_PASSWORD TONGQUAN_SIGNING_KEY TONGQUAN_DATA_KEY TONGQUAN_METRICS_TOKEN \
  TONGQUAN_CITY_LIBRARY_TOKEN TONGQUAN_OIDC_CLIENT_SECRET TONGQUAN_PKCS11_PIN CAMUNDA_CLIENT_SECRET ZEEBE_CLIENT_SECRET; do
  eval "file=\${${name}_FILE:-}"
  [ -n "$file" ] || continue
  eval "given=\${${name}:-}"
  if [ -n "$given" ]; then
    echo "✗ ${name} 与 ${name}_FILE 只能设置一个" >&2
    exit 64
  fi
  if [ ! -r "$file" ]; then
    echo "✗ 读不到 ${name}_FILE 指向的文件 ${file}：请检查 secrets 及其权限" >&2
    exit 66
  fi
  # Command substitution drops the newline that editors leave at the end.
  value=$(cat "$file")
  export "${name}=${value}"
  unset "${name}_FILE"
done

exec "$@"
