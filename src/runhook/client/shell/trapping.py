"""Shell code that finishes a run whenever its script ends: `eval "$(runhook start --trap)"`.

It is for every POSIX shell, and for scripts with `set -eu`. What the script has trapped before is
still done: its EXIT after ours, and its signals in place of ours.
"""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from runhook.client.settings import SPOOL_VARIABLE

PYTHON_ON_PATH = "python3"
TEMPLATE = """\
_runhook_exit=
_runhook_trapped=' '
_runhook_note() {{
  case "$3" in EXIT | 0) _runhook_exit=$2 ;; esac
  _runhook_trapped="$_runhook_trapped${{3#SIG}} "
}}
trap >{traps}
eval "$(sed 's/^trap -- /_runhook_note -- /' {traps})"
rm -f {traps}
_runhook_finish() {{
  if [ -e {begun} ]; then {finish} --exit-code "$_runhook_code" || :; fi
}}
_runhook_leave='
  _runhook_finish
  if [ "$_runhook_code" -eq 0 ]; then eval "$_runhook_exit"
  else (exit "$_runhook_code") || eval "$_runhook_exit"
  fi'
trap '_runhook_code=$?; eval "$_runhook_leave"' EXIT
for _runhook_signal in HUP INT TERM; do
  case "$_runhook_trapped" in
    *" $_runhook_signal "*) continue ;;
  esac
  case "$_runhook_signal" in
    HUP) _runhook_code=129 ;;
    INT) _runhook_code=130 ;;
    TERM) _runhook_code=143 ;;
  esac
  trap "_runhook_code=$_runhook_code; trap - $_runhook_signal EXIT; eval \\"\\$_runhook_leave\\"
    kill -s $_runhook_signal \\$\\$" "$_runhook_signal"
done
"""
"""`trap` prints what is set as commands. It has to write to a file: in a pipe or `$(...)` some
shells run it as another process, which has no traps. `set -e` would end the EXIT trap at a plain
`(exit 1)`, which gives `$?` to what follows; on the left of `||` it does not."""


def trap_code(begun: Path, flags: Sequence[str]) -> str:
    """Write the shell code that finishes a run when its script ends.

    Args:
        begun: file that exists until the run is finished; it is named after the run.
        flags: those of `runhook start` that `runhook finish` has too.
    """
    begun = begun.absolute()
    finish = [
        *(sys.executable or PYTHON_ON_PATH, "-P", "-m", "runhook.cli.main"),
        *("finish", "--run", begun.stem, *flags),
    ]
    return TEMPLATE.format(
        begun=shlex.quote(str(begun)),
        traps=shlex.quote(str(begun.with_suffix(".traps"))),
        # Absolute: the script may have changed its folder and its variables by then.
        finish=f"{SPOOL_VARIABLE}={shlex.quote(str(begun.parent))} {shlex.join(finish)}",
    )
