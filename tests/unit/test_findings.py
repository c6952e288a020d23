"""`doctor`: findings from made-up facts, and what is looked at on real files."""

import re
import socket
import time
from pathlib import Path

import pytest
from support.installs import ROOT
from support.scripts import script

from nixprof.commands.doctor import About, Examination
from nixprof.console import Console
from nixprof.doctor import nix_facts, shell_facts, shell_findings
from nixprof.doctor.facts import Apart, Facts, inputs_with_own_nixpkgs
from nixprof.doctor.finding import Finding
from nixprof.doctor.findings import findings
from nixprof.doctor.nix_facts import NixFacts
from nixprof.doctor.shell_facts import ShellFacts
from nixprof.doctor.shell_findings import to_be_on_path
from nixprof.errors import NixprofError, Reason
from nixprof.lock.freshness import Gap
from nixprof.lock.packages_json import Unavailable
from nixprof.manifest.parse import parse_text
from nixprof.manifest.problems import ManifestError
from nixprof.nix.profile import ProfileManager
from nixprof.nix.version import NixVersion
from nixprof.output import doctor as output
from nixprof.record import replace
from nixprof.shell.asking import Login
from nixprof.shell.startup import set_up

DAY = 86400
NOW = 100 * DAY
LINUX = "x86_64-linux"
NIX = NixVersion("2.34.8", (2, 34), lix=False)


ABOUT = About("Nix", (), "local", None, (), None, "zsh", shell_asked=True)
ZSH = {"program": Path("/bin/zsh"), "startup": (Path("/home/.zshrc"),)}


def found(system: str = LINUX, **facts: object) -> list[Finding]:
    return list(findings(Facts(system, **facts), NOW))  # type: ignore[arg-type]


def of_nix(**facts: object) -> list[Finding]:
    return found(nix=NixFacts(**{"version": NIX, **facts}))  # type: ignore[arg-type]


def of_shell(system: str = LINUX, **facts: object) -> list[Finding]:
    login = ShellFacts(**{**ZSH, **facts})  # type: ignore[arg-type]
    return found(system, profile=Path("/p"), login=login)


def held(days: int) -> Gap:
    why = Unavailable("broken", "ripgrep is marked as broken", "", "", since=NOW - days * DAY)
    return Gap(parse_text(Path("/l"), b'packages = ["ripgrep"]', lambda _: b"").packages[0], LINUX, why, None)


def test_a_good_set_up_has_no_findings() -> None:
    assert found() == []
    assert of_nix(free_bytes=6 << 30, settings={"require-sigs": True}, trusted=False) == []
    assert found(held=(held(29),), profile=Path("/profile")) == []
    assert of_shell() == []


def one(findings_: list[Finding], code: str, command: str, *, problem: bool) -> None:
    [finding] = findings_
    assert (finding.code, finding.problem) == (code, problem)
    assert command in finding.commands[0]
    assert finding.what
    assert finding.why


@pytest.mark.parametrize(
    ("facts", "code", "problem", "command"),
    [
        ({"version": NixVersion("2.3.16", (2, 3), lix=False)}, "nix-too-old", True, "nix"),
        ({"failure": NixprofError("there is no nix", Reason.NO_NIX, hints=("get it",))}, "no-nix", True, "get it"),
        ({"missing_set_up": ("sudo set up",)}, "nix-not-set-up", True, "sudo set up"),
        (
            {"unmounted": True, "failure": NixprofError("x", Reason.NO_NIX)},
            "store-not-mounted",
            True,
            "sudo mount /nix",
        ),
        ({"unreachable": ("https://a/ b",)}, "cache-unreachable", True, "curl -I 'https://a/ b'/nix-cache-info"),
        ({"foreign_keys": {"https://a": "a-1"}}, "cache-untrusted", True, "extra-trusted-public-keys = a-1:"),
        ({"ignored": ("https://a",)}, "cache-ignored", True, "extra-trusted-substituters = https://a"),
        ({"settings": {"require-sigs": False}}, "signatures-off", False, "require-sigs"),
        ({"free_bytes": 1 << 29}, "disk-space", True, "nixprof tidy --gc"),
        ({"free_bytes": 2 << 30}, "disk-space", False, "nixprof tidy --gc"),
    ],
)
def test_findings_about_nix(facts: dict[str, object], code: str, problem: bool, command: str) -> None:  # noqa: FBT001
    one(of_nix(**facts), code, command, problem=problem)


