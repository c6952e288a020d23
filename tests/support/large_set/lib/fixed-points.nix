{ ... }:

rec {
  flip =
    function: a: b:
    function b a;

  fix =
    function:
    let
      final = function final;
    in
    final;

  extends =
    overlay: function: final:
    let
      previous = function final;
    in
    previous // overlay final previous;

  composeExtensions =
    first: second: final: previous:
    let
      one = first final previous;
    in
    one // second final (previous // one);

  composeManyExtensions = builtins.foldl' composeExtensions (_: _: { });

  # A set that can be extended later: `set.extend (final: previous: { … })`.
  makeExtensible =
    function:
    fix (final: function final // { extend = overlay: makeExtensible (extends overlay function); });
}
