#!/usr/bin/env bash
# Everything a checkout needs, in .venv: run by `make setup`, and by every other target before it starts.
#
#   deploy/setup.sh [--quiet]     --quiet says nothing when there is nothing to do
#
# It is a shell script because it has to work, and explain itself, where Python is too old or missing.
# It installs Debian packages only as root and only those it names; otherwise it prints the command.
# PYTHON=/path/to/python chooses the interpreter, CASETRAIL_MONGOD another mongod.
# Nothing is touched when all of it is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly supported="3.11, 3.12 or 3.13"
readonly stamp=.venv/.casetrail-setup
log=$(mktemp)
readonly log
working=

say() { printf '%s\n' "$*"; }

fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}

stop_working() {
  if [[ -n $working ]]; then kill "$working" 2>/dev/null || true; fi
  exit 130
}
trap stop_working INT TERM
trap 'rm -f "$log"' EXIT

digest() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi
}

# What the environment was made from: when any of it changes, it is made up to date again.
fingerprint() {
  {
    pwd
    cat deploy/setup.sh requirements/dev.txt requirements/members.txt
    cat libs/*/pyproject.toml services/*/pyproject.toml deploy/local/pyproject.toml
    cat .venv/pyvenv.cfg
  } 2>/dev/null | digest
}

# Runs a command with its output in a log: says what it is doing every ten seconds, shows the log if it fails.
watched() {
  local started=$SECONDS told=10
  "$@" >"$log" 2>&1 </dev/null &
  working=$!
  while kill -0 "$working" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - started >= told)); then
      say "      $told s: $(grep -v '^WARNING' "$log" | tail -n 1 | cut -c 1-90)"
      told=$((told + 10))
    fi
  done
  local outcome=0
  wait "$working" || outcome=$?
  working=
  if ((outcome != 0)); then
    say "      this failed: $*"
    tail -n 30 "$log" | sed 's/^/      | /'
  fi
  return "$outcome"
}

version_of() { "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null; }

is_supported() {
  case $1 in 3.11.* | 3.12.* | 3.13.*) return 0 ;; *) return 1 ;; esac
}

find_python() {
  local name version found=
  for name in ${PYTHON:-python3 python3.11 python3.12 python3.13 python}; do
    version=$(version_of "$name") || continue
    if is_supported "$version"; then
      python=$(command -v "$name")
      python_version=$version
      return
    fi
    found="$found $name is $version;"
  done
  fail "Casetrail needs Python $supported. Found:${found:- no Python at all;}" \
    "install one (Debian 12: apt-get install python3.11 python3.11-venv), or name it: make setup PYTHON=/path/to/python3.11"
}

is_debian_root() { command -v apt-get >/dev/null && [[ $(id -u) == 0 ]]; }

# Installs Debian packages when root; otherwise ends with the command to type. $1 says what they are for.
need_debian() {
  local purpose=$1
  shift
  if ! command -v apt-get >/dev/null; then
    fail "$purpose; on Debian and Ubuntu the packages are: $*"
  elif ! is_debian_root; then
    fail "$purpose. Type: sudo apt-get install $*"
  fi
  say "      $purpose: installing the Debian packages $*"
  export DEBIAN_FRONTEND=noninteractive
  watched apt-get update -q || say "      (the package lists are not up to date; trying all the same)"
  watched apt-get install -y -q --no-install-recommends "$@" ||
    fail "Debian could not install them (its words are above); then type: apt-get install $*"
}

make_environment() {
  local short=${python_version%.*}
  if [[ -d .venv ]] && version=$(version_of .venv/bin/python) && is_supported "$version"; then
    say "[2/4] Environment: .venv is there (Python $version)"
    return
  fi
  say "[2/4] Environment: making .venv"
  if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    need_debian "this Python ($python) lacks the venv module" "python$short-venv"
  fi
  "$python" -m venv --clear .venv || fail "$python -m venv .venv failed"
}

install_packages() {
  local pip=(.venv/bin/python -m pip --disable-pip-version-check --no-input install --progress-bar off)
  say "[3/4] Packages: $(grep -c '^[a-z0-9]' requirements/dev.txt), pinned and checked by hash (a minute or two the first time)"
  watched "${pip[@]}" --require-hashes --only-binary :all: -r requirements/dev.txt ||
    fail "the packages of requirements/dev.txt could not be installed (its words are above)"
  watched "${pip[@]}" --no-deps --no-build-isolation -r requirements/members.txt ||
    fail "the members of this workspace could not be installed (its words are above)"
}

debian_package_of() {
  case $1 in
    libcurl.so.*) say libcurl4 ;;
    libssl.so.3 | libcrypto.so.3) say libssl3 ;;
    liblzma.so.*) say liblzma5 ;;
    libstdc++.so.*) say libstdc++6 ;;
    libgcc_s.so.*) say libgcc-s1 ;;
    *) return 1 ;;
  esac
}

missing_libraries() { ldd "$1" 2>/dev/null | awk '/not found/ {print $1}' | sort -u; }

check_servers() {
  local mongod missing library packages=()
  say "[4/4] Servers: nats-server and mongod"
  if [[ -n ${CASETRAIL_MONGOD:-} ]]; then
    say "      mongod is $CASETRAIL_MONGOD"
    return
  fi
  mongod=$(find .venv/lib -path '*/db/bin/mongod' -type f | head -n 1)
  if [[ -z $mongod ]]; then
    say "      no package has a mongod for $(uname -sm): put mongod on PATH or use casetrail up --mongo-url URL"
    return
  fi
  command -v ldd >/dev/null || return 0
  missing=$(missing_libraries "$mongod")
  if [[ -n $missing ]]; then
    for library in $missing; do
      packages+=("$(debian_package_of "$library")") ||
        fail "mongod needs $library, which is not on this machine"
    done
    need_debian "mongod needs ${missing//$'\n'/, }" $(printf '%s\n' "${packages[@]}" | sort -u)
    missing=$(missing_libraries "$mongod")
    [[ -z $missing ]] || fail "mongod still lacks $(echo $missing)"
  fi
}

if [[ -f $stamp && $(cat "$stamp") == "$(fingerprint)" && -x .venv/bin/python ]]; then
  [[ ${1:-} == --quiet ]] || say "setup: everything is there (.venv, $(.venv/bin/python --version))"
  exit 0
fi

say "Setting Casetrail up in .venv"
find_python
say "[1/4] Python: $python ($python_version)"
make_environment
install_packages
check_servers
fingerprint >"$stamp"
say "Casetrail is set up."
