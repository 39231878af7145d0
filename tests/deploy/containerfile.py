"""Reads a Containerfile: as much of the format as ours uses."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CONTINUED = re.compile(r"\\\n\s*")
FLAG = re.compile(r"--([\w-]+)=(\S+)\s+")


@dataclass(frozen=True)
class Instruction:
    """One instruction of a stage."""

    name: str
    flags: Mapping[str, str]
    text: str
    """What stands behind name and flags."""

    @property
    def words(self) -> Sequence[str]:
        """Its text as words, whether it is written as a list or in a line."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)


@dataclass
class Stage:
    """From one FROM to the next."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def last(self, name: str) -> Instruction:
        """The last instruction of this name, which is the one that counts."""
        return [one for one in self.instructions if one.name == name][-1]

    def environ(self) -> dict[str, str]:
        """What ENV sets."""
        return {
            name: value
            for one in self.instructions
            if one.name == "ENV"
            for name, _, value in (word.partition("=") for word in one.words)
        }


def read_stages(path: Path, arguments: Mapping[str, str] | None = None) -> Sequence[Stage]:
    """Stages of a Containerfile, with ``arguments`` in place of its own defaults."""
    known: dict[str, str] = {}
    stages: list[Stage] = []
    for instruction in read_instructions(path.read_text()):
        if instruction.name == "ARG":
            name, _, default = instruction.text.partition("=")
            known[name] = (arguments or {}).get(name, default)
        elif instruction.name == "FROM":
            base, _, name = instruction.text.partition(" AS ")
            stages.append(Stage(re.sub(r"\$\{(\w+)\}", lambda found: known[found[1]], base), name))
        else:
            stages[-1].instructions.append(instruction)
    return stages


def read_instructions(text: str) -> Iterator[Instruction]:
    """Yield instructions, each with its lines run together."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for line in CONTINUED.sub(" ", "\n".join(lines)).splitlines():
        name, _, rest = line.strip().partition(" ")
        flags = {}
        while found := FLAG.match(rest):
            flags[found[1]] = found[2]
            rest = rest[found.end() :]
        if name:
            yield Instruction(name, flags, rest.strip())
