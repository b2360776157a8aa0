#!/usr/bin/env bash
# Finds the browser that test/page/ drives, or installs it: CHROMIUM_PATH where it is set, a Chromium or Chrome that is
# there, otherwise Debian's own by apt-get, which needs root. Does nothing when there is one.
set -euo pipefail

give_up() {
  printf '\ntest/page/install.sh: %s\n' "$1" >&2
  exit 1
}

works() {
  "$1" --version >/dev/null 2>&1
}

if [[ -n "${CHROMIUM_PATH:-}" ]]; then
  works "$CHROMIUM_PATH" || give_up "CHROMIUM_PATH is $CHROMIUM_PATH, which does not run."
  exit 0
fi
# The names that test/page/browser.ts looks for, too.
for path in /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome; do
  if works "$path"; then exit 0; fi
done
command -v apt-get >/dev/null || give_up 'there is no apt-get here. Install Chromium, and set CHROMIUM_PATH to it.'
((EUID == 0)) || give_up 'there is no Chromium. Install one (sudo apt-get install chromium), or set CHROMIUM_PATH to one.'
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update || give_up 'the lists of packages could not be fetched.'
apt-get -qq install --no-install-recommends -y chromium fonts-dejavu-core >/dev/null || give_up 'chromium could not be installed.'
works /usr/bin/chromium || give_up "what was installed does not run: $(/usr/bin/chromium --version 2>&1 | tail -1)"
