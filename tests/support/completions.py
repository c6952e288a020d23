"""The tables of commands and options in the completions of bash, zsh and fish, as `cli.py` declares them.

Each file in share/ is typed by hand, but for what is between two comments, which `written` gives.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer.main

from nixprof.cli import COMMANDS, make_app
from nixprof.command import ALIASES
from nixprof.quick.complete import ARGUMENTS, VALUES

_TABLE = re.compile(r"(?<=^# begin: from cli\.py, see ARCHITECTURE\.md\n).*?(?=^# end\n)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Value:
    """What an option or an argument takes, and who completes it."""

    name: str
    by: str  # known, files, folders or none; or the words that there are, with | between them

    @property
    def words(self) -> str:
        return self.by.replace("|", " ") if "|" in self.by else ""


@dataclass(frozen=True, slots=True)
class Option:
    names: tuple[str, ...]
    told: str
    value: Value | None = None
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    names: tuple[str, ...]  # with its aliases
    told: str
    options: tuple[Option, ...]
    arguments: tuple[Value, ...]
    goes_on: bool  # the last argument may be there several times

    @property
    def first_words(self) -> str:
        """The words that the first argument can be."""
        return self.arguments[0].words if self.arguments else ""


_HELP = Option(("-h", "--help"), "show the options and examples")


def commands() -> list[Command]:
    declared: Any = typer.main.get_command(make_app(COMMANDS))
    return [_command(name, one) for name, one in declared.commands.items()]


def _command(name: str, declared: Any) -> Command:
    arguments = [one for one in declared.params if one.param_type_name == "argument"]
    known = name in {words.split()[0] for words in ARGUMENTS}
    return Command(
        (name, *(alias for alias, meant in ALIASES.items() if meant == name)),
        _told(declared.short_help or declared.help.partition("\n\n")[0]),
        (*_options(declared), _HELP),
        tuple(_value(one, one.name, known=known) for one in arguments),
        goes_on=bool(arguments) and arguments[-1].nargs == -1,
    )


def _options(declared: Any) -> Iterator[Option]:
    for one in declared.params:
        if one.param_type_name == "argument":
            continue
        names = tuple(sorted(one.opts, key=len))
        value = None if one.is_flag else _value(one, names[-1].strip("-"), known=names[-1] in VALUES)
        yield Option(names, _told(one.help), value, one.multiple)
        if one.secondary_opts:
            yield Option(tuple(one.secondary_opts), f"the opposite of {names[-1]}")


def _value(declared: Any, name: str, *, known: bool) -> Value:
    """Tell from how a value is called in the help what it is: `[a|b]`, PATH, FILE, REF."""
    metavar = (declared.metavar or "").strip("[]…")
    words = getattr(declared.type, "choices", None) or (metavar.split("|") if "|" in metavar else ())
    by = "known" if known else "files" if metavar in {"PATH", "FILE"} else "folders" if metavar == "REF" else "none"
    return Value(name.replace("_", " "), "|".join(words) or by)


def _told(text: str) -> str:
    text = " ".join(text.replace("`", "").split()).removesuffix(".")
    return text[:1].lower() + text[1:]


def written(file: Path) -> str:
    """The text of a file with the table that it should have."""
    text = file.read_text()
    table = "".join(f"{line}\n" for line in _WRITERS[file.name](commands()))
    assert len(_TABLE.findall(text)) == 1, f"{file}: where is the table?"
    return _TABLE.sub(lambda _: table, text)


## bash


def _bash(all_commands: Sequence[Command]) -> Iterator[str]:
    yield "_nixprof_table() {"
    yield f"  commands='{' '.join(one.names[0] for one in all_commands)}'"
    yield "  case $1 in"
    yield "    '') options='--version -h --help' ;;"
    yield "    help) options='-h --help' ;;"
    for command in all_commands:
        yield f"    {' | '.join(command.names)})"
        yield f"      options='{' '.join(name for one in command.options for name in one.names)}'"
        values = [f"{one.names[-1]}={one.value.by}" for one in command.options if one.value]
        yield from [f"      values='{' '.join(values)}'"] if values else []
        yield from [f"      first='{command.first_words}'"] if command.first_words else []
        # What `add` takes may be a flake in a folder.
        finders = {find.__name__ for place in ARGUMENTS.get(command.names[0], ()) for find in place}
        yield from ["      paths=-d"] if "packages" in finders else []
        yield "      ;;"
    yield "  esac"
    yield "}"


## zsh


def _zsh(all_commands: Sequence[Command]) -> Iterator[str]:
    yield "_nixprof_table() {"
    yield "  commands=("
    for command in all_commands:
        yield "    " + _quoted(f"{command.names[0]}:{command.told}")
    yield "    'help:show the options of a command, with examples'"
    yield "  )"
    shared = _shared(all_commands)
    yield f"  local -a {' '.join(map(_variable, shared))}"
    for option in shared:
        yield f"  {_variable(option)}=({_zsh_option(option)})"
    yield "  case $1 in"
    for command in all_commands:
        yield f"    {'|'.join(command.names)})"
        names = [f"${_variable(one)}" for one in command.options if one in shared]
        yield f"      arguments=({' '.join(names)}"
        for option in command.options:
            yield from [] if option in shared else [f"        {_zsh_option(option)}"]
        for number, value in enumerate(command.arguments, 1):
            last = number == len(command.arguments) and command.goes_on
            yield f"        {_zsh_argument('*' if last else str(number), value)}"
        yield "      )"
        yield "      ;;"
    yield "  esac"
    yield "}"


def _shared(all_commands: Sequence[Command]) -> list[Option]:
    """The options that several commands have, in the same words."""
    every = [option for command in all_commands for option in command.options]
    return [option for option in dict.fromkeys(every) if every.count(option) > 1]


def _variable(option: Option) -> str:
    return "_" + option.names[-1].strip("-").replace("-", "_")


def _zsh_option(option: Option) -> str:
    told = "[" + option.told.replace("[", r"\[").replace("]", r"\]") + "]"
    if option == _HELP:
        return f"'(- *)'{{-h,--help}}{_quoted(told)}"
    if len(option.names) > 1:
        return f"'({' '.join(option.names)})'{{{','.join(option.names)}}}{_quoted(told)}"
    [name] = option.names
    value = f"={told}{_zsh_value(option.value)}" if option.value else told
    return _quoted(f"{'*' if option.repeats else ''}{name}{value}")


def _zsh_argument(place: str, value: Value) -> str:
    if value.name == "command":
        return "'*::command:_normal'"
    return _quoted(f"{place}{_zsh_value(value)}")


def _zsh_value(value: Value) -> str:
    by = {"known": "_nixprof_known", "files": "_files", "folders": "_files -/", "none": " "}
    return f":{value.name}:{f'({value.words})' if value.words else by[value.by]}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", r"'\''") + "'"


## fish


def _fish(all_commands: Sequence[Command]) -> Iterator[str]:
    for command in all_commands:
        yield f"complete -c nixprof -n __fish_use_subcommand -a {command.names[0]} -d {_in_fish(command.told)}"
    names = " ".join(command.names[0] for command in all_commands)
    yield f"complete -c nixprof -n '__nixprof_does help' -a '{names}'"
    for option in dict.fromkeys(option for command in all_commands for option in command.options if option != _HELP):
        having = [name for command in all_commands if option in command.options for name in command.names]
        flags = " ".join(f"-l {name[2:]}" if name[:2] == "--" else f"-s {name[1:]}" for name in option.names)
        value = _fish_value(option.value) if option.value else ""
        yield f"complete -c nixprof -n '__nixprof_does {' '.join(having)}' {flags}{value} -d {_in_fish(option.told)}"
    for command in all_commands:
        if command.first_words:
            does = f"__nixprof_does {' '.join(command.names)}; and __nixprof_begins"
            yield f"complete -c nixprof -n '{does}' -a '{command.first_words}'"


def _fish_value(value: Value) -> str:
    by = {
        "known": " -x -k -a '(__nixprof_known)'",
        "files": " -r -F",
        "folders": " -r -a '(__fish_complete_directories)'",
        "none": " -x",
    }
    return f" -x -a '{value.words}'" if value.words else by[value.by]


def _in_fish(text: str) -> str:
    return "'" + text.replace("\\", r"\\").replace("'", r"\'") + "'"


_WRITERS = {"nixprof": _bash, "_nixprof": _zsh, "nixprof.fish": _fish}