@pytest.mark.parametrize(
    ("facts", "code", "problem", "command"),
    [
        ({"unfinished": True}, "unfinished", True, "nixprof sync"),
        ({"failures": (NixprofError("x", Reason.DAMAGED, hints=("rm x",)),)}, "damaged", True, "rm x"),
        ({"failures": (NixprofError("x", Reason.NO_MANIFEST, hints=("y",)),)}, "no-manifest", False, "y"),
        (
            {"failures": (NixprofError("x", Reason.NO_MANIFEST, hints=("y",)),), "manager": ProfileManager.NIX_PROFILE},
            "no-manifest",
            True,
            "y",
        ),
        ({"in_git": False, "manifest": Path("/a b/x.toml")}, "not-in-git", False, "git init '/a b'"),
        ({"lock_format": 5}, "old-lock", False, "nixprof update"),
        ({"lock_format": 4}, "unknown-lock", True, "restore"),
        ({"lock_format": "8"}, "unknown-lock", True, "restore"),
        ({"held": (held(31),)}, "old-hold", False, "nixprof why ripgrep"),
        ({"by_holds": Apart(("nixpkgs#git",), 3 << 20)}, "held-apart", False, "nixprof space"),
        ({"foreign": ("jq", "fd")}, "foreign", False, "nixprof freeze"),
        ({"home_manager": True}, "home-manager", False, "home-manager packages"),
        ({"graphical": ("nixpkgs#kitty",)}, "graphics", False, "nixGL"),
        ({"sudo": True}, "sudo", False, "nixprof doctor"),
    ],
)
def test_findings(facts: dict[str, object], code: str, problem: bool, command: str) -> None:  # noqa: FBT001
    one(found(LINUX, **facts), code, command, problem=problem)


@pytest.mark.parametrize(
    ("facts", "code", "problem", "command"),
    [
        ({"silence": "exit code 3"}, "shell-silent", False, "time /bin/zsh -l -i"),
        (
            {"nix": "/n/bin/nix"},
            "nix-not-in-shell",
            True,
            """echo 'export PATH=/n/bin:"$PATH"' | tee -a /home/.zshrc""",
        ),
        ({"nix": "/n/bin/nix", "nix_script": "/n/x.sh"}, "nix-not-in-shell", True, "echo '. /n/x.sh' | tee -a"),
        ({"on_path": False}, "not-on-path", True, "nixprof setup"),
        ({"shadowed": {"rg": "/usr/bin/rg"}}, "shadowed", True, "nixprof setup"),
        (
            {"shadowed": {"rg": "/opt/rg"}},
            "shadowed",
            True,
            """echo 'export PATH=/p/bin:"$PATH"' | tee -a /home/.zshrc""",
        ),
        ({"lacks": {"manual"}}, "manual", False, "nixprof setup"),
        ({"lacks": {"completions"}}, "completions", False, "nixprof setup"),
        ({"lacks": {"applications"}}, "applications", False, "nixprof setup"),
        ({"lacks": {"fonts"}}, "fonts", False, "nixprof setup"),
        ({"lacks": {"certificates"}}, "certificates", True, "nixprof setup"),
        (
            {"lacks": {"certificates"}, "certificates": False},
            "certificates",
            True,
            "nixprof add cacert && nixprof setup",
        ),
        ({"terminals": ("kitty",)}, "terminfo", False, "nixprof setup"),
        ({"locale": "de_DE.UTF-8"}, "locale", False, "nixprof add glibcLocales && nixprof setup"),
        ({"locale": "de_DE.UTF-8", "locale_archive": True}, "locale", False, "nixprof setup"),
        (
            {"lost_certificates": "SSL_CERT_FILE", "environment": {"SSL_CERT_FILE": "/x"}},
            "certificates-lost",
            True,
            "unset SSL_CERT_FILE",
        ),
        ({"npm_prefix": True}, "npm-prefix", False, "~/.npmrc"),
    ],
)
def test_findings_about_the_shell(facts: dict[str, object], code: str, problem: bool, command: str) -> None:  # noqa: FBT001
    one(of_shell(LINUX, **facts), code, command, problem=problem)


