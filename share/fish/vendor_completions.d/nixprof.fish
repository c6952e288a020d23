# Completion of nixprof for fish: commands and options; `nixprof complete` knows the rest.

function __nixprof_known
    set -l words (commandline -opc)
    command -q nixprof; and command nixprof complete $words[2..] (commandline -ct) 2>/dev/null
end

# Whether one of these commands is typed.
function __nixprof_does
    set -l words (string match -v -- '-*' (commandline -opc))
    contains -- "$words[2]" $argv
end

# Whether no argument follows the command yet.
function __nixprof_begins
    test (count (string match -v -- '-*' (commandline -opc))) -eq 2
end

complete -c nixprof -f
complete -c nixprof -s h -l help -d 'show the options and examples'
complete -c nixprof -n __fish_use_subcommand -l version -d 'show the version'
complete -c nixprof -n __fish_use_subcommand -a help -d 'show the options of a command, with examples'
complete -c nixprof -k -n 'not __fish_use_subcommand' -a '(__nixprof_known)'

# begin: from cli.py, see ARCHITECTURE.md
complete -c nixprof -n __fish_use_subcommand -a init -d 'write a commented list to begin with'
complete -c nixprof -n __fish_use_subcommand -a add -d 'add packages to the list and install them'
complete -c nixprof -n __fish_use_subcommand -a try -d 'run programs of packages without adding these'
complete -c nixprof -n __fish_use_subcommand -a remove -d 'take packages off the list and uninstall them'
complete -c nixprof -n __fish_use_subcommand -a sync -d 'make this machine match the list; or other machines, with the list and the lock of this one'
complete -c nixprof -n __fish_use_subcommand -a machines -d 'show how other machines stand to the list of this one'
complete -c nixprof -n __fish_use_subcommand -a update -d 'move inputs, or single packages, to the newest versions'
complete -c nixprof -n __fish_use_subcommand -a list -d 'show the list, with versions and what is skipped'
complete -c nixprof -n __fish_use_subcommand -a search -d 'find packages by words'
complete -c nixprof -n __fish_use_subcommand -a show -d 'show all about one package'
complete -c nixprof -n __fish_use_subcommand -a which -d 'show what has a program, or would bring it'
complete -c nixprof -n __fish_use_subcommand -a status -d 'show how the list and the profile differ'
complete -c nixprof -n __fish_use_subcommand -a lock -d 'resolve the list for every system; install nothing'
complete -c nixprof -n __fish_use_subcommand -a check -d 'check that everything can be had on every system'
complete -c nixprof -n __fish_use_subcommand -a freeze -d 'turn an existing profile into the list'
complete -c nixprof -n __fish_use_subcommand -a export -d 'write the list in the format of another tool'
complete -c nixprof -n __fish_use_subcommand -a adopt -d 'take packages that something else installed onto the list'
complete -c nixprof -n __fish_use_subcommand -a outdated -d 'show what update would bring, without doing it'
complete -c nixprof -n __fish_use_subcommand -a input -d 'list the inputs, and add, remove or share them'
complete -c nixprof -n __fish_use_subcommand -a pin -d 'keep packages at their version when updating'
complete -c nixprof -n __fish_use_subcommand -a unpin -d 'let update move pinned packages again'
complete -c nixprof -n __fish_use_subcommand -a edit -d 'open the list in your editor, check it, and sync'
complete -c nixprof -n __fish_use_subcommand -a diff -d 'compare the versions of two generations, or of the profile and the list'
complete -c nixprof -n __fish_use_subcommand -a history -d 'show the generations of the profile and what each one changed'
complete -c nixprof -n __fish_use_subcommand -a rollback -d 'go back to an earlier generation, with the list; or take back one package'
complete -c nixprof -n __fish_use_subcommand -a bisect -d 'find which package broke something'
complete -c nixprof -n __fish_use_subcommand -a space -d 'show how much disk space each package takes'
complete -c nixprof -n __fish_use_subcommand -a why -d 'show what needs a package, a store path or a program'
complete -c nixprof -n __fish_use_subcommand -a push -d 'copy what is installed to a cache, for other machines'
complete -c nixprof -n __fish_use_subcommand -a doctor -d 'find what is wrong with the set-up, and how to fix it'
complete -c nixprof -n __fish_use_subcommand -a setup -d 'set up your shell: PATH, completions, man pages'
complete -c nixprof -n __fish_use_subcommand -a tidy -d 'remove old generations of this profile'
complete -c nixprof -n '__nixprof_does help' -a 'init add try remove sync machines update list search show which status lock check freeze export adopt outdated input pin unpin edit diff history rollback bisect space why push doctor setup tidy'
complete -c nixprof -n '__nixprof_does init' -l from -r -a '(__fish_complete_directories)' -d 'copy the list from a folder, git URL, flake reference or ssh://HOST'
complete -c nixprof -n '__nixprof_does init add install i remove rm uninstall delete sync machines update upgrade up list ls search show which status lock check freeze export adopt outdated input pin unpin diff history rollback bisect space why push doctor setup tidy' -l json -d 'write one JSON object to stdout'
complete -c nixprof -n '__nixprof_does add install i' -l priority -x -d 'when packages provide the same file, the lower number wins (default: 5)'
complete -c nixprof -n '__nixprof_does add install i' -l pin -d 'keep these packages at their version when updating'
complete -c nixprof -n '__nixprof_does add install i' -l on -x -k -a '(__nixprof_known)' -d 'for an OS, an architecture, a system or a host only'
complete -c nixprof -n '__nixprof_does add install i try sync update upgrade up lock' -l allow-unfree -d 'allow packages that are unfree'
complete -c nixprof -n '__nixprof_does add install i try sync update upgrade up lock' -l allow-insecure -d 'allow packages that are marked as insecure'
complete -c nixprof -n '__nixprof_does add install i try sync update upgrade up lock' -l allow-broken -d 'allow packages that are marked as broken'
complete -c nixprof -n '__nixprof_does add install i try remove rm uninstall delete sync update upgrade up lock freeze export adopt input pin unpin rollback push setup tidy' -s n -l dry-run -d 'show what would change, and change nothing'
complete -c nixprof -n '__nixprof_does add install i remove rm uninstall delete sync update upgrade up lock freeze export adopt input pin unpin edit rollback tidy' -s y -l yes -d 'do not ask for confirmation'
complete -c nixprof -n '__nixprof_does add install i remove rm uninstall delete sync machines update upgrade up list ls search show which status lock check freeze adopt outdated input pin unpin edit diff history rollback bisect space why push doctor setup tidy' -l profile -r -F -d 'use this profile instead of the default one'
complete -c nixprof -n '__nixprof_does add install i try remove rm uninstall delete sync update upgrade up lock check freeze adopt input pin unpin edit rollback tidy' -l no-wait -d 'fail immediately if another nixprof is running'
complete -c nixprof -n '__nixprof_does add install i try remove rm uninstall delete sync update upgrade up search lock check freeze adopt outdated input pin unpin edit diff rollback bisect space why push doctor' -s v -l verbose -d 'show each step, and Nix\'s commands and output'
complete -c nixprof -n '__nixprof_does add install i try remove rm uninstall delete sync machines update upgrade up list ls search show which status lock check freeze export adopt outdated input pin unpin edit diff history rollback bisect space why push doctor setup tidy' -l color -x -a 'auto always never' -d 'when to use colour'
complete -c nixprof -n '__nixprof_does remove rm uninstall delete' -l on -x -k -a '(__nixprof_known)' -d 'only what is listed for this OS, system or host'
complete -c nixprof -n '__nixprof_does sync' -l from -r -a '(__fish_complete_directories)' -d 'where there is no list yet, copy one first, as init does'
complete -c nixprof -n '__nixprof_does sync' -l cache -x -k -a '(__nixprof_known)' -d 'first copy what is missing from this machine, over ssh'
complete -c nixprof -n '__nixprof_does sync' -l to -x -k -a '(__nixprof_known)' -d 'have this machine do it, over ssh; repeatable'
complete -c nixprof -n '__nixprof_does sync' -l overwrite -d 'replace another list that is there; rollback brings it back'
complete -c nixprof -n '__nixprof_does sync machines status outdated' -l check -d 'change nothing; exit with 3 if not up to date'
complete -c nixprof -n '__nixprof_does machines' -l forget -d 'forget these instead of asking them'
complete -c nixprof -n '__nixprof_does update upgrade up' -l build -d 'build what is in no cache, and try again what failed to build'
complete -c nixprof -n '__nixprof_does update upgrade up' -l now -d 'take the newest revisions, even if they are younger than age'
complete -c nixprof -n '__nixprof_does update upgrade up' -l strict -d 'fail and change nothing if one of the packages cannot be updated'
complete -c nixprof -n '__nixprof_does list ls' -l all -d 'show where each entry applies: on every machine, a system or a host'
complete -c nixprof -n '__nixprof_does search' -l regex -d 'take the words as one regular expression for names and descriptions'
complete -c nixprof -n '__nixprof_does search' -l input -x -k -a '(__nixprof_known)' -d 'search this input only (default: all)'
complete -c nixprof -n '__nixprof_does search' -l all -d 'show all that is found, instead of the best matches'
complete -c nixprof -n '__nixprof_does freeze' -l only -x -d 'import only this element; repeatable'
complete -c nixprof -n '__nixprof_does freeze' -l except -x -d 'do not import this element'
complete -c nixprof -n '__nixprof_does freeze' -l generation -x -k -a '(__nixprof_known)' -d 'import this generation of the profile'
complete -c nixprof -n '__nixprof_does freeze' -l from -r -F -d 'import the list of another tool or machine'
complete -c nixprof -n '__nixprof_does freeze' -l latest -d 'install the newest versions instead of keeping the installed ones'
complete -c nixprof -n '__nixprof_does freeze' -l overwrite -d 'change entries of the list that differ from what is installed'
complete -c nixprof -n '__nixprof_does freeze' -l comments -d 'add the descriptions of packages as comments'
complete -c nixprof -n '__nixprof_does freeze' -l keep -d 'write the list, and leave the profile as it is'
complete -c nixprof -n '__nixprof_does freeze' -l stdout -d 'print the list, and change nothing'
complete -c nixprof -n '__nixprof_does freeze' -l identify -d 'look up again what the list keeps by store path'
complete -c nixprof -n '__nixprof_does freeze' -l offline -d 'do not download nixpkgs to identify packages'
complete -c nixprof -n '__nixprof_does export' -s o -l output -r -F -d 'write there, a file or a folder, and not to stdout'
complete -c nixprof -n '__nixprof_does export' -l system -x -k -a '(__nixprof_known)' -d 'for this system (default: the list\'s); repeatable'
complete -c nixprof -n '__nixprof_does rollback' -l profile-only -d 'leave the list and the locks as they are'
complete -c nixprof -n '__nixprof_does bisect' -l good -x -k -a '(__nixprof_known)' -d 'a generation that is good (default: the oldest)'
complete -c nixprof -n '__nixprof_does bisect' -l bad -x -k -a '(__nixprof_known)' -d 'a later one that is bad (default: the current one)'
complete -c nixprof -n '__nixprof_does push' -l key -r -F -d 'sign with this secret key, as Nix makes one'
complete -c nixprof -n '__nixprof_does setup' -l print -d 'print the line for the start-up file and what it reads; change nothing'
complete -c nixprof -n '__nixprof_does setup' -l undo -d 'take it away again, of this shell or of all'
complete -c nixprof -n '__nixprof_does setup' -l command-not-found -d 'say which package has a command that is not found'
complete -c nixprof -n '__nixprof_does setup' -l no-command-not-found -d 'the opposite of --command-not-found'
complete -c nixprof -n '__nixprof_does tidy' -l keep -x -d 'keep the newest N (without options: 5, and 30 days)'
complete -c nixprof -n '__nixprof_does tidy' -l keep-days -x -d 'keep what was in use in the last D days'
complete -c nixprof -n '__nixprof_does tidy' -l gc -d 'then run nix-collect-garbage, without asking'
complete -c nixprof -n '__nixprof_does export; and __nixprof_begins' -a 'flake home-manager nixos nix-darwin shell devbox flox brewfile plain image'
complete -c nixprof -n '__nixprof_does input; and __nixprof_begins' -a 'list add remove follow'
complete -c nixprof -n '__nixprof_does setup; and __nixprof_begins' -a 'bash zsh fish sh'
# end
