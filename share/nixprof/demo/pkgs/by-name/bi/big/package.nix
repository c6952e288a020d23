{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "big";
  version = versions.big;

  buildCommand = ''
    mkdir -p "$out/share/doc/big" "$out/share/man/man1" "$out/share/man/man3"
    number=0
    while [ $number -lt 100 ]; do
      number=$((number + 1))
      echo "Chapter $number" >"$out/share/doc/big/chapter-$number.txt"
      echo "big-$number - a command" >"$out/share/man/man1/big-$number.1"
      echo "big_$number - a function" >"$out/share/man/man3/big_$number.3"
    done
  '';

  meta = {
    description = "Package with a few hundred files in shared folders";
    license = lib.licenses.mit;
    mainProgram = "big";
  };
}