def test_a_desktop_is_logged_in_to_again() -> None:
    found_ = {one.code: one.commands for one in of_shell(lacks={"applications", "manual"})}
    assert found_["applications"] == ("nixprof setup --profile /p", "and log in again")
    assert found_["manual"] == ("nixprof setup --profile /p", "and open a new terminal")


def test_every_code_is_explained() -> None:
    explained = (
        (ROOT / "share/doc/nixprof/JSON.md").read_text().partition("## What doctor finds")[2].partition("\n## ")[0]
    )
    source = "".join(file.read_text() for file in (ROOT / "nixprof" / "doctor").glob("*_findings.py"))
    source += (ROOT / "nixprof" / "doctor" / "findings.py").read_text()
    codes = {*re.findall(r'Finding\(\s*"([a-z-]+)"', source), *shell_findings._LACKS}  # noqa: SLF001 - the rest of them
    assert codes == {code for row in re.findall(r"(?m)^\| (`.*?) \|", explained) for code in re.findall("`(.*?)`", row)}


def test_a_shell_that_does_not_answer_is_guessed_about() -> None:
    silent, path = of_shell(silence="no answer in 20 s", on_path=False, program=Path("/a b/zsh"))
    assert (silent.guess, path.guess) == (False, True)
    assert not path.problem
    assert silent.what == "a new login shell (/a b/zsh) does not answer: no answer in 20 s"
    assert silent.commands == ("time '/a b/zsh' -l -i -c true",)
    assert not of_shell(on_path=False)[0].guess


def test_a_shell_of_other_words_is_not_given_lines_of_sh() -> None:
    nu = Path("/bin/nu")
    [nix, path] = of_shell(program=nu, nix="/n/bin/nix", on_path=False)
    assert nix.commands[0].startswith("in the start-up file of nu, in its own words: ")
    by_hand = "in the start-up file of nu, in its own words: export "
    assert path.commands == (by_hand + 'PATH=/p/bin:"$PATH"',)
    lacking = {"lacks": {*shell_findings._LACKS}, "locale": "de_DE", "terminals": ("kitty",)}  # noqa: SLF001
    commands = {one.code: one.commands for one in of_shell(LINUX, program=nu, **lacking)}
    assert len(commands) == 7
    assert not any("setup" in command for some in commands.values() for command in some)
    assert commands["terminfo"] == (by_hand + "TERMINFO_DIRS=/p/share/terminfo:",)
    assert commands["locale"] == ("nixprof add glibcLocales", by_hand + "LOCALE_ARCHIVE=/p/lib/locale/locale-archive")
    [nix] = of_shell(nix="/nix/var/nix/profiles/default/bin/nix")
    assert nix.commands[0] == "nixprof setup --profile /p"


def test_a_bash_that_is_no_login_shell_is_told_of_where_the_other_finds_all() -> None:
    bash, plain = (ShellFacts(Path("/bin/bash"), is_login=login, on_path=login) for login in (True, False))
    first, *more = found(profile=Path("/p"), login=bash, others=(plain,))
    assert (first.code, first.problem, more) == ("not-on-path", True, [])
    assert "a bash that is not a login shell is meant" in first.why
    [same] = found(profile=Path("/p"), login=replace(bash, on_path=False), others=(plain,))
    assert "login" not in same.why


def test_a_terminal_from_before_nix() -> None:
    nix = NixFacts(failure=NixprofError("there is no nix", Reason.NO_NIX, hints=("install it",)))
    [new] = found(nix=nix, login=ShellFacts(has_nix=True))
    assert (new.code, new.commands) == ("no-nix", ("open a new terminal",))
    [none, _] = found(nix=nix, login=ShellFacts(has_nix=True, silence="exit code 1"))
    assert none.commands == ("install it",)


