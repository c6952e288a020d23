"""What Homebrew and Debian call otherwise than nixpkgs, where no rule and no index tells: as little as that takes.

A name that is an attribute of nixpkgs is here only where it means something else there, such as `yq` or `helm`.
"""

from __future__ import annotations

import re

# What packages of others are as attributes of nixpkgs.
_ATTRIBUTES = """
ack-grep ack
apache2 apacheHttpd
apache2-utils apacheHttpd
asdf asdf-vm
awk gawk
awscli awscli2
bash-completion@2 bash-completion
bats-core bats
bind9-dnsutils dnsutils
bind9-host host
brave-browser brave
chromium-browser chromium
clang-format clang-tools
clang-tidy clang-tools
clangd clang-tools
code vscode
composer phpPackages.composer
containerd.io containerd
ctags universal-ctags
default-jdk jdk
default-jre jre
default-mysql-client mariadb
docker-buildx-plugin docker-buildx
docker-ce docker
docker-ce-cli docker-client
docker-compose-plugin docker-compose
docker-compose-v2 docker-compose
docker.io docker
dotnet dotnet-sdk
exa eza
exuberant-ctags universal-ctags
fd-find fd
fisher fishPlugins.fisher
flux fluxcd
g++ gcc
gettext-base gettext
git-delta delta
gnu-getopt getopt
gnu-indent indent
gnu-sed gnused
gnu-tar gnutar
gnu-time time
gnu-units units
gnu-which which
gnupg2 gnupg
golang go
golang-go go
google-chrome-stable google-chrome
google-cloud-cli google-cloud-sdk
gpatch gnupatch
gpg gnupg
grep gnugrep
haskell-stack stack
helm kubernetes-helm
httpd apacheHttpd
info texinfo
iperf iperf2
iputils-ping iputils
ipython python3Packages.ipython
ipython3 python3Packages.ipython
java jdk
kafka apacheKafka
kubernetes-cli kubectl
ldap-utils openldap
libvirt-clients libvirt
linux-perf perf linuxPackages.perf
make gnumake
mariadb-client mariadb
mariadb-server mariadb
midnight-commander mc
minio-mc minio-client
mongodb-community mongodb
mtr-tiny mtr
mysql mysql84
mysql-server mysql84
net-tools net-tools nettools
netcat-traditional netcat-gnu
nfs-common nfs-utils
ninja-build ninja
node nodejs
npm nodejs
openapi-generator openapi-generator-cli
openjdk jdk
openssh-client openssh
p7zip-full p7zip
patch gnupatch
pdftk-java pdftk
php-cli php
pinentry-mac pinentry_mac
poppler poppler-utils poppler_utils
poppler-utils poppler-utils poppler_utils
postgresql-client postgresql
python python3
qemu-kvm qemu
qemu-system qemu
qemu-system-arm qemu
qemu-system-x86 qemu
qemu-utils qemu
r R
r-base R
rabbitmq rabbitmq-server
redis-server redis
redis-tools redis
ruby-full ruby
rust rustc
rustup-init rustup
sed gnused
sevenzip _7zz
silversearcher-ag silver-searcher
smbclient samba
snmp net-snmp
spotify-client spotify
sqlite3 sqlite
ssh openssh
steam-installer steam
svn subversion
tar gnutar
telnet inetutils
tesseract-ocr tesseract
texlive texliveMedium
texlive-full texliveFull
texlive-latex-base texliveSmall
texlive-latex-extra texliveMedium
the_platinum_searcher platinum-searcher
the_silver_searcher silver-searcher
trash darwin.trash
vim-gtk3 vim-full
vim-nox vim-full
vim-tiny vim
webp libwebp
wine wineWowPackages.stable wineWow64Packages.stable
wine-stable wineWowPackages.stable wineWow64Packages.stable
xz-utils xz
yarnpkg yarn
yq yq-go
"""
# The first that there is counts: nixpkgs renames some.
ATTRIBUTES = {name: tuple(words) for name, *words in map(str.split, _ATTRIBUTES.split("\n")[1:-1])}

