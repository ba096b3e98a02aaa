# This machine's settings for apt and pip (mirrors, proxies, authorities), as secrets of a build: mounted while a RUN
# step runs, in no layer of any image. Sourced by build.sh.
# shellcheck shell=bash

# mirror PATTERN: the address this machine's apt uses for the release whose name matches.
mirror() {
  apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -v wanted="^($1)\$" '$1 ~ wanted {print $2; exit}'
}

# write_settings FOLDER RELEASE
write_settings() {
  local folder=$1 release=$2 authorities=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt} main security
  mkdir -p "$folder"
  [[ ! -r $authorities ]] || cp "$authorities" "$folder/ca.crt"
  {
    echo 'APT::Sandbox::User "root";' # its usual user cannot read a secret
    [[ ! -r $authorities ]] || echo 'Acquire::https::CAInfo "/run/secrets/ca.crt";'
    apt-config dump 2>/dev/null | grep -E '^Acquire::(http|https|Check|Retries).* "[^"]+";' || true
  } >"$folder/apt.conf"
  # For a base image without sources of its own; one from a registry knows where its packages are.
  main=$(mirror '[a-z]+')
  security=$(mirror '[a-z]+-security')
  if [[ -n $main && -e $BASE_TAR ]]; then
    echo 'Dir::Etc::SourceList "/run/secrets/sources.list";' >>"$folder/apt.conf"
    echo "deb $main $release main" >"$folder/sources.list"
    [[ -z $security ]] || echo "deb $security $release-security main" >>"$folder/sources.list"
  fi
  {
    echo '[global]'
    [[ ! -r $authorities ]] || echo 'cert = /run/secrets/ca.crt'
    python3 -m pip config list 2>/dev/null |
      sed -nE "s/^[^=]*\.(index-url|extra-index-url|trusted-host|proxy|timeout)='(.*)'\$/\1 = \2/p" | awk '!seen[$1]++'
    echo 'disable-pip-version-check = true'
  } >"$folder/pip.conf"
}