def test_a_list_with_mistakes_shows_them() -> None:
    text = b'packages = ["jq",\n  { package = "git", prio = 3 },\n  3,\n]\n'
    with pytest.raises(ManifestError) as failed:
        parse_text(Path("/l.toml"), text, lambda _: b"")
    [finding] = found(failures=(failed.value,))
    assert finding.commands == ("nixprof edit",)
    assert "2 problems in /l.toml: line 2 (prio = 3): unknown key; did you mean priority?, line 3 (3): " in finding.what


def test_a_sync_cures_no_list_that_is_a_folder_and_no_nix_conf() -> None:
    folder = NixprofError("cannot read /l", Reason.CANNOT_READ, cause="not a file")
    assert found(failures=(folder,), manifest=Path("/l"))[0].commands[0] == "ls -ld /l"
    [conf] = of_nix(failure=NixprofError("Nix failed", Reason.SYSTEM, cause="illegal configuration line"))
    assert conf.commands[0].endswith("config show")
    assert "nix.conf" in conf.commands[1]


def test_a_profile_that_is_not_there_or_not_in_sync(tmp_path: Path) -> None:
    place = tmp_path / "profile"
    one(found(lost_profile=place), "profile-lost", "nixprof sync", problem=True)
    [chosen] = found(lost_profile=place, chosen_profile=True)
    assert chosen.commands == (f"nixprof sync --profile {place}",)
    assert chosen.what.endswith("is not there")
    place.mkdir()
    [folder] = found(lost_profile=place)
    assert folder.commands == (f"mv {place} {place}.old && nixprof sync",)
    one(found(in_sync=False), "not-in-sync", "nixprof sync", problem=False)
    assert [each.code for each in found(in_sync=False, unfinished=True)] == ["unfinished"]


def test_what_shadows_is_named_with_its_tool() -> None:
    [finding] = of_shell(shadowed={"rg": "/opt/homebrew/bin/rg", "fd": "/home/a/.asdf/shims/fd"})
    assert "rg by /opt/homebrew/bin/rg (Homebrew), fd by /home/a/.asdf/shims/fd (asdf)" in finding.what


def test_a_mac_whose_start_up_files_were_overwritten(tmp_path: Path) -> None:
    [forgotten] = of_shell("aarch64-darwin", nix="/n/bin/nix", startup_mentions_nix=False)
    assert "do not mention it, as after an update of macOS" in forgotten.why
    [on_linux] = of_shell(nix="/n/bin/nix", startup_mentions_nix=False)
    assert on_linux.why.endswith("do not mention it")
    [other] = of_shell(nix="/n/bin/nix")
    assert "mention" not in other.why
    lines = "# . /nix/var/nix/profiles/default/etc/profile.d/nix-daemon.sh\nexport A=b\n"
    assert not shell_facts.mentions_nix([lines])
    assert shell_facts.mentions_nix([lines, "if [ -e '/nix/x' ]; then . '/nix/x'; fi"])
    assert shell_facts.mentions_nix(["  source ~/.nix-profile/etc/profile.d/nix.sh"])
    to_read = program(tmp_path / "etc" / "profile.d" / "nix-daemon.sh")
    assert shell_facts.nix_script(str(tmp_path / "bin" / "nix"), "zsh") == str(to_read)
    assert shell_facts.nix_script(str(tmp_path / "bin" / "nix"), "fish") == ""
    assert shell_facts.nix_script("", "zsh") == ""


def test_nixpkgs_that_the_list_names_counts_for_nothing() -> None:
    def lock(**hashes: str) -> dict[str, object]:
        nodes: dict[str, object] = {
            name: {"locked": {"narHash": hash_}, "inputs": {"x": f"nixpkgs{name.removeprefix('helix')}"}}
            for name, hash_ in hashes.items()
        }
        inputs = {name: name for name in hashes if not name.startswith("nixpkgs_")}
        return {"root": "root", "nodes": {**nodes, "root": {"inputs": {**inputs, "mine": ["nixpkgs"]}}}}

    assert inputs_with_own_nixpkgs({}) == {}
    assert inputs_with_own_nixpkgs(lock(nixpkgs="a", nixpkgs_2="a", helix_2="c")) == {}
    other = lock(nixpkgs="a", nixpkgs_2="b", nixpkgs_3="c", helix_2="d", helix_3="e")
    assert inputs_with_own_nixpkgs(other) == {"helix_2": {"b"}, "helix_3": {"c"}}
    [finding] = found(own_nixpkgs=inputs_with_own_nixpkgs(other), by_inputs=Apart(("helix_2#a",), 5 << 20))
    assert "helix_2, helix_3 bring nixpkgs in 2 further revisions" in finding.what
    assert "5.0 MiB are there for it alone" in finding.why


