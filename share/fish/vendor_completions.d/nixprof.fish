# Completion of nixprof for fish: commands and options; `nixprof complete` knows the rest.

function __nixprof_known
    set -l words (commandline -opc)
    command -q nixprof; and command nixprof complete $words[2..] (commandline -ct) 2>/dev/null
end

set -l commands init freeze add try remove edit sync update outdated input pin unpin search show which list status diff history rollback bisect space why doctor setup tidy
set -l add add install i
set -l listed remove rm uninstall delete update upgrade up input pin unpin rollback
set -l allowing $add try sync update upgrade up
set -l changing $add $listed sync freeze
set -l locking $changing try edit tidy
set -l nix search $changing try edit outdated bisect diff space why doctor
set -l asking $changing edit tidy
set -l reading $changing outdated bisect search show which list ls status diff history space why doctor setup tidy

complete -c nixprof -f
complete -c nixprof -s h -l help -d 'show the options and examples'

complete -c nixprof -n __fish_use_subcommand -l version -d 'show the version'
complete -c nixprof -n __fish_use_subcommand -a init -d 'write a commented list to begin with, or copy that of another machine'
complete -c nixprof -n __fish_use_subcommand -a freeze -d 'turn an existing profile into the list'
complete -c nixprof -n __fish_use_subcommand -a add -d 'add packages to the list and install them'
complete -c nixprof -n __fish_use_subcommand -a try -d 'run programs of packages without adding them'
complete -c nixprof -n __fish_use_subcommand -a remove -d 'take packages off the list and uninstall them'
complete -c nixprof -n __fish_use_subcommand -a edit -d 'open the list in your editor, check it, and sync'
complete -c nixprof -n __fish_use_subcommand -a sync -d 'make this machine match the list'
complete -c nixprof -n __fish_use_subcommand -a update -d 'move inputs, or single packages, to the newest versions'
complete -c nixprof -n __fish_use_subcommand -a outdated -d 'show what update would bring'
complete -c nixprof -n __fish_use_subcommand -a input -d 'list the inputs, and add, remove or share them'
complete -c nixprof -n __fish_use_subcommand -a pin -d 'keep packages at their version when updating'
complete -c nixprof -n __fish_use_subcommand -a unpin -d 'let update move pinned packages again'
complete -c nixprof -n __fish_use_subcommand -a search -d 'find packages by words'
complete -c nixprof -n __fish_use_subcommand -a show -d 'show all about one package'
complete -c nixprof -n __fish_use_subcommand -a which -d 'show what has a program, or would bring it'
complete -c nixprof -n __fish_use_subcommand -a list -d 'show the list, with versions and descriptions'
complete -c nixprof -n __fish_use_subcommand -a status -d 'show how the list and the profile differ'
complete -c nixprof -n __fish_use_subcommand -a diff -d 'show versions between generations, or what is installed and the list'
complete -c nixprof -n __fish_use_subcommand -a history -d 'show the generations of the profile and what each one changed'
complete -c nixprof -n __fish_use_subcommand -a rollback -d 'go back to an earlier generation, or take back one package'
complete -c nixprof -n __fish_use_subcommand -a bisect -d 'find which package broke something'
complete -c nixprof -n __fish_use_subcommand -a space -d 'show how much disk space each package takes'
complete -c nixprof -n __fish_use_subcommand -a why -d 'show what needs a package, a store path or a program'
complete -c nixprof -n __fish_use_subcommand -a doctor -d 'find what is wrong with the set-up, and how to fix it'
complete -c nixprof -n __fish_use_subcommand -a setup -d 'set up your shell: PATH, completions, man pages'
complete -c nixprof -n __fish_use_subcommand -a tidy -d 'remove old generations of this profile'
complete -c nixprof -n __fish_use_subcommand -a help -d 'show the options of a command, with examples'
complete -c nixprof -n '__fish_seen_subcommand_from help' -a "$commands"

