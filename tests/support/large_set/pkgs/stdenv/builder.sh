# Writes what a package of its kind consists of; its programs name what they are linked with.
PATH=/usr/bin:/bin:/run/current-system/sw/bin
set -- bin share/doc/"$pname" share/bash-completion/completions share/zsh/site-functions "libexec/$pname"
[ "$kind" = tool ] || set -- lib include share/doc/"$pname" lib/pkgconfig
(mkdir -p "$out" && cd "$out" && mkdir -p "$@")
for name in README LICENSE CHANGES; do
  printf '%s %s: %s\n' "$pname" "$version" "$name" >"$out/share/doc/$pname/$name"
done
if [ "$kind" = tool ]; then
  printf '#!/bin/sh\n# %s\necho "%s %s"\n' "$buildInputs" "$pname" "$version" >"$out/bin/$pname"
  printf '#!/bin/sh\nexec /bin/sh "$@"\n' >"$out/bin/$pname-sh"
  chmod +x "$out/bin/$pname" "$out/bin/$pname-sh"
  printf 'complete %s\n' "$pname" >"$out/share/bash-completion/completions/$pname"
  printf '#compdef %s\n' "$pname" >"$out/share/zsh/site-functions/_$pname"
  for name in one two three; do
    printf '%s\n' "$version" >"$out/libexec/$pname/$name"
  done
else
  printf '# %s\n%s\n' "$buildInputs" "$version" >"$out/lib/lib$pname.so"
  printf '/* %s */\n' "$version" >"$out/include/$pname.h"
  printf 'Version: %s\n' "$version" >"$out/lib/pkgconfig/$pname.pc"
fi
if [ -n "${man:-}" ]; then
  mkdir -p "$man/share/man/man1"
  printf '.TH %s 1\n' "$pname" >"$man/share/man/man1/$pname.1"
fi