def program(file: Path) -> Path:
    return script(file, ":")


def test_what_shadows_a_program(tmp_path: Path) -> None:
    profile, before, after = tmp_path / "profile", tmp_path / "before", tmp_path / "after"
    for name in ("rg", "fd", "jq"):
        program(profile / "bin" / name)
    theirs = program(before / "rg")
    (before / "fd").symlink_to(profile / "bin" / "fd")
    (before / "jq").write_text("is no program")
    program(after / "jq")
    search = [str(before), str(profile / "bin"), str(after)]
    assert shell_facts.shadowed(profile, search) == {"rg": str(theirs)}
    assert shell_facts.shadowed(profile, search[1:]) == {}
    assert shell_facts.shadowed(profile, [str(before)]) == {}


def a_file(file: Path, data: str = "x") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(data)
    return file


def lacks(profile: Path, shell: str = "zsh", needs: tuple[str, ...] = (), **login: object) -> set[str]:
    known = Login(**{"environment": {}, "functions": frozenset(), "fpath": (), **login})  # type: ignore[arg-type]
    return set(shell_facts.lacking(profile, known, shell, needs, linux=True))


def test_what_a_shell_lacks_of_a_profile_that_needs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    profile, share = tmp_path / "p", tmp_path / "p" / "share"
    assert lacks(profile) == set()
    a_file(share / "applications" / "kitty.desktop")
    assert lacks(profile) == {"applications"}
    assert lacks(profile, environment={"XDG_DATA_DIRS": f"/usr/share:{share}/"}) == set()
    a_file(share / "zsh" / "site-functions" / "_rg")
    assert lacks(profile) == {"applications", "completions"}
    assert lacks(profile, shell="") == lacks(profile, shell="csh") == {"applications"}
    assert "completions" not in lacks(profile, fpath=("/x", f"{share}/zsh/site-functions"))
    a_file(share / "fish" / "vendor_completions.d" / "rg.fish")
    assert "completions" in lacks(profile, shell="fish", fpath=("/x",))
    assert "completions" not in lacks(profile, shell="fish", fpath=(f"{share}/fish/vendor_completions.d",))


def test_what_bash_completes(tmp_path: Path) -> None:
    profile = tmp_path / "p"
    a_file(profile / "share" / "bash-completion" / "completions" / "rg")
    on_path = {"PATH": f"{profile}/bin:/bin"}
    old, new = frozenset({"_completion_loader"}), frozenset({"_comp_load"})
    assert lacks(profile, shell="bash", environment=on_path) == {"completions"}
    assert lacks(profile, shell="bash", environment=on_path, functions=old) == {"completions"}
    assert lacks(profile, shell="bash", environment=on_path, functions=new) == set()
    assert lacks(profile, shell="bash", environment={"XDG_DATA_DIRS": f"{profile}/share"}, functions=old) == set()
    assert lacks(profile, shell="bash", functions=frozenset({"_nixprof_load"})) == set()


def test_what_man_finds(tmp_path: Path) -> None:
    profile = tmp_path / "p"
    a_file(profile / "share" / "man" / "man1" / "rg.1")
    manpath = program(tmp_path / "bin" / "manpath")
    manpath.write_text("#!/bin/sh\necho /usr/share/man:$MORE\n")
    environment = {"PATH": f"{manpath.parent}"}
    assert lacks(profile, environment=environment) == {"manual"}
    assert lacks(profile, environment={**environment, "MORE": f"{profile}/share/man"}) == set()
    manpath.unlink()
    assert lacks(profile, environment=environment) == set()  # there is no man
    program(manpath.parent / "man")
    assert lacks(profile, environment=environment) == {"manual"}
    assert lacks(profile, environment={**environment, "MANPATH": f":{profile}/share/man"}) == set()


