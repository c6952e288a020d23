# The source of a tag: an archive at an address that is made of its parts.
{ lib, fetchurl }:

lib.makeOverridable (
  {
    owner,
    repo,
    tag,
    ...
  }@args:
  let
    home = "https://github.com/${owner}/${repo}";
    archive = fetchurl (
      removeAttrs args [
        "owner"
        "repo"
        "tag"
      ]
      // {
        name = "source";
        url = "${home}/archive/refs/tags/${tag}.tar.gz";
        meta.homepage = home;
      }
    );
  in
  archive.overrideAttrs (previous: {
    passthru = previous.passthru // {
      inherit owner repo tag;
      gitRepoUrl = "${home}.git";
    };
  })
)