# Names that hold a version where nixpkgs has it elsewhere: what they are, as NAME@VERSION.
FORMS = (
    (r"openjdk-(\d+)-(?:jdk|jre)(?:-headless)?", r"openjdk@\1"),
    (r"(?:g\+\+|cpp)-(\d+)", r"gcc@\1"),
    (r"golang-(\d+\.\d+)(?:-go)?", r"go@\1"),
    (r"php(\d+\.\d+)-(?:cli|fpm)", r"php@\1"),
    (r"postgresql-client-(\d+)", r"postgresql@\1"),
)

_SYSTEM = "a part of the system, which apt keeps"
_LIBRARY = "a library: what needs it brings its own"
_OF_THE_SYSTEM = (
    "adduser", "apparmor", "apt", "apt-.*", "base-(?:files|passwd)", "bsdutils", "ca-certificates", "cloud-.*",
    "console-.*", "cron", "dbus.*", "debconf.*", "debian-archive-keyring", "debianutils", "discover",
    "dmidecode", "dpkg", "e2fsprogs", "efibootmgr", "firmware-.*", "gdm3", "grub.*", "hostname", "ifupdown.*",
    "init", "initramfs-tools.*", "installation-report", "(?:intel|amd64)-microcode", "iptables", "isc-dhcp-.*",
    "keyboard-configuration", "kmod", "laptop-detect", "libc-bin", "lightdm",
    "linux-(?:base|firmware|virtual|generic.*|headers.*|image.*|modules.*)", "locales.*", "login.*",
    "logrotate", "mount", "ncurses-(?:base|bin)", "netbase", "netplan.*", "network-manager.*", "nftables",
    "openssh-server", "os-prober", "passwd", "perl-base", "pipewire.*", "plymouth.*", "policykit-.*", "polkitd",
    "popularity-contest", "procps", "pulseaudio", "rsyslog", "sddm", "sensible-utils", "shim-.*", "snapd",
    "sudo", "systemd.*", "sysvinit-utils", "tzdata.*", "ucf", "udev", "unattended-upgrades", "usbutils",
    "usr-is-merged", "util-linux.*", "wireless-.*", "wpasupplicant", "xorg", "xserver-.*",
)  # fmt: skip
# What of Debian has no counterpart, and why; the first that fits counts, and what the table above has comes before all.
NOTHING = (
    (r"(?:task|tasksel)(?:-.*)?|.*-meta|.*-metapackage|build-essential|ubuntu-\w+", "a meta package: its parts count"),
    ("|".join(_OF_THE_SYSTEM), _SYSTEM),
    (r".+-dev(?:el)?", "a library to build with, which a development shell has"),
    (r"lib(?:pam|nss|polkit|security)-.*", _SYSTEM),
    (r"lib.+-perl", "a library of Perl"),
    (r"lib[\w.+-]*?\d+(?:\.\d+)*(?:t64|a|c2|v5)?(?:-\d+)*(?:-(?:0|bin|data))?", _LIBRARY),
    (r"python3?-.+", "a library of Python"),
    (r"(?:node|ruby|golang|r-cran|php[\d.]*|lua|haskell)-.+", "a library of a language"),
    (r"fonts-.+|ttf-.+", "a font of Debian's; to look for it: nixprof search font"),
    (
        r".+-(?:doc|docs|common|data|dbg|dbgsym|runtime|plugins?|l10n.*|locale.*|i18n.*|lang.*)",
        "a part of another package",
    ),
    (r"(?:task-)?(?:gnome|kde|xfce4?|mate|lxde|lxqt|cinnamon)(?:-.*)?", "a desktop, which belongs to the system"),
)
_PATTERNS = tuple((re.compile(pattern), why) for pattern, why in NOTHING)


def why_nothing(name: str) -> str:
    """Say why a package of Debian has no counterpart; empty where it may have one."""
    return next((why for pattern, why in _PATTERNS if pattern.fullmatch(name)), "")