def test_fonts_and_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    profile = tmp_path / "p"
    a_file(profile / "share" / "fonts" / "a.ttf")
    if Path("/etc/fonts").is_dir():
        assert lacks(profile) == {"fonts"}
        a_file(tmp_path / ".config" / "fontconfig" / "conf.d" / "1.conf", "<fontconfig><dir>~/p/share/fonts</dir>")
    assert lacks(profile) == set()
    monkeypatch.setattr(shell_facts, "_CERTIFICATES", tmp_path / "none")
    assert lacks(profile) == set()
    assert lacks(profile, needs=("openssl",)) == {"certificates"}
    assert lacks(profile, needs=("openssl",), environment={"SSL_CERT_FILE": "/x"}) == set()
    assert shell_facts.lost_certificates({"SSL_CERT_FILE": str(tmp_path / "gone")}) == "SSL_CERT_FILE"
    assert shell_facts.lost_certificates({"SSL_CERT_FILE": str(tmp_path)}) == ""


def test_terminals_that_only_the_profile_describes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = tmp_path / "system"
    monkeypatch.setattr(shell_facts, "_TERMINALS", (system,))
    monkeypatch.setenv("HOME", str(tmp_path))
    a_file(system / "x" / "xterm")
    for name in ("x/xterm", "78/xterm", "x/xterm-kitty"):
        a_file(tmp_path / "p" / "share" / "terminfo" / name)
    assert shell_facts.unknown_terminals(tmp_path / "p", {}) == ("xterm-kitty",)
    named = {"TERMINFO_DIRS": f":{tmp_path}/p/share/terminfo/"}
    assert shell_facts.unknown_terminals(tmp_path / "p", named) == ()


def test_the_locale_of_programs_from_nix(tmp_path: Path) -> None:
    archive = a_file(tmp_path / "archive", "\0de_DE.utf8\0en_US\0")

    def unknown(**variables: str) -> str:
        return shell_facts.unknown_locale({"LOCALE_ARCHIVE": str(archive), **variables})

    assert unknown() == unknown(LANG="C.UTF-8") == unknown(LANG="POSIX") == ""
    assert unknown(LANG="de_DE.UTF-8") == unknown(LANG="de_DE.UTF-8@euro") == unknown(LC_ALL="en_US", LANG="x") == ""
    assert unknown(LANG="fr_FR.UTF-8") == "fr_FR.UTF-8"
    assert unknown(LANG="de_DE.UTF-8", LC_ALL="fr_FR.UTF-8") == "fr_FR.UTF-8"
    assert unknown(LANG="de_AT.UTF-8", LOCALE_ARCHIVE=str(tmp_path)) == ""  # nothing is said of what cannot be read


def test_where_npm_installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not shell_facts.npm_writes_into_store(tmp_path, {})
    program(tmp_path / "bin" / "npm")
    assert shell_facts.npm_writes_into_store(tmp_path, {})
    assert not shell_facts.npm_writes_into_store(tmp_path, {"npm_config_prefix": "/x"})
    a_file(tmp_path / ".npmrc", "registry=x\nprefix = ~/.local\n")
    assert not shell_facts.npm_writes_into_store(tmp_path, {})


def test_a_store_on_a_volume_that_is_not_there(tmp_path: Path) -> None:
    fstab = a_file(tmp_path / "fstab", "#UUID=1 /nix apfs rw\nUUID=2\t/usr\text4\n")
    assert not nix_facts.is_unmounted(fstab)
    fstab.write_text(f"UUID=1 {tmp_path} apfs rw,noauto,nobrowse\nUUID=2 / ext4\n")
    assert nix_facts.is_unmounted(fstab, str(tmp_path))
    assert not nix_facts.is_unmounted(fstab, "/")
    assert not nix_facts.is_unmounted(tmp_path / "none")


