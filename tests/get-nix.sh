#!/bin/sh
# Unpacks the Nix of another Debian suite into a folder, beside whatever Nix the machine has.
#
#   sh tests/get-nix.sh SUITE FOLDER      (sid: the newest, trixie: 2.26)
#
# Uses the mirror that this machine's apt is set up with. Needs apt, dpkg-deb and patchelf; not root.
# Prints the folder of the commands. Does nothing when they are there already.
set -eu

suite=${1:?usage: get-nix.sh SUITE FOLDER}
mkdir -p "${2:?usage: get-nix.sh SUITE FOLDER}"
target=$(cd "$2" && pwd)
bin=$target/root/usr/bin

if "$bin/nix" --version >/dev/null 2>&1; then
  echo "$bin"
  exit 0
fi

fail() {
  echo "get-nix: $*" >&2
  exit 1
}

for tool in apt-get dpkg-deb patchelf; do
  command -v "$tool" >/dev/null 2>&1 || fail "$tool is missing: apt-get install patchelf"
done

# The mirror of the main archive, in either of apt's two formats; the security archive has no other suites.
mirror=$(
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    [ -f "$list" ] || continue
    sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\).*/\2/p' "$list"
  done | grep '/debian/\{0,1\}$' | head -n 1
)
[ -n "$mirror" ] || fail "no Debian mirror among the sources of apt"

rm -rf "$target/root" "$target/apt"
mkdir -p "$target/root" "$target/apt/lists/partial" "$target/apt/cache/archives/partial"
: >"$target/apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$target/apt/sources.list"

# A mirror may lag behind by more than the week for which a release of sid is valid; signatures are checked.
private_apt() {
  apt-get -qq \
    -o Dir::State="$target/apt" -o Dir::State::status="$target/apt/status" \
    -o Dir::Cache="$target/apt/cache" \
    -o Dir::Etc::sourcelist="$target/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o APT::Install-Recommends=false -o APT::Sandbox::User= -o Acquire::Check-Valid-Until=false \
    "$@"
}
private_apt update >&2
private_apt --yes --download-only install nix-bin git bash-static libfaketime >&2

for package in "$target"/apt/cache/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$target/root"
done
# A suite whose /bin is a link to /usr/bin may unpack a few files into real folders.
for loader in "$target"/root/usr/lib/*/ld-linux-*.so.* "$target"/root/lib/*/ld-linux-*.so.* "$target"/root/lib*/ld-linux-*.so.*; do
  [ -e "$loader" ] && break
done
[ -e "$loader" ] || fail "the unpacked packages have no dynamic loader"
# All libraries are the suite's own: the machine may have others, or none.
libraries=$(
  for folder in "$target"/root/usr/lib/nix "$target"/root/usr/lib/*-linux-* "$target"/root/lib/*-linux-*; do
    [ ! -d "$folder" ] || printf '%s:' "$folder"
  done
)
patchelf --set-interpreter "$loader" "$bin/nix"
# A library that names folders itself would not look in those of the program.
for file in "$bin/nix" "$target"/root/usr/lib/nix/*.so* "$target"/root/usr/lib/*-linux-*/libnix*.so*; do
  if [ -f "$file" ] && [ ! -L "$file" ]; then patchelf --force-rpath --set-rpath "${libraries%:}" "$file"; fi
done
"$bin/nix" --version >&2 || fail "the unpacked Nix does not run"
rm -rf "$target/apt"
echo "$bin"
