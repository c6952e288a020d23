{ lib }:

rec {
  inherit (builtins) all any;
  optional = condition: value: if condition then [ value ] else [ ];
  optionals = condition: values: if condition then values else [ ];
  toList = value: if builtins.isList value then value else [ value ];
  remove = value: builtins.filter (other: other != value);
  subtractLists = without: builtins.filter (value: !(builtins.elem value without));
  unique = builtins.foldl' (
    found: value: if builtins.elem value found then found else found ++ [ value ]
  ) [ ];
  imap1 =
    function: list:
    builtins.genList (index: function (index + 1) (builtins.elemAt list index)) (builtins.length list);
}