def test_caches_are_asked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    there = tmp_path / "cache"
    a_file(there / "nix-cache-info")
    digest = "a" * 32
    a_file(there / f"{digest}.narinfo", "StorePath: x\nSig: theirs-1:abc\n")
    known, gone, deaf = f"file://{there}?priority=3", f"file://{tmp_path}/gone", "http://127.0.0.1:9"
    answers = nix_facts.ask_caches([known, gone, deaf, "s3://x", "daemon"], ["/s/" + "b" * 32, f"/s/{digest}-rg-1"])
    assert answers == {known: {"theirs-1"}, gone: None, deaf: None}
    assert nix_facts.ask_caches([known], []) == {known: frozenset()}
    assert nix_facts.foreign_keys(answers, {"trusted-public-keys": ["mine-1:x"]}) == {known: "theirs-1"}
    assert nix_facts.foreign_keys(answers, {"trusted-public-keys": ["theirs-1:x"]}) == {}
    assert nix_facts.foreign_keys(answers, {"require-sigs": False}) == {}


def test_caches_that_never_answer_cost_one_limit_in_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        answers = nix_facts.ask_caches([f"{address}/{number}" for number in range(9)], [], patience=0.2)
        assert time.monotonic() - began < 2
        assert set(answers.values()) == {None}


def test_what_sets_a_shell_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".nix-profile").symlink_to(tmp_path / "profile")
    usual = tmp_path / "profile"
    assert to_be_on_path(usual, "/bin/zsh") == 'export PATH=$HOME/.nix-profile/bin:"$PATH"'
    assert to_be_on_path(usual, "/usr/bin/fish") == "fish_add_path --path --move $HOME/.nix-profile/bin"
    assert to_be_on_path(Path("/a b"), "") == "export PATH='/a b'/bin:\"$PATH\""
    assert set_up(usual) == "nixprof setup"
    assert set_up(Path("/a b")) == "nixprof setup --profile '/a b'"


def test_shown_at_80_columns_problems_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Console, "width", lambda *_: 80)
    one = Finding("a", "list", "no git", "why it matters " * 9, ("git init " + "x" * 90,), problem=False)
    two = Finding("b", "shell", "evil \x1b[31m word\n" * 9, "why", ("true", "false"))
    lines = list(output._lines(Examination("2.34.8", ABOUT, (one, two)), Console()))  # noqa: SLF001 - what is written
    assert [line for line in lines if len(line) > 80] == [f"    {one.commands[0]}"]
    assert lines[0].startswith("✗ shell: evil")
    assert lines[-1] == "✗ 1 problem, 1 to improve"
    assert output.exit_code(Examination("2.34.8", ABOUT, (one,))) == 0
    assert output.exit_code(Examination(None, ABOUT, (one, two))) == 1
    about = replace(ABOUT, trusted=False, free_bytes=3 << 30, caches=("https://a", "https://b"), shell_asked=False)
    told = list(output._lines(Examination("2.34.8", about, ()), Console(verbose=True)))  # noqa: SLF001
    assert told[:-2] == [
        "Nix     Nix 2.34.8",
        "store   local, which does not trust you, 3.0 GiB free",
        "caches  https://a https://b",
        "shell   zsh, which does not answer",
    ]
    [calm] = output._lines(Examination("2.34.8", ABOUT, ()), Console())  # noqa: SLF001 - what is written
    assert calm == "✓ no problems: Nix 2.34.8, the list, the profile and the shell are fine"
    assert len(calm) <= 80
    beside = replace(ABOUT, managers=("home-manager", "nix-darwin"))
    *_, last = output._lines(Examination("2.34.8", beside, ()), Console())  # noqa: SLF001 - the last one
    assert last == "  also here, and left alone: home-manager, nix-darwin"
    long = Examination("2.33.1", replace(ABOUT, variant="Determinate Nix 3.15.1"), ())
    assert list(output._lines(long, Console())) == [  # noqa: SLF001 - what is written
        "✓ no problems: Determinate Nix 3.15.1 2.33.1, the list, the profile",
        "  and the shell are fine",
    ]
    *_, better = output._lines(Examination("2.34.8", ABOUT, (one, one)), Console())  # noqa: SLF001 - the last one
    assert better == "✓ no problems, 2 to improve"