complete -c nixprof -n '__fish_seen_subcommand_from init sync' -l from -r -a '(__fish_complete_directories)' -d 'copy the list from a folder, git URL or flake reference'
complete -c nixprof -n '__fish_seen_subcommand_from freeze' -l only -x -d 'import only this one'
complete -c nixprof -n '__fish_seen_subcommand_from freeze' -l except -x -d 'do not import this one'
complete -c nixprof -n '__fish_seen_subcommand_from freeze' -l generation -x -k -a '(__nixprof_known)' -d 'an earlier generation'
complete -c nixprof -n '__fish_seen_subcommand_from freeze' -l from -r -F -d 'a manifest.json or manifest.nix, or a list of names'
complete -c nixprof -n '__fish_seen_subcommand_from freeze' -l latest -d 'take the newest versions'
complete -c nixprof -n '__fish_seen_subcommand_from freeze' -l overwrite -d 'change entries of the list that differ from what is installed'
complete -c nixprof -n '__fish_seen_subcommand_from freeze' -l comments -d 'add the descriptions of packages as comments'
complete -c nixprof -n '__fish_seen_subcommand_from freeze' -l keep -d 'write the list, and leave the profile as it is'
complete -c nixprof -n '__fish_seen_subcommand_from freeze' -l stdout -d 'write the list to stdout, and change nothing'
complete -c nixprof -n '__fish_seen_subcommand_from freeze' -l identify -d 'look up again what the list keeps by store path'
complete -c nixprof -n '__fish_seen_subcommand_from freeze' -l offline -d 'do not download nixpkgs to identify packages'
complete -c nixprof -n '__fish_seen_subcommand_from input; and not __fish_seen_subcommand_from list add remove follow' -a 'list add remove follow'
complete -c nixprof -n "__fish_seen_subcommand_from $add remove rm uninstall delete" -l on -x -k -a '(__nixprof_known)' -d 'for an OS, an architecture, a system or a host only'
complete -c nixprof -n "__fish_seen_subcommand_from $add" -l priority -x -d 'when packages provide the same file, the lower number wins'
complete -c nixprof -n "__fish_seen_subcommand_from $add" -l pin -d 'keep the packages at their version when updating'
complete -c nixprof -n "__fish_seen_subcommand_from $allowing" -l allow-unfree -d 'allow packages that are unfree'
complete -c nixprof -n "__fish_seen_subcommand_from $allowing" -l allow-insecure -d 'allow packages that are marked as insecure'
complete -c nixprof -n "__fish_seen_subcommand_from $allowing" -l allow-broken -d 'allow packages that are marked as broken'
complete -c nixprof -n '__fish_seen_subcommand_from update upgrade up' -l build -d 'build what is in no cache, and try again what failed to build'
complete -c nixprof -n '__fish_seen_subcommand_from update upgrade up' -l now -d 'take the newest revisions, even if they are younger than age'
complete -c nixprof -n '__fish_seen_subcommand_from update upgrade up' -l strict -d 'fail and change nothing if one of the packages cannot be updated'
complete -c nixprof -n '__fish_seen_subcommand_from sync status outdated' -l check -d 'exit with 3 if there is something to do'
complete -c nixprof -n '__fish_seen_subcommand_from rollback' -l profile-only -d 'leave the list and the locks as they are'
complete -c nixprof -n '__fish_seen_subcommand_from bisect' -l good -x -k -a '(__nixprof_known)' -d 'a generation that is good'
complete -c nixprof -n '__fish_seen_subcommand_from bisect' -l bad -x -k -a '(__nixprof_known)' -d 'a later one that is bad'
complete -c nixprof -n '__fish_seen_subcommand_from search' -l regex -d 'take the words as one regular expression'
complete -c nixprof -n '__fish_seen_subcommand_from search' -l input -x -k -a '(__nixprof_known)' -d 'search this input only'
complete -c nixprof -n '__fish_seen_subcommand_from search' -l all -d 'show all that is found'
complete -c nixprof -n '__fish_seen_subcommand_from setup' -l print -d 'print the line and what it reads, and change nothing'
complete -c nixprof -n '__fish_seen_subcommand_from setup' -l undo -d 'take it away again'
complete -c nixprof -n '__fish_seen_subcommand_from setup' -l command-not-found -d 'say which package has a command that is not found'
complete -c nixprof -n '__fish_seen_subcommand_from setup' -l no-command-not-found -d 'do not say that'
complete -c nixprof -n '__fish_seen_subcommand_from setup' -a 'bash zsh fish sh'
complete -c nixprof -n '__fish_seen_subcommand_from tidy' -l keep -x -d 'keep this many of the newest'
complete -c nixprof -n '__fish_seen_subcommand_from tidy' -l keep-days -x -d 'keep what was in use in the last days'
complete -c nixprof -n '__fish_seen_subcommand_from tidy' -l gc -d 'then run nix-collect-garbage, without asking'
complete -c nixprof -k -n 'not __fish_use_subcommand' -a '(__nixprof_known)'

complete -c nixprof -n "__fish_seen_subcommand_from $changing setup try tidy" -s n -l dry-run -d 'show what would change, and change nothing'
complete -c nixprof -n "__fish_seen_subcommand_from $asking" -s y -l yes -d 'do not ask for confirmation'
complete -c nixprof -n "__fish_seen_subcommand_from $locking" -l no-wait -d 'fail immediately if another nixprof is running'
complete -c nixprof -n "__fish_seen_subcommand_from $nix" -s v -l verbose -d 'show each step, and the commands and output of Nix'
complete -c nixprof -n "__fish_seen_subcommand_from edit $reading" -l profile -r -F -d 'use this profile instead of the default one'
complete -c nixprof -n "__fish_seen_subcommand_from edit try $reading" -l color -x -a 'auto always never' -d 'when to use colour'
complete -c nixprof -n "__fish_seen_subcommand_from init $reading" -l json -d 'write one JSON object to stdout'
