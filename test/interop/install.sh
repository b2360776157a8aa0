#!/usr/bin/env bash
# Fetches the strangers that test/interop/ runs against, and unpacks them into .cache/interop: the official Python SDK
# (azure-eventhub, out of Debian's python3-azure) and Qpid Proton. Nothing is
# installed on the system and no rights are needed: apt-get downloads and checks signatures, dpkg-deb unpacks.
# Needs Debian or a relative of it, with its own /usr/bin/python3. Takes about ten seconds; does nothing when done.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target="$PWD/.cache/interop"
python=/usr/bin/python3

# What the SDK needs besides itself is listed here, so that half a gigabyte of other Azure SDKs stays out. So does its
# older AMQP stack: it wants uamqp 1.6, and Debian 12 has 1.5.
packages=(
  libqpid-proton11 python3-azure python3-certifi python3-chardet python3-idna python3-qpid-proton python3-requests
  python3-six python3-typing-extensions python3-urllib3 python3-websocket
)

give_up() {
  printf '\ntest/interop/install.sh: %s\n' "$1" >&2
  exit 1
}

works() {
  PYTHONPATH="$target/lib" LD_LIBRARY_PATH="$target/shared" "$python" -S -c 'import azure.eventhub, proton, websocket' 2>/dev/null
}

if works; then exit 0; fi
for command in apt-get dpkg-deb "$python"; do
  command -v "$command" >/dev/null || give_up "there is no $command here: these tests run on Debian and its relatives only."
done

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/state/lists/partial" "$folder/cache/archives/partial" "$folder/packages"
# Lists of its own: those of the system may be missing, or old.
apt=(apt-get -qq -o "Dir::State::Lists=$folder/state/lists" -o "Dir::Cache=$folder/cache" -o APT::Sandbox::User=)
"${apt[@]}" update || give_up 'the lists of packages could not be fetched.'
(cd "$folder/packages" && "${apt[@]}" download "${packages[@]}") || give_up 'the packages could not be fetched.'

rm -rf "$target"
mkdir -p "$target/lib" "$target/shared" "$folder/tree"
for package in "$folder"/packages/*.deb; do
  # Half a minute of unpacking is left out with the other SDKs.
  filter=()
  if [[ "$package" == *python3-azure_* ]]; then filter=(--wildcards './usr/lib/python3/dist-packages/azure/__init__.py' './usr/lib/python3/dist-packages/azure/core/*' './usr/lib/python3/dist-packages/azure/eventhub/*'); fi
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$folder/tree" "${filter[@]}"
done
cp -a "$folder"/tree/usr/lib/python3/dist-packages/. "$target/lib/"
find "$folder/tree/usr/lib" -name 'libqpid-proton*.so*' -exec cp -a {} "$target/shared/" \;
works || give_up "what was fetched does not run: $(PYTHONPATH="$target/lib" LD_LIBRARY_PATH="$target/shared" "$python" -S -c 'import azure.eventhub, proton, websocket' 2>&1 | tail -1)"
